"""A TCP proxy in front of a server that cuts connections when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK_BYTES = 64 * 1024


class CuttingProxy:
    """Passes bytes both ways until `cut`; `cuts` counts the connections that were cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._open: set[asyncio.Task[None]] = set()
        self._refusing = False
        self.cuts = 0
        self.address = ""

    def cut(self) -> None:
        """Ends every connection at once, in the middle of whatever it carries."""
        for task in self._open:
            task.cancel()
        self.cuts += len(self._open)

    def refuse(self, refusing: bool) -> None:
        """While it refuses, new connections are closed as soon as they are there."""
        self._refusing = refusing

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if not self._refusing:
                await self._pass_both(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # either end, or a cut
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _pass_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        passing = [
            asyncio.create_task(_pass(reader, there_writer)),
            asyncio.create_task(_pass(there_reader, writer)),
        ]
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in passing:
                each.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            there_writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def cutting_proxy(target: str) -> AsyncIterator[CuttingProxy]:
    """In front of "host:port"."""
    host, _, port = target.rpartition(":")
    proxy = CuttingProxy(host, int(port))
    server = await asyncio.start_server(proxy.serve_one, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
