"""Many sockets that only count what they receive: `python -m tests.bench.gateway.subscribers`.

A process of its own, so that what it costs is not counted as the server's. Says "ready" when every
socket is subscribed and has received for a moment, so that no event waits for what connecting cost;
counts from then on for so many seconds and says "done"; prints one line of JSON: how many messages
in all and at least on one socket, and of some sockets when which trade came.
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

SAMPLED_EVERY = 5  # sockets of which each message is looked at
CONNECTING_AT_ONCE = 50
SETTLING_S = 2.0
TRADE_ID = re.compile(rb'"trade_id":(\d+)')
_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Socket(asyncio.Protocol):
    """Reads unmasked frames of a server: only stores what comes while it is counted, so that who
    receives takes as little as can be from who sends."""

    def __init__(self, path: str, subscribe: bytes) -> None:
        self._path = path
        self._subscribe = subscribe
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self.subscribed = asyncio.get_running_loop().create_future()
        self.came: list[tuple[int, bytes]] = []
        """When (ns), and what."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_UPGRADE.format(path=self._path).encode())

    def data_received(self, data: bytes) -> None:
        if self.subscribed.done():
            self.came.append((time.time_ns(), data))
            return
        self._head += data
        _, found, answer = self._head.partition(b"\r\n\r\n")
        if found and answer:
            self.came.append((0, answer))
            self.subscribed.set_result(None)
        elif found:
            assert self._transport is not None
            header = bytes([0x81, 0x80 | len(self._subscribe)])
            self._transport.write(header + b"\0\0\0\0" + self._subscribe)

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """When each text came, and the text; the first is the answer to the subscription."""
        waiting = b""
        for at_ns, part in self.came:
            data, start = waiting + part, 0
            while len(data) >= start + 4:
                size, body = data[start + 1], start + 2
                if size == 126:
                    size, body = int.from_bytes(data[start + 2 : start + 4]), start + 4
                if len(data) < body + size:
                    break
                if data[start] == 0x81:
                    yield at_ns, data[body : body + size]
                start = body + size
            waiting = data[start:]


async def run(address: str, path: str, subscribe: bytes, count: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    sockets: list[Socket] = []
    for start in range(0, count, CONNECTING_AT_ONCE):
        opened = await asyncio.gather(
            *(
                loop.create_connection(lambda: Socket(path, subscribe), host, int(port))
                for _ in range(start, min(start + CONNECTING_AT_ONCE, count))
            )
        )
        sockets += [socket for _, socket in opened]
        await asyncio.gather(*(socket.subscribed for _, socket in opened))
    await asyncio.sleep(SETTLING_S)
    begin_ns = time.time_ns()
    print("ready", flush=True)
    await asyncio.sleep(seconds)
    end_ns = time.time_ns()
    print("done", flush=True)
    counts: list[int] = []
    came: list[tuple[int, int]] = []
    for number, socket in enumerate(sockets):
        received = [row for row in socket.messages() if begin_ns <= row[0] < end_ns]
        counts.append(len(received))
        if not number % SAMPLED_EVERY:
            found = ((TRADE_ID.search(text), at_ns) for at_ns, text in received)
            came += [(int(trade[1]), at_ns) for trade, at_ns in found if trade]
    print(json.dumps({"messages": sum(counts), "least": min(counts), "came": came}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="host:port")
    parser.add_argument("path")
    parser.add_argument("subscribe", help="what each socket sends first, at most 125 bytes")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    if len(options.subscribe) > 125:
        sys.exit(f"subscribe has {len(options.subscribe)} bytes; at most 125 are allowed")
    gc.disable()  # a pause of the one who measures would be taken for one of the server
    told = (options.address, options.path, options.subscribe.encode())
    uvloop.run(run(*told, options.count, options.seconds))


if __name__ == "__main__":
    main()
