"""What may be asked, and where the answer comes from: the fold, the store, or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.clock import Clock
from tigerex_platform.errors import InvalidField
from tigerex_services.directory import MarketInfo
from tigerex_services.marketdata.book import SNAPSHOT_LEVELS, Book
from tigerex_services.marketdata.candles import NS_PER_S, Candle, Trade
from tigerex_services.marketdata.fold import Fold
from tigerex_services.marketdata.hub import Hub, Subscriber
from tigerex_services.marketdata.intervals import (
    INTERVALS,
    Interval,
    combined,
    joined,
    with_empty,
)
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.storage import Storage

TRADES_LIMIT = (100, 1_000)
"""Default and largest."""
CANDLES_LIMIT = (500, 1_000)
DEPTH_LIMIT = (50, SNAPSHOT_LEVELS)
MINUTES_LIMIT = (1_440, 10_080)
SUBSCRIBED_MARKETS_MAX = 100
INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class MarketView:
    """A market with its book as of now."""

    market: MarketInfo
    book: Book


class MarketDataService:
    """Answers from committed data only."""

    def __init__(
        self, fold: Fold, pending: Pending, storage: Storage, hub: Hub, clock: Clock
    ) -> None:
        self._fold = fold
        self._pending = pending
        self._storage = storage
        self._hub = hub
        self._clock = clock

    @property
    def time_ns(self) -> int:
        """The exchange's newest time that was seen."""
        return self._fold.time_ns

    def view(self, symbol: str) -> MarketView:
        """Raises NotFound for an unknown market."""
        market = self._fold.directory.market(symbol)
        return MarketView(market, self._fold.books[market.market_id])

    def depth_levels(self, levels: int) -> int:
        """How many levels to give. Raises InvalidField."""
        return limited("levels", levels, DEPTH_LIMIT)

    async def trades(
        self, symbol: str, before_trade_id: int, limit: int
    ) -> tuple[MarketInfo, Sequence[Trade]]:
        """The newest trades older than `before_trade_id` (0: all), newest first."""
        market = self._fold.directory.market(symbol)
        count = limited("limit", limit, TRADES_LIMIT)
        not_negative("before_trade_id", before_trade_id)
        before = before_trade_id or INT64_MAX
        # In this order: what is stored while the query runs is found twice rather than never.
        waiting = self._pending.trades(market.market_id, before)
        stored = await self._storage.trades(market.market_id, before, count)
        found = {trade.trade_id: trade for trade in (*stored, *waiting)}
        return market, [found[i] for i in sorted(found, reverse=True)[:count]]

    async def candles(
        self,
        symbol: str,
        interval: Interval,
        start_ns: int,
        end_ns: int,
        limit: int,
        *,
        empty: bool = False,
    ) -> tuple[MarketInfo, Sequence[Candle]]:
        """The newest candles that begin in [start, end) (0: now), oldest first; `empty`: also those
        without a trade."""
        market = self._fold.directory.market(symbol)
        count = limited("limit", limit, CANDLES_LIMIT)
        not_negative("start_ns", start_ns)
        not_negative("end_ns", end_ns)
        end_ns = end_ns or self._now_ns()
        if end_ns <= start_ns:
            raise InvalidField("end_ns", end_ns, "later than start_ns")
        if empty:  # there are none in the time to come
            end_ns = max(start_ns + 1, min(end_ns, self._now_ns()))
            start_ns = max(start_ns, interval.before_ns(end_ns, count))
        first_ns = interval.first_ns(start_ns)
        # Of a candle that begins before the end all is told, as far as it has come.
        last_ns = interval.next_ns(interval.start_ns(end_ns - 1))
        # One more than asked for: the oldest may be cut.
        rows = (count + 1) * interval.bases_max
        bases = await self._kept(market, interval.base_s, first_ns, last_ns, rows)
        found = combined(bases, interval)
        if len(bases) == rows:
            del found[0]
        if empty:
            before = await self._kept(market, interval.base_s, 0, first_ns, 1)
            earlier = before[0] if before else None
            found = list(with_empty(found, interval, earlier, first_ns, end_ns))
        return market, found[-count:]

    async def statistics(
        self, symbol: str, minutes: int
    ) -> Sequence[tuple[MarketInfo, Candle | None, int, int]]:
        """What happened in the last so many minutes, of one market or ("") of all: the market, its
        trades as one candle (None: there were none), from when and until when."""
        count = limited("minutes", minutes, MINUTES_LIMIT)
        directory = self._fold.directory
        markets = [directory.market(symbol)] if symbol else directory.markets()
        end_ns = self._now_ns()
        minute = INTERVALS[pb.CANDLE_INTERVAL_1M]
        start_ns = minute.next_ns(minute.start_ns(end_ns - count * minute.seconds * NS_PER_S))
        found = []
        for market in markets:
            kept = await self._kept(market, minute.base_s, start_ns, end_ns, count)
            found.append((market, reduce(joined, kept) if kept else None, start_ns, end_ns))
        return found

    def _now_ns(self) -> int:
        return max(self._clock.now_ns(), self.time_ns) + 1

    async def _kept(
        self, market: MarketInfo, interval_s: int, start_ns: int, end_ns: int, count: int
    ) -> list[Candle]:
        """The newest kept candles that begin in [start, end), oldest first, with what waits to be
        stored."""
        span = (market.market_id, interval_s, start_ns, end_ns)
        waiting = self._pending.candles(*span)
        found = {c.open_time_ns: c for c in await self._storage.candles(*span, count)}
        for open_time_ns, candle in waiting.items():
            stored = found.get(open_time_ns)
            if stored is None or stored.trades < candle.trades:
                found[open_time_ns] = candle
        return [found[t] for t in sorted(found)[-count:]]

    def subscribe(self, symbols: Sequence[str], channels: Sequence[int]) -> Subscriber:
        """A new subscriber; raises InvalidField, NotFound, or RateLimited when full."""
        if not 0 < len(symbols) <= SUBSCRIBED_MARKETS_MAX:
            raise InvalidField("markets", len(symbols), f"1 to {SUBSCRIBED_MARKETS_MAX} markets")
        markets = {self._fold.directory.market(symbol).market_id for symbol in symbols}
        return self._hub.add({(market, channel) for market in markets for channel in channels})

    def unsubscribe(self, subscriber: Subscriber) -> None:
        self._hub.remove(subscriber)


def limited(field: str, value: int, limit: tuple[int, int]) -> int:
    """The value, or the default for 0. Raises InvalidField beyond the largest."""
    default, most = limit
    if not 0 <= value <= most:
        raise InvalidField(field, value, f"1 to {most}, or 0 for {default}")
    return value or default


def not_negative(field: str, value: int) -> None:
    """Raises InvalidField for a negative value."""
    if value < 0:
        raise InvalidField(field, value, "0 or more")
