"""A TCP proxy that a test can cut: every connection through it ends at once, new ones are taken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CHUNK_BYTES = 64 * 1024


@dataclass
class CuttingProxy:
    """Forwards to `target`, "host:port"; while `refusing`, a new connection ends at once."""

    target: str
    address: str = ""
    refusing: bool = False
    cuts: int = 0  # that ended a connection
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def open(self) -> bool:
        """Whether anything is connected through it."""
        return bool(self._open)

    def cut(self) -> None:
        """Aborts every open connection, in both directions."""
        self.cuts += self.open
        for writer in list(self._open):
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        host, _, port = self.target.rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        self._open |= {writer, back}
        try:
            await asyncio.gather(self._forward(reader, back), self._forward(there, writer))
        finally:
            self._open -= {writer, back}
            writer.close()
            back.close()


@asynccontextmanager
async def cutting_proxy(target: str) -> AsyncIterator[CuttingProxy]:
    """A proxy in front of `target`, until the end of the block."""
    proxy = CuttingProxy(target)
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    proxy.address = f"{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
