"""Candles equal a plain recomputation from the trades, wherever intervals and batches are cut."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tigerex_core.records import EVENT_WIDTH, Event, EventKind, Side
from tigerex_services.marketdata.book import Book
from tigerex_services.marketdata.candles import INTERVALS_S, NS_PER_S, Candle, Trade, extend
from tigerex_services.marketdata.fold import Fold
from tigerex_services.stream import Batch

pytestmark = pytest.mark.unit

MARKET = 1
START_NS = 1_700_000_040 * NS_PER_S  # a full minute


def trade(trade_id: int, price: int, quantity: int, time_ns: int, seq: int = 1) -> Trade:
    return Trade(MARKET, trade_id, price, quantity, price * quantity, Side.BUY, time_ns, seq)


def recomputed(trades: list[Trade], interval_s: int) -> list[Candle]:
    """Candles from all trades at once, in the plainest way."""
    groups: dict[int, list[Trade]] = defaultdict(list)
    for one in trades:
        groups[one.time_ns // (interval_s * NS_PER_S)].append(one)
    return [
        Candle(
            MARKET,
            interval_s,
            number * interval_s * NS_PER_S,
            group[0].price,
            max(t.price for t in group),
            min(t.price for t in group),
            group[-1].price,
            sum(t.quantity for t in group),
            sum(t.notional for t in group),
            len(group),
            group[-1].trade_id,
            sum(t.quantity for t in group if t.taker_side == Side.BUY),
            sum(t.notional for t in group if t.taker_side == Side.BUY),
        )
        for number, group in sorted(groups.items())
    ]


def test_an_interval_includes_its_start_and_not_its_end() -> None:
    first = extend(None, trade(1, 100, 1, START_NS), 1)
    assert first.open_time_ns == START_NS
    last = extend(first, trade(2, 90, 1, START_NS + NS_PER_S - 1), 1)
    assert (last.trades, last.low, last.close) == (2, 90, 90)
    following = extend(last, trade(3, 80, 1, START_NS + NS_PER_S), 1)
    assert (following.open_time_ns, following.trades) == (START_NS + NS_PER_S, 1)
    assert not last.closed(START_NS + NS_PER_S - 1)
    assert last.closed(START_NS + NS_PER_S)


def test_a_trade_that_was_counted_is_not_counted_again() -> None:
    candle = extend(None, trade(5, 100, 1, START_NS), 1)
    assert extend(candle, trade(5, 100, 1, START_NS), 1) is candle


steps = st.lists(
    st.tuples(
        st.sampled_from([1, NS_PER_S // 3, NS_PER_S - 1, NS_PER_S, 7 * NS_PER_S, 61 * NS_PER_S]),
        st.integers(1, 1_000),
        st.integers(1, 50),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_folded_candles_equal_the_recomputed_ones(
    moves: list[tuple[int, int, int, bool]],
) -> None:
    fold = Fold()
    fold.books[MARKET] = Book()
    trades: list[Trade] = []
    kept: dict[tuple[int, int, int], Candle] = {}
    finished: list[Candle] = []
    rows: list[list[int]] = []
    time_ns, seq = START_NS, 0
    for trade_id, (wait_ns, price, quantity, ends_batch) in enumerate(moves, 1):
        time_ns += wait_ns
        trades.append(trade(trade_id, price, quantity, time_ns))
        rows += [event(EventKind.ORDER_RESTED, trades[-1]), event(EventKind.TRADED, trades[-1])]
        if ends_batch:
            seq += 1
            update = fold.apply(Batch(seq, time_ns, np.array(rows, dtype=np.int64)))
            assert [t.trade_id for t in update.trades] == [
                r[Event.TRADE_ID] for r in rows if r[Event.KIND] == EventKind.TRADED
            ]
            kept |= update.candles
            finished += update.finished
            rows = []
    trades = trades[: len(trades) - len(rows) // 2]
    for interval_s in INTERVALS_S:
        found = [c for key, c in sorted(kept.items()) if key[1] == interval_s]
        assert found == recomputed(trades, interval_s)
    assert sorted(c.key for c in finished) == sorted(
        key for key, c in kept.items() if c.closed(fold.time_ns)
    )
    assert all(kept[c.key] == c for c in finished)


def event(kind: EventKind, one: Trade) -> list[int]:
    row = [0] * EVENT_WIDTH
    row[Event.KIND], row[Event.TIME_NS], row[Event.MARKET] = kind, one.time_ns, MARKET
    row[Event.SIDE] = Side.BUY if kind == EventKind.TRADED else Side.SELL
    row[Event.PRICE], row[Event.QUANTITY] = one.price, one.quantity
    row[Event.REMAINING] = one.quantity if kind == EventKind.ORDER_RESTED else 0
    row[Event.VISIBLE] = row[Event.REMAINING]
    row[Event.AMOUNT], row[Event.TRADE_ID] = one.notional, one.trade_id
    return row
