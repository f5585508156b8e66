"""The projection: committed batches become books, trades, their aggregates and candles. Pure."""

from dataclasses import dataclass, field

import numpy as np

from tigerex_core.records import Event, EventKind
from tigerex_services.directory import Directory
from tigerex_services.marketdata.aggregates import AggregateTrade, Counted, aggregated
from tigerex_services.marketdata.book import MEETING, SHOWING, Book
from tigerex_services.marketdata.candles import INTERVALS_S, Candle, Trade, extend
from tigerex_services.stream import Batch

BOOK_KINDS = tuple(SHOWING | MEETING)


@dataclass(slots=True)
class Update:
    """What one batch changed, for storage and subscribers."""

    seq: int
    time_ns: int
    trades: list[Trade] = field(default_factory=list)
    aggregates: list[AggregateTrade] = field(default_factory=list)
    candles: dict[tuple[int, int, int], Candle] = field(default_factory=dict)
    """The changed ones as they are now, by key."""
    finished: list[Candle] = field(default_factory=list)
    """Those that this batch's time closed."""
    books: set[int] = field(default_factory=set)
    """Markets whose book changed."""


class Fold:
    """All markets of the tenant as of `seq`; `time_ns` is the exchange's time then."""

    def __init__(self, seq: int = 0, time_ns: int = 0) -> None:
        self.seq = seq
        self.time_ns = time_ns
        self.directory = Directory()
        self.books: dict[int, Book] = {}
        self.open_candles: dict[tuple[int, int], Candle] = {}
        """The newest candle by (market, interval), until time closes it."""
        self.counted: dict[int, Counted] = {}
        """How far aggregates are counted, by market."""
        self.last_quantity: dict[int, int] = {}
        """Lots of the newest trade, by market."""

    def put_candle(self, candle: Candle) -> None:
        """Go on with a candle that was stored."""
        self.open_candles[candle.market_id, candle.interval_s] = candle

    def apply(self, batch: Batch) -> Update:
        """Fold the next batch. Raises ValueError for another, BookError for an impossible one."""
        if batch.seq != self.seq + 1:
            raise ValueError(f"batch {batch.seq} does not follow {self.seq}")
        update = Update(batch.seq, batch.time_ns)
        self.directory.apply(batch.events)
        self._add_markets(batch)
        rows = self._book_rows(batch)
        for market_id, events in rows.items():
            if self.books[market_id].apply(batch.seq, batch.time_ns, events):
                update.books.add(market_id)
            traded = [row for row in events if row[Event.KIND] == EventKind.TRADED]
            for row in traded:
                self._trade(update, trade_of(row, batch.seq))
            self._aggregate(update, market_id, traded)
        self.seq, self.time_ns = batch.seq, batch.time_ns
        self._close(update)
        return update

    def _add_markets(self, batch: Batch) -> None:
        created = batch.events[batch.events[:, Event.KIND] == EventKind.MARKET_CREATED]
        for market_id in created[:, Event.MARKET].tolist():
            self.books.setdefault(market_id, Book(batch.seq - 1, batch.time_ns))

    def _book_rows(self, batch: Batch) -> dict[int, list[list[int]]]:
        wanted = batch.events[np.isin(batch.events[:, Event.KIND], BOOK_KINDS)]
        by_market: dict[int, list[list[int]]] = {}
        for row in wanted.tolist():
            by_market.setdefault(row[Event.MARKET], []).append(row)
        return by_market

    def _trade(self, update: Update, trade: Trade) -> None:
        update.trades.append(trade)
        self.last_quantity[trade.market_id] = trade.quantity
        for interval_s in INTERVALS_S:
            key = (trade.market_id, interval_s)
            before = self.open_candles.get(key)
            candle = extend(before, trade, interval_s)
            if before is not None and before.key != candle.key:
                update.finished.append(before)
            self.open_candles[key] = candle
            update.candles[candle.key] = candle

    def _aggregate(self, update: Update, market_id: int, traded: list[list[int]]) -> None:
        found = aggregated(traded, self.counted.get(market_id, Counted()))
        if found:
            update.aggregates += found
            self.counted[market_id] = Counted(found[-1].aggregate_id, found[-1].last_trade_id)

    def _close(self, update: Update) -> None:
        """Let go of candles that time has closed."""
        done = [key for key, candle in self.open_candles.items() if candle.closed(update.time_ns)]
        update.finished += [self.open_candles.pop(key) for key in done]


def trade_of(row: list[int], seq: int) -> Trade:
    """The trade that a TRADED event tells."""
    return Trade(
        market_id=row[Event.MARKET],
        trade_id=row[Event.TRADE_ID],
        price=row[Event.PRICE],
        quantity=row[Event.QUANTITY],
        notional=row[Event.AMOUNT],
        taker_side=row[Event.SIDE],
        time_ns=row[Event.TIME_NS],
        seq=seq,
    )
