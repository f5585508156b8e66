"""What is sent to one socket: never waited for by whoever publishes, and bounded."""

import asyncio
from typing import Protocol

from tigerex_services.gateway.websocket.protocol import SendFrame


class Sink(Protocol):
    """Takes frames without ever blocking."""

    def offer(self, frame: bytes) -> None: ...


class Outbox:
    """Frames to one socket, until one finds no place: then the socket ends, as nothing is lost in
    silence."""

    def __init__(self, send: SendFrame) -> None:
        self._send = send
        self._overflowed = asyncio.Event()

    def offer(self, frame: bytes) -> None:
        if not self._overflowed.is_set() and not self._send(frame):
            self._overflowed.set()

    async def overflow(self) -> None:
        """Returns once a frame found no place."""
        await self._overflowed.wait()
