"""Many sockets that only count what they receive: `python -m tests.bench.gateway.subscribers`.

A process of its own, so that what it costs is not counted as the server's. Says "ready" when every
socket is subscribed; counts from then on for so many seconds; prints one line of JSON: how many
messages in all and at least on one socket, and of some sockets when which trade came.
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import time
from typing import cast

import uvloop

SAMPLED_EVERY = 5  # sockets of which each message is looked at
CONNECTING_AT_ONCE = 50
TRADE_ID = re.compile(rb'"trade_id":(\d+)')
_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Socket(asyncio.Protocol):
    """Reads unmasked frames of a server; every other message than text is passed over."""

    def __init__(self, path: str, subscribe: bytes, came: list[tuple[int, int]] | None) -> None:
        self._path = path
        self._subscribe = subscribe
        self._came = came
        self._waiting = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.subscribed = asyncio.get_running_loop().create_future()
        self.messages = -1  # the answer to the subscription

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_UPGRADE.format(path=self._path).encode())

    def data_received(self, data: bytes) -> None:
        data = self._waiting + data if self._waiting else data
        if not self._upgraded:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._waiting = head
                return
            self._upgraded = True
            assert self._transport is not None
            header = bytes([0x81, 0x80 | len(self._subscribe)])
            self._transport.write(header + b"\0\0\0\0" + self._subscribe)
        start = 0
        while len(data) >= start + 4:
            size, body = data[start + 1], start + 2
            if size == 126:
                size, body = int.from_bytes(data[start + 2 : start + 4]), start + 4
            if len(data) < body + size:
                break
            if data[start] == 0x81:
                self._message(data, body, body + size)
            start = body + size
        self._waiting = data[start:]

    def _message(self, data: bytes, start: int, end: int) -> None:
        self.messages += 1
        if not self.messages:
            self.subscribed.set_result(None)
        elif self._came is not None and (found := TRADE_ID.search(data, start, end)):
            self._came.append((int(found[1]), time.time_ns()))


async def run(address: str, path: str, subscribe: bytes, count: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    came: list[tuple[int, int]] = []
    sockets: list[Socket] = []
    for start in range(0, count, CONNECTING_AT_ONCE):
        opened = await asyncio.gather(
            *(
                loop.create_connection(
                    lambda number=number: Socket(
                        path, subscribe, None if number % SAMPLED_EVERY else came
                    ),
                    host,
                    int(port),
                )
                for number in range(start, min(start + CONNECTING_AT_ONCE, count))
            )
        )
        sockets += [socket for _, socket in opened]
        await asyncio.gather(*(socket.subscribed for _, socket in opened))
    print("ready", flush=True)
    await asyncio.sleep(seconds)
    messages = [socket.messages for socket in sockets]
    print(json.dumps({"messages": sum(messages), "least": min(messages), "came": came}), flush=True)


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
