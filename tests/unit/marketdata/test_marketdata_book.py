"""The folded book is the core's book, from the first event on or from any snapshot."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.market_core import MarketCore, command

from tigerex_core.records import CommandKind, Event, EventKind, OrderType, Side
from tigerex_services.marketdata.book import (
    KNOWN_LEVELS_MIN,
    SNAPSHOT_LEVELS,
    Book,
    BookError,
    SideBook,
)
from tigerex_services.marketdata.fold import Fold

pytestmark = pytest.mark.unit

ALL = 1_000

actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("place"),
            st.sampled_from(Side),
            st.integers(95, 105),
            st.integers(1, 9),
            st.booleans(),
            st.booleans(),
        ),
        st.tuples(st.just("market"), st.sampled_from(Side), st.integers(1, 20)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("commit")),
    ),
    max_size=60,
)


@settings(max_examples=80, deadline=None)
@given(actions=actions, cut=st.integers(0, 60))
def test_the_folded_book_equals_the_cores(actions: list[tuple], cut: int) -> None:  # type: ignore[type-arg]
    world = MarketCore()
    fold = Fold()
    market_id = world.market.market_id
    late: Book | None = None
    waiting = []
    orders: list[int] = []
    for number, action in enumerate([*actions, ("commit",)]):
        match action:
            case "place", side, price, lots, by_house, ioc:
                account = world.house.maker if by_house else world.ada
                waiting.append(world.order(account, side, price, lots, ioc=ioc))
            case "market", side, lots:
                row = world.order(world.ada, side, 0, lots)
                row[9], row[10] = OrderType.MARKET, 2
                waiting.append(row)
            case "cancel", index if orders:
                order_id = orders[index % len(orders)]
                waiting += [
                    command(CommandKind.CANCEL_ORDER, account=account, order_id=order_id)
                    for account in (world.ada, world.house.maker)
                ]
            case _:
                events = world.apply(*waiting)
                waiting = []
                accepted = events[events[:, Event.KIND] == EventKind.ORDER_ACCEPTED]
                orders += accepted[:, Event.ORDER_ID].tolist()
        for batch in world.batches[fold.seq :]:
            fold.apply(batch)
            if late is not None:
                rows = batch.events[batch.events[:, Event.MARKET] == market_id].tolist()
                late.apply(batch.seq, batch.time_ns, rows)
        bids, asks = world.core.depth(market_id, ALL)
        for book in (fold.books[market_id], late):
            if book is not None:
                assert (book.bids.levels(ALL), book.asks.levels(ALL)) == (bids, asks)
                assert book.bids.best() == (bids[0] if bids else None)
                assert book.asks.best() == (asks[0] if asks else None)
        if number == cut:
            late = Book(world.seq, 0, bids, asks)
    world.check_sound()


def test_a_batch_before_the_snapshot_changes_nothing() -> None:
    book = Book(10, 0, bids=[(100, 5)])
    row = [0] * 30
    row[Event.KIND], row[Event.SIDE] = EventKind.ORDER_CANCELED, Side.BUY
    row[Event.PRICE], row[Event.REMAINING] = 100, 5
    assert not book.apply(10, 0, [row])
    assert book.apply(11, 0, [row])
    assert book.bids.best() is None


def test_taking_what_is_not_there_is_an_error() -> None:
    side = SideBook(Side.SELL, [(100, 5)])
    with pytest.raises(BookError, match="6 lots leave price 100"):
        side.add(100, -6)


@pytest.mark.parametrize("side", Side)
def test_a_cut_snapshot_ignores_what_it_cannot_know_and_asks_to_be_renewed(side: Side) -> None:
    sign = -1 if side is Side.BUY else 1
    levels = [(1_000_000 + sign * i, 1) for i in range(SNAPSHOT_LEVELS)]
    book = SideBook(side, levels)
    beyond = 1_000_000 + sign * SNAPSHOT_LEVELS
    book.add(beyond, -3)
    assert book.levels(SNAPSHOT_LEVELS + 1) == levels
    for price, lots in levels[: SNAPSHOT_LEVELS - KNOWN_LEVELS_MIN]:
        book.add(price, -lots)
    assert not book.needs_snapshot
    book.add(book.levels(1)[0][0], -1)
    assert book.needs_snapshot
