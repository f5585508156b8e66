"""Candles of every interval equal a plain recomputation from the trades; empty ones are flat."""

from datetime import UTC, datetime
from itertools import groupby, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_core.records import Side
from tigerex_services.marketdata.candles import NS_PER_S, Candle, Trade, extend
from tigerex_services.marketdata.intervals import INTERVALS, Interval, combined, with_empty

pytestmark = pytest.mark.unit

START_NS = 1_709_164_800 * NS_PER_S  # 29 February 2024
DAY_NS = 86_400 * NS_PER_S
WEEK, MONTH = INTERVALS[pb.CANDLE_INTERVAL_1W], INTERVALS[pb.CANDLE_INTERVAL_1MO]

moves = st.lists(
    st.tuples(
        st.sampled_from([1, NS_PER_S, 61 * NS_PER_S, 3_700 * NS_PER_S, 3 * DAY_NS, 40 * DAY_NS]),
        st.integers(1, 1_000),
        st.integers(1, 50),
        st.sampled_from([Side.BUY, Side.SELL]),
    ),
    min_size=1,
    max_size=40,
)


def trades_of(steps: list[tuple[int, int, int, Side]]) -> list[Trade]:
    trades, time_ns = [], START_NS
    for trade_id, (wait_ns, price, quantity, side) in enumerate(steps, 1):
        time_ns += wait_ns
        trades.append(Trade(1, trade_id, price, quantity, price * quantity, side, time_ns, 1))
    return trades


def base_candles(trades: list[Trade], interval: Interval) -> list[Candle]:
    found: dict[int, Candle] = {}
    last: Candle | None = None
    for trade in trades:
        last = extend(last, trade, interval.base_s)
        found[last.open_time_ns] = last
    return list(found.values())


@settings(max_examples=60, deadline=None)
@given(moves, st.sampled_from(list(INTERVALS.values())))
def test_combined_candles_equal_the_recomputed_ones(
    steps: list[tuple[int, int, int, Side]], interval: Interval
) -> None:
    trades = trades_of(steps)
    found = combined(base_candles(trades, interval), interval)
    groups = [list(g) for _, g in groupby(trades, lambda t: interval.start_ns(t.time_ns))]
    assert len(found) == len(groups)
    for candle, group in zip(found, groups, strict=True):
        bought = [t for t in group if t.taker_side == Side.BUY]
        assert candle.open_time_ns == interval.start_ns(group[0].time_ns)
        assert (candle.open, candle.close) == (group[0].price, group[-1].price)
        assert candle.high == max(t.price for t in group)
        assert candle.low == min(t.price for t in group)
        assert candle.volume == sum(t.quantity for t in group)
        assert candle.quote_volume == sum(t.notional for t in group)
        assert (candle.trades, candle.last_trade_id) == (len(group), group[-1].trade_id)
        assert candle.taker_volume == sum(t.quantity for t in bought)
        assert candle.taker_quote_volume == sum(t.notional for t in bought)
        end_ns = candle.open_time_ns + candle.interval_s * NS_PER_S
        assert end_ns == interval.next_ns(candle.open_time_ns)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**60), st.sampled_from(list(INTERVALS.values())), st.integers(1, 50))
def test_intervals_follow_each_other(time_ns: int, interval: Interval, count: int) -> None:
    start_ns = interval.start_ns(time_ns)
    assert start_ns <= time_ns < interval.next_ns(start_ns)
    assert interval.start_ns(interval.next_ns(start_ns)) == interval.next_ns(start_ns)
    first_ns = interval.before_ns(time_ns + 1, count)
    starts = [first_ns]
    while starts[-1] < start_ns and len(starts) <= count:
        starts.append(interval.next_ns(starts[-1]))
    assert starts[-1] == start_ns
    assert len(starts) == count or first_ns <= 0


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    for time_ns in range(START_NS, START_NS + 60 * DAY_NS, DAY_NS):
        week = datetime.fromtimestamp(WEEK.start_ns(time_ns) // NS_PER_S, UTC)
        month = datetime.fromtimestamp(MONTH.start_ns(time_ns) // NS_PER_S, UTC)
        assert (week.weekday(), week.hour, month.day, month.hour) == (0, 0, 1, 0)
    leap = MONTH.start_ns(START_NS)
    assert MONTH.next_ns(leap) - leap == 29 * DAY_NS


@settings(max_examples=60, deadline=None)
@given(moves)
def test_empty_candles_are_flat_at_the_price_before(
    steps: list[tuple[int, int, int, Side]],
) -> None:
    interval = INTERVALS[pb.CANDLE_INTERVAL_1D]
    found = combined(base_candles(trades_of(steps), interval), interval)
    end_ns = found[-1].open_time_ns + 3 * DAY_NS
    filled = list(with_empty(found, interval, None, START_NS - 5 * DAY_NS, end_ns))
    assert filled[0] == found[0]  # nothing is known before the first trade
    assert [c for c in filled if c.trades] == found
    assert filled[-1].open_time_ns == end_ns - DAY_NS
    for before, candle in pairwise(filled):
        assert candle.open_time_ns == before.open_time_ns + DAY_NS
        if not candle.trades:
            assert {candle.open, candle.high, candle.low, candle.close} == {before.close}
            assert candle.volume == candle.quote_volume == 0
