"""Channels of market data, followed: whatever happens to the stream, what is told is in order, none
twice and none missing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.upstream import Upstream, call, keep_following

BOOK_LEVELS = 20
MISSED_TRADES_MAX = 1_000
RECENT_CANDLES = 2

Position = tuple[int, ...]
Event = TypeVar("Event", bound=Message)


@dataclass(frozen=True, slots=True)
class Channel(Generic[Event]):
    """Events carry a position that only grows: what is not beyond the last one is old."""

    number: pb.Channel.ValueType
    field: str
    position: Callable[[Event], Position]
    # What may have been missed, oldest first; asked for whenever the stream (re)starts.
    recent: Callable[[Upstream, str], Awaitable[Sequence[Event]]]
    # Each event is the state of now, not an occurrence: the first one is news at once.
    is_state: bool


class Follower(Generic[Event]):
    """Follows one channel of one market until it is ended, and tells what is new."""

    def __init__(
        self,
        upstream: Upstream,
        channel: Channel[Event],
        market: str,
        tell: Callable[[Event], None],
    ) -> None:
        self._upstream = upstream
        self._channel = channel
        self._market = market
        self._tell = tell
        self._position: Position | None = None
        name = f"{channel.field} of {market}"
        following = keep_following(name, self._follow, lambda _: None)
        self._task = asyncio.create_task(following, name=name)

    def end(self) -> None:
        self._task.cancel()

    async def _follow(self) -> None:
        """Opens the stream, fetches what it may have missed before, then passes events on."""
        stream: Any = self._upstream.market_data.Subscribe(
            pb.SubscribeRequest(markets=[self._market], channels=[self._channel.number])
        )
        try:
            await stream.initial_metadata()
            events = await self._channel.recent(self._upstream, self._market)
            if self._position is None and not self._channel.is_state:
                # Occurrences from before the first subscription are nobody's news.
                self._position = self._channel.position(events[-1]) if events else None
            for event in events:
                self._pass_on(event)
            async for answer in stream:
                self._pass_on(getattr(answer, self._channel.field))
        finally:
            stream.cancel()

    def _pass_on(self, event: Event) -> None:
        position = self._channel.position(event)
        if self._position is None or position > self._position:
            self._position = position
            self._tell(event)


async def _recent_trades(upstream: Upstream, market: str) -> Sequence[pb.Trade]:
    answer = await call(
        upstream.market_data.ListTrades,
        pb.ListTradesRequest(market=market, limit=MISSED_TRADES_MAX),
    )
    return answer.trades[::-1]


async def _recent_aggregates(upstream: Upstream, market: str) -> Sequence[pb.AggregateTrade]:
    answer = await call(
        upstream.market_data.ListAggregateTrades,
        pb.ListAggregateTradesRequest(market=market, limit=MISSED_TRADES_MAX),
    )
    return answer.aggregate_trades


async def _recent_top(upstream: Upstream, market: str) -> Sequence[pb.TopOfBook]:
    answer = await call(upstream.market_data.GetTopOfBook, pb.GetTopOfBookRequest(market=market))
    return [answer.top]


async def _recent_depth(upstream: Upstream, market: str) -> Sequence[pb.Depth]:
    answer = await call(
        upstream.market_data.GetDepth, pb.GetDepthRequest(market=market, levels=BOOK_LEVELS)
    )
    return [answer.depth]


def _candles(
    number: pb.Channel.ValueType, interval: pb.CandleInterval.ValueType
) -> Channel[pb.Candle]:
    async def recent(upstream: Upstream, market: str) -> Sequence[pb.Candle]:
        answer = await call(
            upstream.market_data.ListCandles,
            pb.ListCandlesRequest(market=market, interval=interval, limit=RECENT_CANDLES),
        )
        return answer.candles

    return Channel(
        number,
        "candle",
        lambda event: (event.open_time_ns, event.trades, int(event.closed)),
        recent,
        is_state=True,
    )


TRADES: Channel[pb.Trade] = Channel(
    pb.CHANNEL_TRADES, "trade", lambda event: (event.trade_id,), _recent_trades, is_state=False
)
AGGREGATE_TRADES: Channel[pb.AggregateTrade] = Channel(
    pb.CHANNEL_AGGREGATE_TRADES,
    "aggregate_trade",
    lambda event: (event.aggregate_id,),
    _recent_aggregates,
    is_state=False,
)
TOP: Channel[pb.TopOfBook] = Channel(
    pb.CHANNEL_TOP, "top", lambda event: (event.seq, event.time_ns), _recent_top, is_state=True
)
DEPTH: Channel[pb.Depth] = Channel(
    pb.CHANNEL_DEPTH,
    "depth",
    lambda event: (event.seq, event.time_ns),
    _recent_depth,
    is_state=True,
)
CANDLES_1S = _candles(pb.CHANNEL_CANDLES_1S, pb.CANDLE_INTERVAL_1S)
CANDLES_1M = _candles(pb.CHANNEL_CANDLES_1M, pb.CANDLE_INTERVAL_1M)
