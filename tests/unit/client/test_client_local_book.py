"""A book kept from a snapshot and changes is the exchange's, whatever was seen when."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_client import Book, BookChanges, Gap, Level, LocalBook

pytestmark = pytest.mark.unit

Sides = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]

PRICES = st.integers(1, 8).map(Decimal)
SIDE = st.dictionaries(PRICES, st.integers(0, 4).map(Decimal), max_size=4)
# What each update does to both sides, and how many updates one message tells.
UPDATES = st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=20)
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=20)


def levels(side: dict[Decimal, Decimal]) -> tuple[Level, ...]:
    return tuple(Level(*each) for each in side.items())


def states(updates: list[Sides]) -> list[Sides]:
    """The book before the first update, after it, after the second one, and so on."""
    found: list[Sides] = [({}, {})]
    for update in updates:
        after = tuple(
            {price: quantity for price, quantity in (side | changed).items() if quantity}
            for side, changed in zip(found[-1], update, strict=True)
        )
        found.append((after[0], after[1]))
    return found


def messages(updates: list[Sides], sizes: list[int]) -> list[BookChanges]:
    """Update n has id n + 1; several of them in one message tell the last word of each price."""
    found = []
    start = 0
    for size in (sizes * len(updates))[: len(updates)]:
        part = updates[start : start + size]
        if not part:
            break
        bids: dict[Decimal, Decimal] = {}
        asks: dict[Decimal, Decimal] = {}
        for update in part:
            bids |= update[0]
            asks |= update[1]
        last = start + len(part)
        found.append(BookChanges("btc-usdt", start + 1, last, None, levels(bids), levels(asks)))
        start = last
    return found


def snapshot(seq: int, sides: Sides) -> Book:
    return Book("btc-usdt", levels(sides[0]), levels(sides[1]), seq, None)


def sides_of(book: LocalBook) -> Sides:
    return (
        {level.price: level.quantity for level in book.bids()},
        {level.price: level.quantity for level in book.asks()},
    )


@given(UPDATES, SIZES, st.data())
def test_from_any_snapshot_the_book_is_the_exchanges(
    updates: list[Sides], sizes: list[int], data: st.DataObject
) -> None:
    truth = states(updates)
    seq = data.draw(st.integers(0, len(updates)))
    book = LocalBook(snapshot(seq, truth[seq]))
    for changes in messages(updates, sizes):
        assert book.apply(changes) == (changes.last_update_id > seq)
        if changes.last_update_id > seq:
            assert book.seq == changes.last_update_id
            assert sides_of(book) == truth[book.seq]
    assert sides_of(book) == truth[-1]
    assert [level.price for level in book.bids()] == sorted(truth[-1][0], reverse=True)
    assert [level.price for level in book.asks()] == sorted(truth[-1][1])


@given(UPDATES, SIZES, st.data())
def test_what_is_missing_is_noticed_and_changes_nothing(
    updates: list[Sides], sizes: list[int], data: st.DataObject
) -> None:
    told = messages(updates, sizes)
    missing = data.draw(st.integers(0, len(told) - 1))
    book = LocalBook(snapshot(0, ({}, {})))
    for n, changes in enumerate(told):
        if n == missing:
            continue
        if n < missing:
            assert book.apply(changes)
            continue
        before = book.seq, sides_of(book)
        with pytest.raises(Gap):
            book.apply(changes)
        assert (book.seq, sides_of(book)) == before


def test_only_the_first_change_may_begin_within_the_snapshot() -> None:
    level = (Level(Decimal(1), Decimal(2)),)
    book = LocalBook(Book("btc-usdt", (), (), 10, None))
    first = BookChanges("btc-usdt", 8, 12, None, level, ())
    assert book.apply(first)
    assert not book.apply(first)
    with pytest.raises(Gap, match="allowed: 13"):
        book.apply(replace(first, first_update_id=12, last_update_id=14))
    assert book.apply(replace(first, first_update_id=13, last_update_id=14))
    assert book.bids(1) == level
