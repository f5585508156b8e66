"""The folded book is the core's book, from the first event on or from any snapshot."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.market_core import MarketCore, command

from tigerex_core.records import (
    EVENT_WIDTH,
    Command,
    CommandKind,
    Event,
    EventKind,
    MarketLimit,
    MarketState,
    OrderType,
    Rows,
    SelfTrade,
    Side,
    TimeInForce,
    pack_name,
    unpack_name,
)
from tigerex_services.marketdata.book import (
    KNOWN_LEVELS_MIN,
    SNAPSHOT_LEVELS,
    Book,
    BookError,
    SideBook,
)
from tigerex_services.marketdata.fold import Fold
from tigerex_services.stream import FIRST_EVENT_WIDTH, rows_of

pytestmark = pytest.mark.unit

ALL = 1_000

SEEDS = st.integers(0, 2**32)


def random_rows(random: Random, world: MarketCore) -> list[Rows]:
    """Some commands of every kind that can move the book, by two users, one with two accounts."""
    return [_random_row(random, world) for _ in range(random.randint(1, 4))]


def _random_row(random: Random, world: MarketCore) -> Rows:
    account = random.choice([world.ada, world.ada, world.house.maker, world.house.taker])
    market = world.market.market_id
    share = random.random()
    if share < 0.60:
        return _random_order(random, world, account)
    if share < 0.82:
        orders = world.core.open_orders(account)
        target = {"account": account, "order_id": random.choice(orders).order_id if orders else 1}
        if share < 0.70:
            return command(CommandKind.CANCEL_ORDER, **target)
        return command(CommandKind.AMEND_ORDER, quantity=random.randint(1, 40), **target)
    if share < 0.88:
        return _random_pair(random, account, market)
    if share < 0.90:
        return command(CommandKind.CANCEL_ALL, account=account, market=market)
    if share < 0.97:
        state = random.choice([MarketState.OPEN] * 6 + [MarketState.HALTED])
        return command(CommandKind.SET_MARKET_STATE, market=market, value=state)
    if random.random() < 0.7:
        return command(
            CommandKind.SET_MARKET_LIMIT,
            market=market,
            value=MarketLimit.SELF_TRADE,
            amount=random.choice(list(SelfTrade)),
        )
    breaker = random.choice([0, 60_000])
    limit = MarketLimit.BREAKER_PPM
    return command(CommandKind.SET_MARKET_LIMIT, market=market, value=limit, amount=breaker)


def _random_order(random: Random, world: MarketCore, account: int) -> Rows:
    side = random.choice(list(Side))
    row = world.order(account, side, random.randint(95, 105), random.randint(1, 30))
    kind = random.choice([1, 1, 1, 1, 1, 2, 3, 4, 5, 6])
    row[Command.ORDER_TYPE] = kind
    row[Command.SELF_TRADE] = random.choice([0, 0, 0, *SelfTrade])
    if kind in (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT):
        row[Command.PRICE] = 0
    if kind == OrderType.MARKET:
        row[Command.TIME_IN_FORCE] = TimeInForce.IOC
    elif kind != OrderType.LIMIT:
        row[Command.STOP_PRICE] = random.randint(95, 105)
        row[Command.TRAILING] = random.choice([0, 0, 0, 100])
    else:
        row[Command.TIME_IN_FORCE] = random.choice([1, 1, 1, 1, 2, 3, 4])
        row[Command.POST_ONLY] = random.random() < 0.1
        if row[Command.TIME_IN_FORCE] in (TimeInForce.GTC, TimeInForce.GTD):
            row[Command.DISPLAY] = random.choice([0, 0, 1, 3])
    if row[Command.TIME_IN_FORCE] == TimeInForce.GTD:
        row[Command.EXPIRE_NS] = world.time_ns + random.randint(2, 9) * 1_000_000
    return row


def _random_pair(random: Random, account: int, market: int) -> Rows:
    side = random.choice(list(Side))
    price, stop = (104, 97) if side is Side.SELL else (96, 103)
    return command(
        CommandKind.PLACE_OCO,
        account=account,
        market=market,
        side=side,
        quantity=random.randint(1, 20),
        price=price,
        stop_price=stop,
        amount=random.choice([0, stop]),
    )


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, cut=st.integers(0, 40))
def test_the_folded_book_equals_the_cores(seed: int, cut: int) -> None:
    random, world, fold = Random(seed), MarketCore(), Fold()
    market_id = world.market.market_id
    late: Book | None = None
    for number in range(40):
        world.apply(*random_rows(random, world))
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


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, renewed=st.sets(st.integers(0, 39), max_size=3))
def test_changes_make_the_book_again_even_where_it_is_renewed(seed: int, renewed: set[int]) -> None:
    random, world, fold = Random(seed), MarketCore(), Fold()
    market_id = world.market.market_id
    sides: dict[str, dict[int, int]] = {"bids": {}, "asks": {}}
    told_seq = 0
    for number in range(40):
        world.apply(*random_rows(random, world))
        for batch in world.batches[fold.seq :]:
            moved = market_id in fold.apply(batch).books
            if market_id not in fold.books:
                continue
            book = fold.books[market_id]
            if number in renewed:
                depth = world.core.depth(market_id, ALL)
                fold.books[market_id] = Book(world.seq, 0, *depth)
                fold.books[market_id].replace(book)
            elif not moved:
                continue
            changes = fold.books[market_id].take_changes()
            assert not told_seq or changes.first_seq == told_seq + 1
            told_seq = changes.last_seq
            for name, side in sides.items():
                side.update(getattr(changes, name))
    bids, asks = world.core.depth(market_id, ALL)
    shown = {name: {p: lots for p, lots in side.items() if lots} for name, side in sides.items()}
    assert shown == {"bids": dict(bids), "asks": dict(asks)}


def told(kind: EventKind, **columns: int) -> list[int]:
    row = [0] * EVENT_WIDTH
    row[Event.KIND] = kind
    for column, value in columns.items():
        row[Event[column.upper()]] = value
    return row


def test_only_what_is_shown_is_in_the_book() -> None:
    """An iceberg of 10 that shows 3: eaten, shown again, amended below its part, prevented."""
    kind, sell = EventKind, {"side": Side.SELL, "price": 100}
    book = Book(1, 0)
    steps: list[tuple[list[int], int]] = [
        (told(kind.ORDER_RESTED, quantity=10, remaining=10, visible=3, **sell), 3),
        (told(kind.TRADED, side=Side.BUY, price=100, quantity=3), 0),
        (told(kind.ORDER_RESTED, quantity=10, remaining=7, visible=3, **sell), 3),
        (told(kind.ORDER_AMENDED, quantity=5, remaining=2, visible=-1, **sell), 2),
        (told(kind.SELF_TRADE_PREVENTED, side=Side.BUY, price=100, quantity=1), 1),
        (told(kind.SELF_TRADE_PREVENTED, side=Side.BUY, price=100), 1),
        (told(kind.ORDER_CANCELED, remaining=9, side=Side.BUY, price=90), 1),  # it waited
        (told(kind.ORDER_EXPIRED, remaining=1, visible=-1, **sell), 0),
    ]
    for seq, (row, shown) in enumerate(steps, start=2):
        book.apply(seq, 0, [row])
        assert book.asks.levels(ALL) == ([(100, shown)] if shown else [])


def test_rows_of_the_first_kernel_are_read_as_todays() -> None:
    old = [0] * FIRST_EVENT_WIDTH
    old[Event.KIND], old[Event.SIDE], old[Event.PRICE] = EventKind.ORDER_RESTED, Side.BUY, 100
    old[Event.REMAINING], old[21:] = 7, [int(word) for word in pack_name("order-1")]
    (row,) = rows_of(np.array([old], "<i8").tobytes(), 1)
    assert len(row) == EVENT_WIDTH
    assert (row[Event.VISIBLE], row[Event.OTHER_ASSET]) == (7, 0)
    assert unpack_name(row[Event.NAME :]) == "order-1"


def test_a_batch_before_the_snapshot_changes_nothing() -> None:
    book = Book(10, 0, bids=[(100, 5)])
    row = told(EventKind.ORDER_CANCELED, side=Side.BUY, price=100, remaining=5, visible=-5)
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
