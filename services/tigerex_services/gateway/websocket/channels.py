"""The market channels: how each is asked for, ordered, made good after a gap, and shown."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.translate import market as translate
from tigerex_services.gateway.upstream import Upstream, call
from tigerex_services.gateway.websocket.messages import Topic

BOOK_LEVELS = 20
MISSED_TRADES_MAX = 1_000
RECENT_CANDLES = 2

Position = tuple[int, ...]
Row = tuple[Position, BaseModel]


@dataclass(frozen=True, slots=True)
class Channel:
    """Rows of a stream carry a position that only grows: what is not beyond the last one is old."""

    number: pb.Channel.ValueType
    read: Callable[[pb.SubscribeResponse], Row]
    # What may have been missed, oldest first; asked for whenever the stream (re)starts.
    recent: Callable[[Upstream, str], Awaitable[list[Row]]]
    # A new subscriber gets the newest row at once: where it is a state, not an occurrence.
    is_state: bool


def _trade(row: pb.Trade) -> Row:
    return (row.trade_id,), translate.trade(row)


def _top(row: pb.TopOfBook) -> Row:
    return (row.seq, row.time_ns), translate.top(row)


def _depth(row: pb.Depth) -> Row:
    return (row.seq, row.time_ns), translate.book(row)


def _candle(row: pb.Candle) -> Row:
    return (row.open_time_ns, row.trades, int(row.closed)), translate.candle(row)


async def _recent_trades(upstream: Upstream, market: str) -> list[Row]:
    answer = await call(
        upstream.market_data.ListTrades,
        pb.ListTradesRequest(market=market, limit=MISSED_TRADES_MAX),
    )
    return [_trade(row) for row in reversed(answer.trades)]


async def _recent_top(upstream: Upstream, market: str) -> list[Row]:
    answer = await call(upstream.market_data.GetTopOfBook, pb.GetTopOfBookRequest(market=market))
    return [_top(answer.top)]


async def _recent_depth(upstream: Upstream, market: str) -> list[Row]:
    answer = await call(
        upstream.market_data.GetDepth, pb.GetDepthRequest(market=market, levels=BOOK_LEVELS)
    )
    return [_depth(answer.depth)]


def _recent_candles(
    interval: pb.CandleInterval.ValueType,
) -> Callable[[Upstream, str], Awaitable[list[Row]]]:
    async def recent(upstream: Upstream, market: str) -> list[Row]:
        answer = await call(
            upstream.market_data.ListCandles,
            pb.ListCandlesRequest(market=market, interval=interval, limit=RECENT_CANDLES),
        )
        return [_candle(row) for row in answer.candles]

    return recent


CHANNELS: Mapping[tuple[str, str | None], Channel] = {
    ("trades", None): Channel(
        pb.CHANNEL_TRADES, lambda event: _trade(event.trade), _recent_trades, is_state=False
    ),
    ("top", None): Channel(
        pb.CHANNEL_TOP, lambda event: _top(event.top), _recent_top, is_state=True
    ),
    ("book", None): Channel(
        pb.CHANNEL_DEPTH, lambda event: _depth(event.depth), _recent_depth, is_state=True
    ),
    ("candles", "1s"): Channel(
        pb.CHANNEL_CANDLES_1S,
        lambda event: _candle(event.candle),
        _recent_candles(pb.CANDLE_INTERVAL_1S),
        is_state=True,
    ),
    ("candles", "1m"): Channel(
        pb.CHANNEL_CANDLES_1M,
        lambda event: _candle(event.candle),
        _recent_candles(pb.CANDLE_INTERVAL_1M),
        is_state=True,
    ),
}


def channel_of(topic: Topic) -> Channel:
    return CHANNELS[topic.channel, topic.interval]
