"""Trades and the candles that they make: pure folds in ticks, lots and quote units.

A candle covers [open time, open time + interval) of the exchange's own time. Intervals without a
trade have no candle. Those of INTERVALS_S are kept; others are made of them: see `intervals`.
"""

from typing import NamedTuple

from tigerex_core.records import Side

NS_PER_S = 1_000_000_000
MINUTE_S, HOUR_S = 60, 3_600
# Each other usual interval is at most six of one of them, so that no query reads many rows.
INTERVALS_S = (1, 60, 300, 1_800, 3_600, 14_400, 86_400)


class Trade(NamedTuple):
    """One trade: price in ticks, quantity in lots, notional in quote units."""

    market_id: int
    trade_id: int
    price: int
    quantity: int
    notional: int
    taker_side: int
    time_ns: int
    seq: int


class Candle(NamedTuple):
    """One market's trades of one interval: prices in ticks, volumes in lots and in quote units, of
    all trades and of those whose taker bought."""

    market_id: int
    interval_s: int
    open_time_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trades: int
    last_trade_id: int
    taker_volume: int = 0
    taker_quote_volume: int = 0

    @property
    def key(self) -> tuple[int, int, int]:
        """What names a candle: market, interval, open time."""
        return self.market_id, self.interval_s, self.open_time_ns

    @property
    def end_time_ns(self) -> int:
        """Exclusive."""
        return self.open_time_ns + self.interval_s * NS_PER_S

    def closed(self, now_ns: int) -> bool:
        """Whether no trade can change it any more, `now_ns` being the exchange's newest time."""
        return now_ns >= self.end_time_ns


class Statistics(NamedTuple):
    """What happened in a market in [start, end): its trades as one candle, None without any; the
    price before, and the lots of the newest trade, None without one."""

    start_ns: int
    end_ns: int
    candle: Candle | None
    previous_close: int | None
    last_quantity: int | None


def open_time_ns(time_ns: int, interval_s: int) -> int:
    """The start of the interval that a time is in."""
    return time_ns - time_ns % (interval_s * NS_PER_S)


def extend(candle: Candle | None, trade: Trade, interval_s: int) -> Candle:
    """The candle after one more trade; a new one when the trade is beyond it.

    A trade that the candle has already counted changes nothing, so a fold may begin again earlier.
    """
    start_ns = open_time_ns(trade.time_ns, interval_s)
    buys = trade.taker_side == Side.BUY
    bought, paid = (trade.quantity, trade.notional) if buys else (0, 0)
    if candle is None or candle.open_time_ns < start_ns:
        return Candle(
            trade.market_id,
            interval_s,
            start_ns,
            trade.price,
            trade.price,
            trade.price,
            trade.price,
            trade.quantity,
            trade.notional,
            1,
            trade.trade_id,
            bought,
            paid,
        )
    if trade.trade_id <= candle.last_trade_id:
        return candle
    return Candle(
        candle.market_id,
        interval_s,
        candle.open_time_ns,
        candle.open,
        max(candle.high, trade.price),
        min(candle.low, trade.price),
        trade.price,
        candle.volume + trade.quantity,
        candle.quote_volume + trade.notional,
        candle.trades + 1,
        trade.trade_id,
        candle.taker_volume + bought,
        candle.taker_quote_volume + paid,
    )
