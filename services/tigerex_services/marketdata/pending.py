"""Rows that are folded and not yet kept: a bounded buffer, which queries see as if stored."""

from dataclasses import dataclass, field

from tigerex_services.marketdata.aggregates import AggregateTrade
from tigerex_services.marketdata.candles import Candle, Trade
from tigerex_services.marketdata.fold import Update

ROWS_MAX = 50_000
PROGRESS_BATCHES = 10  # without rows
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


class Pending:
    """What waits, and what is being written."""

    def __init__(self, seq: int = 0) -> None:
        self._waiting = Rows(seq=seq)
        self._writing: Rows | None = None
        self._written_seq = seq

    @property
    def full(self) -> bool:
        """Whether the reader must wait for the writer."""
        return len(self._waiting) >= ROWS_MAX

    @property
    def has_news(self) -> bool:
        """Whether there are rows to write, or a seq PROGRESS_BATCHES beyond the last written one.

        A quiet exchange still ticks: its progress need not be written every time.
        """
        if self._writing is not None or self._waiting:
            return True
        return self._waiting.seq >= self._written_seq + PROGRESS_BATCHES

    def add(self, update: Update) -> None:
        self._waiting.add(update)

    def take(self) -> Rows:
        """The rows to write next: those whose writing failed before, else all that wait."""
        if self._writing is None:
            seq, time_ns = self._waiting.seq, self._waiting.time_ns
            self._writing, self._waiting = self._waiting, Rows(seq=seq, time_ns=time_ns)
        return self._writing

    def written(self) -> None:
        """The rows of the last `take` are kept."""
        if self._writing is not None:
            self._written_seq = self._writing.seq
        self._writing = None

    def trades(self, market_id: int) -> list[Trade]:
        """A market's trades not yet stored, oldest first."""
        return [t for rows in self._all() for t in rows.trades if t.market_id == market_id]

    def aggregates(self, market_id: int) -> list[AggregateTrade]:
        """A market's aggregates not yet stored, oldest first."""
        return [a for rows in self._all() for a in rows.aggregates if a.market_id == market_id]

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

    def _all(self) -> list[Rows]:
        """Oldest first, so that newer forms of a candle win."""
        return [rows for rows in (self._writing, self._waiting) if rows is not None]
