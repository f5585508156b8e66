"""Rows of market data that are folded and not yet kept."""

from dataclasses import dataclass, field

from tigerex_services import pending
from tigerex_services.marketdata.aggregates import AggregateTrade
from tigerex_services.marketdata.candles import MINUTE_S, Candle, Trade
from tigerex_services.marketdata.fold import Update

ROWS_MAX = 50_000
CandleKey = tuple[int, int, int]


@dataclass(slots=True)
class Rows:
    """Rows of all batches up to `seq`; of a candle only the newest form."""

    trades: list[Trade] = field(default_factory=list)
    aggregates: list[AggregateTrade] = field(default_factory=list)
    candles: dict[CandleKey, Candle] = field(default_factory=dict)
    seq: int = 0
    time_ns: int = 0

    def __len__(self) -> int:
        return len(self.trades) + len(self.aggregates) + len(self.candles)

    def add(self, update: Update) -> None:
        self.trades += update.trades
        self.aggregates += update.aggregates
        self.candles |= update.candles
        self.seq, self.time_ns = update.seq, update.time_ns


class Pending(pending.Pending[Rows]):
    """Rows of trades, aggregates and candles."""

    def __init__(self, seq: int = 0) -> None:
        super().__init__(
            lambda seq, time_ns: Rows(seq=seq, time_ns=time_ns), rows_max=ROWS_MAX, seq=seq
        )

    def trades(self, market_id: int) -> list[Trade]:
        """A market's trades not yet stored, oldest first."""
        return [t for rows in self._all() for t in rows.trades if t.market_id == market_id]

    def aggregates(self, market_id: int) -> list[AggregateTrade]:
        """A market's aggregates not yet stored, oldest first."""
        return [a for rows in self._all() for a in rows.aggregates if a.market_id == market_id]

    def minutes(self, start_ns: int, end_ns: int) -> list[Candle]:
        """All markets' candles of a minute not yet stored that begin in [start, end); of each
        market oldest first."""
        newest = {
            candle.key: candle
            for rows in self._all()
            for candle in rows.candles.values()
            if candle.interval_s == MINUTE_S and start_ns <= candle.open_time_ns < end_ns
        }
        return [newest[key] for key in sorted(newest)]

    def candles(
        self, market_id: int, interval_s: int, start_ns: int, end_ns: int
    ) -> dict[int, Candle]:
        """Candles not yet stored that begin in [start, end), by open time."""
        return {
            candle.open_time_ns: candle
            for rows in self._all()
            for candle in rows.candles.values()
            if (candle.market_id, candle.interval_s) == (market_id, interval_s)
            and start_ns <= candle.open_time_ns < end_ns
        }
