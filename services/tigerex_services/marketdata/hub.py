"""Subscribers and what they are sent: one encoding of an event, a bounded queue a subscriber."""

from collections.abc import Iterable

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.errors import RateLimited
from tigerex_platform.telemetry import metrics
from tigerex_services.subscriber import Subscriber

QUEUE_EVENTS_MAX = 4_096
SUBSCRIBERS_MAX = 1_000

CHANNEL_NAME: dict[int, str] = {
    int(number): name.removeprefix("CHANNEL_").lower() for name, number in pb.Channel.items()
}

Topic = tuple[int, int]
"""Market id and channel."""


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
        subscriber = Subscriber(QUEUE_EVENTS_MAX, metrics.MARKETDATA_DROPPED)
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
