"""What may be asked, and where the answer comes from: the fold, the store, or both."""

from collections.abc import Sequence
from dataclasses import dataclass

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.clock import Clock
from tigerex_platform.errors import InvalidField
from tigerex_services.instruments import MarketInfo
from tigerex_services.marketdata.aggregates import AggregateTrade
from tigerex_services.marketdata.book import SNAPSHOT_LEVELS, Book
from tigerex_services.marketdata.candles import NS_PER_S, Candle, Statistics, Trade
from tigerex_services.marketdata.fold import Fold
from tigerex_services.marketdata.hub import Hub
from tigerex_services.marketdata.intervals import INTERVALS, Interval, with_empty
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.reader import Reader
from tigerex_services.marketdata.storage import Storage
from tigerex_services.subscriber import Subscriber

TRADES_LIMIT = (100, 1_000)
"""Default and largest."""
AGGREGATES_LIMIT = (500, 1_000)
CANDLES_LIMIT = (500, 1_000)
DEPTH_LIMIT = (50, SNAPSHOT_LEVELS)
MINUTES_LIMIT = (1_440, 10_080)
SUBSCRIBED_MARKETS_MAX = 100
TOPS_MARKETS_MAX = 1_000
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
        self._reader = Reader(pending, storage)
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

    def views(self, symbols: Sequence[str]) -> list[MarketView]:
        """Of the markets named, or of all; raises InvalidField, NotFound."""
        if len(symbols) > TOPS_MARKETS_MAX:
            raise InvalidField("markets", len(symbols), f"at most {TOPS_MARKETS_MAX} markets")
        if symbols:
            return [self.view(symbol) for symbol in symbols]
        markets = self._fold.directory.markets()
        return [MarketView(market, self._fold.books[market.market_id]) for market in markets]

    async def trades(
        self, symbol: str, before_id: int, limit: int, *, from_id: int = 0
    ) -> tuple[MarketInfo, Sequence[Trade]]:
        """The newest trades older than `before_id` (0: all), or the oldest from `from_id` on;
        newest first."""
        market = self._fold.directory.market(symbol)
        count = limited("limit", limit, TRADES_LIMIT)
        not_negative("before_trade_id", before_id)
        not_negative("from_trade_id", from_id)
        if from_id and before_id:
            raise InvalidField("from_trade_id", from_id, "0 beside before_trade_id")
        found = await self._reader.trades(
            market.market_id, from_id, before_id or INT64_MAX, count, oldest=bool(from_id)
        )
        return market, found[::-1]

    async def aggregates(
        self, symbol: str, from_id: int, before_id: int, start_ns: int, end_ns: int, limit: int
    ) -> tuple[MarketInfo, Sequence[AggregateTrade]]:
        """Aggregates with ids in [from, before) or of the time [start, end) (0: no bound), oldest
        first: the oldest that fit where a beginning is given, else the newest."""
        market = self._fold.directory.market(symbol)
        count = limited("limit", limit, AGGREGATES_LIMIT)
        for name, value in (
            ("from_id", from_id),
            ("before_id", before_id),
            ("start_ns", start_ns),
            ("end_ns", end_ns),
        ):
            not_negative(name, value)
        oldest = bool(from_id or start_ns)
        if not (start_ns or end_ns):
            before_id = before_id or INT64_MAX
            return market, await self._reader.aggregates(
                market.market_id, from_id, before_id, count, oldest=oldest
            )
        if from_id or before_id:
            raise InvalidField("from_id", from_id or before_id, "no ids beside start_ns or end_ns")
        end_ns = self._end_ns(start_ns, end_ns)
        return market, await self._reader.aggregates_within(
            market.market_id, start_ns, end_ns, count, oldest=oldest
        )

    async def candles(
        self,
        symbol: str,
        interval: Interval,
        start_ns: int,
        end_ns: int,
        limit: int,
        *,
        empty: bool = False,
        oldest: bool = False,
    ) -> tuple[MarketInfo, Sequence[Candle]]:
        """The newest candles that begin in [start, end) (0: now), or the oldest; oldest first.
        `empty`: also those without a trade."""
        market = self._fold.directory.market(symbol)
        count = limited("limit", limit, CANDLES_LIMIT)
        not_negative("start_ns", start_ns)
        not_negative("end_ns", end_ns)
        end_ns = self._end_ns(start_ns, end_ns)
        first_ns, earlier = interval.first_ns(start_ns), None
        if empty:  # there are none in the time to come
            end_ns = max(start_ns + 1, min(end_ns, self._now_ns()))
            if not oldest:
                first_ns = max(first_ns, interval.before_ns(end_ns, count))
            earlier, first_ns = await self._begin(market, interval, first_ns, end_ns)
            end_ns = min(end_ns, interval.after_ns(first_ns, count))
        # Of a candle that begins before the end all is told, as far as it has come.
        last_ns = interval.next_ns(interval.start_ns(end_ns - 1))
        found = await self._reader.candles(
            market.market_id, interval, first_ns, last_ns, count, oldest=oldest
        )
        if empty:
            found = list(with_empty(found, interval, earlier, first_ns, end_ns))
        return market, found

    async def _begin(
        self, market: MarketInfo, interval: Interval, first_ns: int, end_ns: int
    ) -> tuple[Candle | None, int]:
        """The candle before `first_ns`, and when to begin: where there is none, with a trade."""
        base = Interval(interval.base_s, interval.base_s)
        found = await self._reader.candles(market.market_id, base, 0, first_ns, 1)
        if found:
            return found[0], first_ns
        found = await self._reader.candles(market.market_id, base, first_ns, end_ns, 1, oldest=True)
        return None, interval.start_ns(found[0].open_time_ns) if found else first_ns

    async def statistics(
        self, symbol: str, minutes: int
    ) -> Sequence[tuple[MarketInfo, Statistics]]:
        """What happened in the last so many minutes, of one market or ("") of all."""
        count = limited("minutes", minutes, MINUTES_LIMIT)
        directory = self._fold.directory
        markets = [directory.market(symbol)] if symbol else directory.markets()
        end_ns = self._now_ns()
        minute = INTERVALS[pb.CANDLE_INTERVAL_1M]
        start_ns = minute.next_ns(minute.start_ns(end_ns - count * minute.seconds * NS_PER_S))
        ids = [market.market_id for market in markets]
        candles = await self._reader.spans(ids, start_ns, end_ns)
        closes = await self._reader.closes(ids, start_ns)
        last = self._fold.last_quantity
        return [
            (market, Statistics(start_ns, end_ns, candles.get(i), closes.get(i), last.get(i)))
            for i, market in zip(ids, markets, strict=True)
        ]

    def _end_ns(self, start_ns: int, end_ns: int) -> int:
        """The end; 0 is now, or just after a start in the time to come. Raises InvalidField."""
        if not end_ns:
            return max(start_ns + 1, self._now_ns())
        if end_ns <= start_ns:
            raise InvalidField("end_ns", end_ns, "later than start_ns")
        return end_ns

    def _now_ns(self) -> int:
        return max(self._clock.now_ns(), self.time_ns) + 1

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
