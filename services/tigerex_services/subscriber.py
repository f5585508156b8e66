"""One reader of a stream of encoded events, with a bounded queue.

A subscriber that does not keep up is ended rather than waited for: it would hold memory, or the
others back.
"""

import asyncio
from collections.abc import AsyncIterator

from tigerex_platform.errors import RateLimited
from tigerex_platform.telemetry.instruments import Counter


class Subscriber:
    """A queue of at most `events_max` encoded events; `dropped` counts those that overran it."""

    def __init__(self, events_max: int, dropped: Counter) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(events_max)
        self._dropped = dropped
        self._overrun = False

    def put(self, event: bytes) -> None:
        """Queue an event; one too many ends the stream."""
        if self._overrun:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._end()
            self._dropped.add(1)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Events in order. Raises RateLimited once the subscriber has fallen behind."""
        while not self._overrun:
            event = await self._queue.get()
            if event is None:
                break
            yield event
        if not self._overrun:
            return
        raise RateLimited(
            f"the subscriber fell {self._queue.maxsize} events behind; subscribe again, "
            "to less or from nearer",
            code="SLOW_SUBSCRIBER",
        )

    def close(self) -> None:
        """End the stream after what is queued; at once when the queue is full."""
        try:
            self._queue.put_nowait(None)
        except asyncio.QueueFull:
            self._end()

    def _end(self) -> None:
        """Nothing of what is queued will be read: a client that takes nothing holds no memory."""
        self._overrun = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)  # wakes the reader
