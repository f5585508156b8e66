"""Subscribers and what they are sent: one encoding of an event, a bounded queue a subscriber.

A subscriber that does not keep up is ended rather than waited for: it would hold memory, or the
others back.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.errors import RateLimited
from tigerex_platform.telemetry import metrics

QUEUE_EVENTS_MAX = 4_096
SUBSCRIBERS_MAX = 1_000

CHANNEL_NAME: dict[int, str] = {
    int(number): name.removeprefix("CHANNEL_").lower() for name, number in pb.Channel.items()
}

Topic = tuple[int, int]
"""Market id and channel."""


class Subscriber:
    """One stream's queue of encoded events."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_EVENTS_MAX)
        self._overrun = False

    def put(self, event: bytes) -> None:
        """Queue an event; one too many ends the stream."""
        if self._overrun:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._end()
            metrics.MARKETDATA_DROPPED.add(1)

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
            f"the subscriber fell {QUEUE_EVENTS_MAX} events behind; subscribe again, "
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


class Hub:
    """Who listens to what."""

    def __init__(self) -> None:
        self._listeners: dict[Topic, set[Subscriber]] = {}
        self._subscribers: set[Subscriber] = set()

    def __len__(self) -> int:
        return len(self._subscribers)

    def wants(self, topic: Topic) -> bool:
        """Whether anybody listens: nothing is encoded for nobody."""
        return topic in self._listeners

    def publish(self, topic: Topic, event: bytes) -> None:
        listeners = self._listeners.get(topic, ())
        for subscriber in listeners:
            subscriber.put(event)
        metrics.MARKETDATA_MESSAGES.add(len(listeners), {"channel": CHANNEL_NAME[topic[1]]})

    def add(self, topics: Iterable[Topic]) -> Subscriber:
        """A new subscriber of the topics. Raises RateLimited when there are too many."""
        if len(self._subscribers) >= SUBSCRIBERS_MAX:
            raise RateLimited(
                f"there are {SUBSCRIBERS_MAX} subscribers already; try again later",
                code="TOO_MANY_SUBSCRIBERS",
            )
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        metrics.MARKETDATA_SUBSCRIBERS.add(1)
        for topic in topics:
            self._listeners.setdefault(topic, set()).add(subscriber)
        return subscriber

    def remove(self, subscriber: Subscriber) -> None:
        if subscriber not in self._subscribers:
            return
        self._subscribers.remove(subscriber)
        metrics.MARKETDATA_SUBSCRIBERS.add(-1)
        for topic in [t for t, listeners in self._listeners.items() if subscriber in listeners]:
            self._listeners[topic].discard(subscriber)
            if not self._listeners[topic]:
                del self._listeners[topic]

    def close(self) -> None:
        """End every stream."""
        for subscriber in self._subscribers:
            subscriber.close()
