"""Subscriptions that outlive their sockets."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from websockets.exceptions import WebSocketException

from tigerex_client.async_client import AsyncClient
from tigerex_client.errors import NoAnswer, TigerExError, TooManySubscriptions
from tigerex_client.flow import backoff_s
from tigerex_client.local_book import LocalBook
from tigerex_client.models.bots import BotEvent
from tigerex_client.models.market import (
    Book,
    BookChanges,
    Candle,
    StreamInterval,
    TopOfBook,
    Trade,
)
from tigerex_client.stream import frames
from tigerex_client.stream.followers import (
    BotsFollower,
    CandlesFollower,
    ChangesFollower,
    Follower,
    StateFollower,
    TradesFollower,
)
from tigerex_client.stream.session import Session
from tigerex_client.stream.subscription import WAITING_MAX, Subscription

Out = TypeVar("Out")

SUBSCRIPTIONS_MAX = 64  # of one socket, at the exchange
# A socket that lived this long was healthy: the next failure starts with the short delay again.
HEALTHY_S = 10.0
# What a network does. Anything else is a fault of this package, and ends the stream.
EXPECTED = (OSError, WebSocketException, TigerExError)


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Delays between attempts, and after how many in a row the stream gives up."""

    first_s: float = 0.1
    max_s: float = 10.0
    failures_max: int = 100


class Stream:
    """Subscriptions over one socket of the client's exchange.

    A subscription ends with what ended it: Refused where the exchange said no, NoAnswer where it
    stays away, ConsumerTooSlow, GapTooLarge, MissingCredentials.
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        waiting_max: int = WAITING_MAX,
        reconnect: Reconnect | None = None,
    ) -> None:
        self._client = client
        self._waiting_max = waiting_max
        self._reconnect = reconnect or Reconnect()
        self._subscriptions: dict[str, Subscription[Any]] = {}
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="tigerex stream")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every subscription and the socket; the client stays open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for subscription in list(self._subscriptions.values()):
            subscription.close()

    def trades(self, market: str) -> Subscription[Trade]:
        """Every trade from now on, once."""
        return self._subscribe(frames.trades(market), TradesFollower(market))

    def top(self, market: str) -> Subscription[TopOfBook]:
        """Best bid and ask, at once and when they change."""
        return self._subscribe(frames.top(market), StateFollower())

    def book(self, market: str) -> Subscription[Book]:
        """20 levels a side, at once and when they change."""
        return self._subscribe(frames.book(market), StateFollower())

    def candles(self, market: str, interval: StreamInterval = "1m") -> Subscription[Candle]:
        """The current candle as it changes."""
        follower = CandlesFollower(market, interval)
        return self._subscribe(frames.candles(market, interval), follower)

    def changes(self, market: str) -> Subscription[Book | BookChanges]:
        """A snapshot, and the changes that follow it; after a gap a new snapshot."""
        return self._subscribe(frames.changes(market), ChangesFollower(market))

    def bots(self) -> Subscription[BotEvent]:
        """Your bots, all at once, and then what changes."""
        return self._subscribe(frames.bots(), BotsFollower())

    async def local_book(self, market: str) -> AsyncIterator[LocalBook]:
        """The market's book after each change; a new object after a gap."""
        subscription = self.changes(market)
        book: LocalBook | None = None
        try:
            async for event in subscription:
                if isinstance(event, Book):
                    book = LocalBook(event)
                elif book is not None:
                    book.apply(event)
                if book is not None:
                    yield book
        finally:
            subscription.close()

    def _subscribe(
        self, topic: frames.Topic[Any], follower: Follower[Any, Out]
    ) -> Subscription[Out]:
        if self._task is None or self._task.done():
            raise NoAnswer("the stream is not open; allowed: within `async with Stream(...)`")
        if topic.name in self._subscriptions:
            raise ValueError(f"{topic.name} is subscribed already; allowed: once in a Stream")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise TooManySubscriptions(SUBSCRIPTIONS_MAX)
        found = Subscription(topic, follower, self._leave, self._waiting_max)
        self._subscriptions[topic.name] = found
        if self._session is not None:
            self._session.subscribe(found)
        return found

    def _leave(self, subscription: Subscription[Any]) -> None:
        del self._subscriptions[subscription.topic.name]
        if self._session is not None:
            self._session.unsubscribe(subscription)

    async def _run(self) -> None:
        try:
            error = await self._run_sockets()
        except Exception as unexpected:
            self._fail_all(NoAnswer(f"the stream failed: {unexpected!r}"))
            raise
        self._fail_all(NoAnswer(f"{self._client.flow.url} stays away: {error!r}"))

    async def _run_sockets(self) -> Exception:
        """One socket after another; returns when it gives up."""
        loop = asyncio.get_running_loop()
        policy = self._reconnect
        failures = 0
        while True:
            started_s = loop.time()
            error = await self._run_socket()
            failures = 1 if loop.time() - started_s > HEALTHY_S else failures + 1
            if failures > policy.failures_max:
                return error
            chance = random.random()  # noqa: S311 - spreads callers, guards nothing
            await asyncio.sleep(backoff_s(failures - 1, policy.first_s, policy.max_s, chance))

    async def _run_socket(self) -> Exception:
        """Why it ended."""
        self._session = Session(self._client)
        try:
            await self._session.run(list(self._subscriptions.values()))
        except EXPECTED as error:
            return error
        except ExceptionGroup as group:
            if group.split(EXPECTED)[1] is not None:
                raise
            return group.exceptions[0]
        finally:
            self._session = None
        raise AssertionError("a session ends by raising")

    def _fail_all(self, error: TigerExError) -> None:
        for subscription in list(self._subscriptions.values()):
            subscription.fail(error)
