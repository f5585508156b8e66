"""Feeds by key: made for the first listener, ended with the last one."""

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from tigerex_platform.errors import Unavailable

Key = TypeVar("Key", bound=Hashable)
AnySink = TypeVar("AnySink")


class Feed(Protocol[AnySink]):
    """What is told, and to whom."""

    sinks: set[AnySink]

    def add(self, sink: AnySink) -> None: ...

    def end(self) -> None: ...


class Feeds(Generic[Key, AnySink]):
    """At most `most` feeds; `full` is the refusal of one more."""

    def __init__(self, make: Callable[[Key], Feed[AnySink]], *, most: int, full: str) -> None:
        self._make = make
        self._most = most
        self._full = full
        self._feeds: dict[Key, Feed[AnySink]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._feeds

    @property
    def listeners(self) -> int:
        """Subscriptions of all sinks together."""
        return sum(len(feed.sinks) for feed in self._feeds.values())

    def attach(self, key: Key, sink: AnySink) -> None:
        """Adds the sink to the key's feed. Raises Unavailable when full."""
        feed = self._feeds.get(key)
        if feed is None:
            if len(self._feeds) >= self._most:
                raise Unavailable(self._full)
            feed = self._feeds[key] = self._make(key)
        feed.add(sink)

    def detach(self, key: Key, sink: AnySink) -> None:
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
