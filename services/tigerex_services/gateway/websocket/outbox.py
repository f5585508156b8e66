"""What waits to be sent to one socket: bounded, and never waited for by whoever publishes."""

import asyncio
from typing import Protocol

WAITING_MESSAGES_MAX = 256


class Sink(Protocol):
    """Takes messages without ever blocking."""

    def offer(self, text: str) -> None: ...


class Outbox:
    def __init__(self, limit: int = WAITING_MESSAGES_MAX) -> None:
        self._waiting: asyncio.Queue[str] = asyncio.Queue(limit)
        self._overflowed = asyncio.Event()

    def offer(self, text: str) -> None:
        """Queues the message; a full queue ends the socket: nothing is lost in silence."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self._overflowed.set()

    async def take(self) -> str:
        return await self._waiting.get()

    async def overflow(self) -> None:
        """Returns once a message found no place."""
        await self._overflowed.wait()
