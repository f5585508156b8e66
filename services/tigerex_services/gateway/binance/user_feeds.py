"""One upstream stream for each account that somebody listens to, told to all who do.

Whoever is attached hears everything that is committed afterwards, or that its stream is terminated:
nothing is lost in silence. Upstream streams have a bounded life; before the end of one the next is
followed beside it, and they change over at an entry that both tell.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import grpc.aio
from tigerex.exchange.v1 import accounts_pb2, types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_platform.clock import Clock
from tigerex_platform.errors import TigerExError, Unavailable, from_rpc_error
from tigerex_platform.grpc.options import STREAM_DURATION_S_MAX
from tigerex_platform.retry import backoff_s, retry
from tigerex_services.gateway.binance import user_events
from tigerex_services.gateway.binance.orders import Json, millis
from tigerex_services.gateway.binance.symbols import Symbols
from tigerex_services.gateway.upstream import USER_METADATA, Upstream, call

logger = logging.getLogger(__name__)

ACCOUNTS_MAX = 2_000
LIVE_SECONDS_MAX = 5.0  # from asking upstream to its first word
ATTEMPTS_MAX = 5  # to reach upstream for who wants to listen
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 1.0
CHANGE_OVER_S = STREAM_DURATION_S_MAX / 2
PLANNED_END = "SUBSCRIPTION_ENDED"  # how a stream ends whose time is over


class UserSink(Protocol):
    """Takes one user's events without ever blocking."""

    def offer(self, event: bytes) -> None:
        """An event as JSON."""

    def terminated(self) -> None:
        """That was the last one: whoever wants more attaches again."""


class _Stream:
    """One call of Follow, of which all after `seq` is told."""

    def __init__(self, upstream: Upstream, user: str, account_id: int) -> None:
        self._call = upstream.history.Follow(
            pb.FollowRequest(account_id=account_id), metadata=((USER_METADATA, user),)
        )
        self.seq = 0

    async def live(self) -> None:
        """Returns when it is; raises TigerExError."""
        try:
            async with asyncio.timeout(LIVE_SECONDS_MAX):
                first = await self._call.read()
        except TimeoutError as error:
            raise Unavailable("user data are not available at the moment") from error
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        if not isinstance(first, pb.FollowResponse) or not first.HasField("live"):
            raise Unavailable("user data are not available at the moment")
        self.seq = first.live.seq

    async def next(self) -> pb.AccountUpdate | None:
        """The next change; None where the stream's time is over. Raises TigerExError where it
        broke, and changes may be lost.
        """
        try:
            found = await self._call.read()
        except grpc.aio.AioRpcError as error:
            reason = from_rpc_error(error)
            if reason.code == PLANNED_END:
                return None
            raise reason from error
        if not isinstance(found, pb.FollowResponse):  # the end
            raise Unavailable("the stream of user data was ended")
        return found.update

    def cancel(self) -> None:
        self._call.cancel()


