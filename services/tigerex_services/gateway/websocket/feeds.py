"""Feeds by key: made for the first listener, ended with the last one."""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Protocol, TypeVar

from tigerex_platform.errors import Unavailable
from tigerex_services.gateway.websocket.outbox import Sink


class Feed(Protocol):
    """What is told, and to whom."""

    sinks: set[Sink]

    def add(self, sink: Sink) -> None: ...

    def end(self) -> None: ...


Key = TypeVar("Key", bound=Hashable)
AnyFeed = TypeVar("AnyFeed", bound=Feed)


class Feeds(Generic[Key, AnyFeed]):
    """At most `most` feeds; `full` is the refusal of one more."""

    def __init__(self, make: Callable[[Key], AnyFeed], *, most: int, full: str) -> None:
        self._make = make
        self._most = most
        self._full = full
        self._feeds: dict[Key, AnyFeed] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._feeds

    def __iter__(self) -> Iterator[AnyFeed]:
        return iter(self._feeds.values())

    def attach(self, key: Key, sink: Sink) -> None:
        """Adds the sink to the key's feed. Raises Unavailable when full."""
        feed = self._feeds.get(key)
        if feed is None:
            if len(self._feeds) >= self._most:
                raise Unavailable(self._full)
            feed = self._feeds[key] = self._make(key)
        feed.add(sink)

    def detach(self, key: Key, sink: Sink) -> None:
        """The last one out ends the feed."""
        feed = self._feeds.get(key)
        if feed is None:
            return
        feed.sinks.discard(sink)
        if not feed.sinks:
            del self._feeds[key]
            feed.end()

    def close(self) -> None:
        """Ends every feed."""
        feeds, self._feeds = list(self._feeds.values()), {}
        for feed in feeds:
            feed.end()
