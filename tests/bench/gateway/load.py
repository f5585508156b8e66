"""Asks one server for one target, over kept connections: `load.py HOST:PORT TARGET SECONDS RUN`.

Prints the answers a second. Each connection has a loopback address of its own, new in each run:
request weights are counted by address.
"""

import asyncio
import sys
import time

import uvloop

CONNECTIONS = 16
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


class Asker(asyncio.Protocol):
    """One request at a time, the next one when the answer is complete."""

    def __init__(self, target: str, failed: "asyncio.Future[None]") -> None:
        self._request = f"GET {target} HTTP/1.1\r\nHost: gateway\r\n\r\n".encode()
        self._failed = failed
        self._received = b""
        self.answers = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        if not end or len(body) < int(head.lower().partition(LENGTH)[2].split(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200 ") and not self._failed.done():
            self._failed.set_exception(RuntimeError(self._received.decode()))
        self._received = b""
        self.answers += 1
        self._transport.write(self._request)

    def close(self) -> None:
        self._transport.abort()


async def measure(address: str, target: str, seconds: float, run: int) -> float:
    """Answers a second. Raises RuntimeError for one that is not 200."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    askers = [
        (
            await loop.create_connection(
                lambda: Asker(target, failed),
                host,
                int(port),
                local_addr=(f"127.1.{run}.{number + 1}", 0),
            )
        )[1]
        for number in range(CONNECTIONS)
    ]
    before, started_s = sum(asker.answers for asker in askers), time.perf_counter()
    done, _ = await asyncio.wait({failed}, timeout=seconds)
    rate = (sum(asker.answers for asker in askers) - before) / (time.perf_counter() - started_s)
    for asker in askers:
        asker.close()
    for future in done:
        future.result()
    return rate


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        address, target, seconds, run = sys.argv[1:]
        print(runner.run(measure(address, target, float(seconds), int(run))))