class _Feed:
    """Follows one account from the first listener to the last, or until it cannot any more."""

    def __init__(
        self,
        upstream: Upstream,
        symbols: Symbols,
        clock: Clock,
        user: str,
        account_id: int,
        on_end: Callable[[], None],
    ) -> None:
        self._upstream = upstream
        self._symbols = symbols
        self._clock = clock
        self._user = user
        self._account_id = account_id
        self._on_end = on_end
        self._changed: dict[str, None] = {}  # assets, in order
        self._changed_ns = 0
        self._wake = asyncio.Event()
        self.sinks: set[UserSink] = set()
        self.waiting = 0  # who wants to listen once it is live
        self.ended = False
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = [
            asyncio.create_task(self._run(), name=f"user data of {user}"),
            asyncio.create_task(self._tell_positions(), name=f"positions of {user}"),
        ]

    def end(self) -> None:
        """Nobody is told anything any more; the tasks end."""
        self.ended = True
        for task in self._tasks:
            task.cancel()

    def terminate(self) -> None:
        """Tells everybody that it was the last event, and ends."""
        self._tell(user_events.terminated(self._now_ms()))
        sinks, self.sinks = self.sinks, set()
        for sink in sinks:
            sink.terminated()
        self._on_end()
        self.end()

    async def _run(self) -> None:
        try:
            stream = await self._connect()
        except TigerExError as error:
            self.live.set_exception(error)
            self.live.exception()  # nobody may be waiting any more: that is not a fault
            self._on_end()
            self.end()
            return
        self.live.set_result(None)
        try:
            await self._follow(stream)
        except TigerExError as error:
            logger.info("user data: %s; who listened has to subscribe again", error.code)
        except Exception:  # one change that makes no sense must not end the stream in silence
            logger.exception("user data: who listened has to subscribe again")
        finally:
            stream.cancel()
        self.terminate()

    async def _connect(self) -> _Stream:
        for attempt in range(ATTEMPTS_MAX):
            stream = _Stream(self._upstream, self._user, self._account_id)
            try:
                await stream.live()
            except BaseException as error:
                stream.cancel()
                retryable = isinstance(error, TigerExError) and error.retryable
                if not retryable or attempt + 1 == ATTEMPTS_MAX:
                    raise
            else:
                return stream
            await asyncio.sleep(backoff_s(attempt, RETRY_FIRST_S, RETRY_MAX_S))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _follow(self, stream: _Stream) -> None:
        """Raises TigerExError when changes may have been lost."""
        while True:
            successor = asyncio.create_task(self._successor())
            try:
                stream = await self._until_change_over(stream, successor)
            finally:
                if successor.cancel():
                    await asyncio.gather(successor, return_exceptions=True)

    async def _successor(self) -> _Stream:
        """The stream that will take over; tried for as long as there is the one before."""
        await asyncio.sleep(CHANGE_OVER_S)
        while True:
            try:
                return await self._connect()
            except TigerExError as error:
                logger.info("user data: %s; following again", error.code)
            await asyncio.sleep(RETRY_MAX_S)

    async def _until_change_over(
        self, stream: _Stream, successor: "asyncio.Task[_Stream]"
    ) -> _Stream:
        """Tells what the stream has up to where its successor begins; gives that one."""
        try:
            while True:
                update = await stream.next()
                if update is None and not successor.done():
                    raise Unavailable("the stream of user data was ended")
                if update is None:
                    return successor.result()  # all from before its beginning is told
                if successor.done() and update.seq > successor.result().seq:
                    return successor.result()
                await self._publish(update)
        finally:
            stream.cancel()

    async def _publish(self, update: pb.AccountUpdate) -> None:
        name = user_events.market_of(update)
        market, symbol = await self._symbols.find(name) if name else (None, "")
        event = user_events.event_of(update, market, symbol, self._now_ms())
        if event is not None:
            self._tell(event)
        if update.changed_assets:
            self._changed |= dict.fromkeys(update.changed_assets)
            self._changed_ns = update.time_ns
            self._wake.set()

    async def _tell_positions(self) -> None:
        """After changes: what there is now of what changed. One question at a time."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, {}
            time_ns = self._changed_ns
            try:
                balances = await retry(
                    self._balances,
                    attempts=ATTEMPTS_MAX,
                    first_delay_s=RETRY_FIRST_S,
                    max_delay_s=RETRY_MAX_S,
                )
            except TigerExError as error:
                logger.info("user data: balances: %s; who listened subscribes again", error.code)
                self.terminate()
                return
            rows = {row.asset: row for row in balances}
            wanted = [rows.get(asset, types_pb2.Balance(asset=asset)) for asset in changed]
            self._tell(user_events.position(wanted, time_ns, self._now_ms()))

    async def _balances(self) -> Sequence[types_pb2.Balance]:
        answer = await call(
            self._upstream.accounts.GetBalances,
            accounts_pb2.GetBalancesRequest(account_id=self._account_id),
            user=self._user,
        )
        return answer.balances

    def _tell(self, event: Json) -> None:
        encoded = user_events.encode(event)
        for sink in self.sinks:
            sink.offer(encoded)

    def _now_ms(self) -> int:
        return millis(self._clock.now_ns())


class UserFeeds:
    """At most `accounts_max` users' accounts are followed."""

    def __init__(
        self,
        upstream: Upstream,
        symbols: Symbols,
        clock: Clock,
        *,
        accounts_max: int = ACCOUNTS_MAX,
    ) -> None:
        self._upstream = upstream
        self._symbols = symbols
        self._clock = clock
        self._accounts_max = accounts_max
        self._feeds: dict[str, _Feed] = {}

    async def attach(self, user: str, account_id: int, sink: UserSink) -> None:
        """From the return on the sink is told every event of the user's account. Raises
        TigerExError: Unavailable when full, or where upstream does not answer.
        """
        feed = self._feeds.get(user)
        if feed is None:
            if len(self._feeds) >= self._accounts_max:
                raise Unavailable(f"{self._accounts_max} users are followed here already")
            feed = self._feeds[user] = self._make(user, account_id)
        feed.waiting += 1
        try:
            await asyncio.shield(feed.live)
            if feed.ended:
                raise Unavailable("user data are not available at the moment")
            feed.sinks.add(sink)  # nothing was awaited since: no event is missed
        finally:
            feed.waiting -= 1
            self._end_unheard(user, feed)

    def detach(self, user: str, sink: UserSink) -> None:
        """The last one out ends the feed."""
        feed = self._feeds.get(user)
        if feed is not None:
            feed.sinks.discard(sink)
            self._end_unheard(user, feed)

    def close(self) -> None:
        """Tells all who listen that it is over."""
        for feed in list(self._feeds.values()):
            feed.terminate()

    def _make(self, user: str, account_id: int) -> _Feed:
        def forget() -> None:
            self._feeds.pop(user, None)

        return _Feed(self._upstream, self._symbols, self._clock, user, account_id, forget)

    def _end_unheard(self, user: str, feed: _Feed) -> None:
        if self._feeds.get(user) is feed and not feed.sinks and not feed.waiting:
            del self._feeds[user]
            feed.end()
