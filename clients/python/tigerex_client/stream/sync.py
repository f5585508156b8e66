"""Streams for code without an event loop: one runs in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tigerex_client.async_client import AsyncClient
from tigerex_client.errors import NoAnswer
from tigerex_client.models.bots import BotEvent
from tigerex_client.models.market import (
    Book,
    BookChanges,
    Candle,
    StreamInterval,
    TopOfBook,
    Trade,
)
from tigerex_client.signing import Credentials
from tigerex_client.stream.stream import Reconnect, Stream
from tigerex_client.stream.subscription import WAITING_MAX, Subscription

T = TypeVar("T")
Out = TypeVar("Out")

START_S = 10.0
STOP_S = 10.0


class SyncSubscription(Generic[Out]):
    """As Subscription, for `for`."""

    def __init__(self, stream: "SyncStream", subscription: Subscription[Out]) -> None:
        self._stream = stream
        self._subscription = subscription

    def __iter__(self) -> Iterator[Out]:
        return self

    def __next__(self) -> Out:
        return self.next()

    def next(self, timeout_s: float | None = None) -> Out:
        """The next one. Raises StopIteration after `close`, TimeoutError when none came in time."""

        async def take() -> tuple[Out] | None:
            try:
                async with asyncio.timeout(timeout_s):
                    return (await anext(self._subscription),)
            except StopAsyncIteration:
                return None

        found = self._stream.wait(take())
        if found is None:
            raise StopIteration
        return found[0]

    def close(self) -> None:
        """Unsubscribes; what was not read is dropped."""

        async def close() -> None:
            self._subscription.close()

        self._stream.wait(close())


class SyncStream:
    """As Stream, with its own client; `with` opens and closes it."""

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        waiting_max: int = WAITING_MAX,
        reconnect: Reconnect | None = None,
    ) -> None:
        self._make_client = partial(AsyncClient, url, credentials)
        self._make = partial(Stream, waiting_max=waiting_max, reconnect=reconnect)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="tigerex stream", daemon=True
        )
        self._client: AsyncClient | None = None
        self._stream: Stream | None = None

    def __enter__(self) -> Self:
        self._thread.start()

        async def start() -> None:
            self._client = self._make_client()
            self._stream = await self._make(self._client).__aenter__()

        self.wait(start(), START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        async def stop() -> None:
            if self._stream is not None and self._client is not None:
                await self._stream.close()
                await self._client.close()

        self.wait(stop(), STOP_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)
        self._loop.close()

    def trades(self, market: str) -> SyncSubscription[Trade]:
        """Every trade from now on, once."""
        return self._subscribe(lambda stream: stream.trades(market))

    def top(self, market: str) -> SyncSubscription[TopOfBook]:
        """Best bid and ask, at once and when they change."""
        return self._subscribe(lambda stream: stream.top(market))

    def book(self, market: str) -> SyncSubscription[Book]:
        """20 levels a side, at once and when they change."""
        return self._subscribe(lambda stream: stream.book(market))

    def candles(self, market: str, interval: StreamInterval = "1m") -> SyncSubscription[Candle]:
        """The current candle as it changes."""
        return self._subscribe(lambda stream: stream.candles(market, interval))

    def changes(self, market: str) -> SyncSubscription[Book | BookChanges]:
        """A snapshot, and the changes that follow it; after a gap a new snapshot."""
        return self._subscribe(lambda stream: stream.changes(market))

    def bots(self) -> SyncSubscription[BotEvent]:
        """Your bots, all at once, and then what changes."""
        return self._subscribe(lambda stream: stream.bots())

    def wait(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Runs it in the stream's thread. Raises what it raises."""
        if not self._thread.is_alive():
            work.close()
            raise NoAnswer("the stream is not open; allowed: within `with SyncStream(...)`")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def _subscribe(self, subscribe: Callable[[Stream], Subscription[Out]]) -> SyncSubscription[Out]:
        async def start() -> Subscription[Out]:
            if self._stream is None:
                raise NoAnswer("the stream is not open")
            return subscribe(self._stream)

        return SyncSubscription(self, self.wait(start()))
