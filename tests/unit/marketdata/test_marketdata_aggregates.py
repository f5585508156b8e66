"""Aggregates equal a plain recomputation of the core's trades, wherever a fold begins again."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.market_core import MarketCore

from tigerex_core.records import Event, EventKind, Side
from tigerex_services.marketdata.aggregates import AggregateTrade, Counted, aggregated
from tigerex_services.marketdata.fold import Fold
from tigerex_services.stream import Batch

pytestmark = pytest.mark.unit

orders = st.lists(
    st.lists(st.tuples(st.sampled_from(Side), st.integers(95, 105), st.integers(1, 9)), max_size=6),
    max_size=12,
)


def traded(batch: Batch) -> list[list[int]]:
    rows: list[list[int]] = batch.events[batch.events[:, Event.KIND] == EventKind.TRADED].tolist()
    return rows


def recomputed(batches: list[Batch]) -> list[AggregateTrade]:
    """Of all trades at once, in the plainest way: by taker's order and price."""
    sums: dict[tuple[int, int], list[list[int]]] = {}
    for batch in batches:
        for row in traded(batch):
            sums.setdefault((row[Event.ORDER_ID], row[Event.PRICE]), []).append(row)
    return [
        AggregateTrade(
            rows[0][Event.MARKET],
            number,
            rows[0][Event.PRICE],
            sum(row[Event.QUANTITY] for row in rows),
            min(row[Event.TRADE_ID] for row in rows),
            max(row[Event.TRADE_ID] for row in rows),
            rows[0][Event.SIDE],
            rows[0][Event.TIME_NS],
        )
        for number, rows in enumerate(sums.values(), 1)
    ]


@settings(max_examples=60, deadline=None)
@given(orders, st.integers(0, 12))
def test_folded_aggregates_equal_the_recomputed_ones(
    batches: list[list[tuple[Side, int, int]]], restart: int
) -> None:
    world = MarketCore()
    accounts = (world.house.maker, world.house.taker, world.ada)
    for batch in batches:
        if batch:
            world.apply(
                *(
                    world.order(accounts[number % 3], side, price, lots)
                    for number, (side, price, lots) in enumerate(batch)
                )
            )
    found: list[AggregateTrade] = []
    fold = Fold()
    at = world.seq * restart // 12
    for batch in world.batches[:at]:
        found += fold.apply(batch).aggregates
    # The next process knows how far aggregates are counted, and folds some batches once more.
    begin = max(0, at - 3)
    again = Fold()
    for batch in world.batches[:begin]:
        again.apply(batch)
    again.counted = dict(fold.counted)
    for batch in world.batches[begin:]:
        found += again.apply(batch).aggregates
    expected = recomputed(world.batches)
    assert found == expected
    assert [each.aggregate_id for each in found] == list(range(1, len(found) + 1))
    trades = [row for batch in world.batches for row in traded(batch)]
    assert sum(each.quantity for each in found) == sum(row[Event.QUANTITY] for row in trades)
    for one, following in pairwise(found):
        assert following.first_trade_id == one.last_trade_id + 1


def test_a_price_or_another_taker_ends_an_aggregate() -> None:
    world = MarketCore()
    sells = [world.order(world.house.maker, Side.SELL, price, 2) for price in (100, 100, 101)]
    world.apply(*sells)
    world.apply(
        world.order(world.ada, Side.BUY, 101, 3, ioc=True),
        world.order(world.ada, Side.BUY, 101, 3, ioc=True),
    )
    found = aggregated(traded(world.batches[-1]), Counted(7, 0))
    assert [(each.aggregate_id, each.price, each.quantity) for each in found] == [
        (8, 100, 3),
        (9, 100, 1),
        (10, 101, 2),
    ]
    assert [(each.first_trade_id, each.last_trade_id) for each in found] == [(1, 2), (3, 3), (4, 4)]
    assert aggregated(traded(world.batches[-1]), Counted(9, 3)) == found[2:]
