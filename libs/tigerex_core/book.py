"""Queues of orders: price levels best first, within a level oldest first.

A market has four: bids, asks, and its stops that wait for a fall or a rise of the last price, of
which those are best that fire first.
"""

from tigerex_core.jit import kernel
from tigerex_core.layout import KEY_BITS, Books, BookSide, Head, Level, Order, book_row
from tigerex_core.pool import take
from tigerex_core.price_tree import find_nearest, insert_level, remove_level
from tigerex_core.records import Rows, Side

_KEY_END = (1 << KEY_BITS) - 1

row_of = kernel(book_row)


@kernel
def key_of(book: int, price: int) -> int:
    """Ascending from best to worst in any book; asks and stops that wait for a rise, the odd rows,
    have their lowest price first."""
    if book & 1 == 0:
        return _KEY_END - price
    return price


@kernel
def beyond(side: int, limit: int, price: int) -> bool:
    """Whether a price is worse than an order's limit."""
    if side == Side.BUY:
        return price > limit
    return price < limit


@kernel
def crosses(books: Books, market: int, side: int, price: int) -> bool:
    """Whether a limit order of this side and price would trade."""
    best = books.sides[row_of(market, Side.BUY + Side.SELL - side), BookSide.BEST]
    return best != 0 and not beyond(side, price, books.levels[best, Level.PRICE])


@kernel
def _level_for(head: Rows, books: Books, book: int, price: int) -> int:
    """The level of a price, made when it is missing: there are as many as orders."""
    key = key_of(book, price)
    near = find_nearest(books, book, key)
    if near != 0 and books.levels[near, Level.KEY] == key:
        return near
    level = take(head, Head.FREE_LEVEL, books.levels, Level.NEXT)
    books.levels[level, Level.KEY] = key
    books.levels[level, Level.PRICE] = price
    insert_level(head, books, book, level, near)
    return level


@kernel
def _append(books: Books, order: int, level: int) -> None:
    last = books.levels[level, Level.LAST]
    if last == 0:
        books.levels[level, Level.FIRST] = order
    else:
        books.orders[last, Order.NEXT] = order
    books.orders[order, Order.PREVIOUS] = last
    books.orders[order, Order.NEXT] = 0
    books.levels[level, Level.LAST] = order


@kernel
def enqueue(head: Rows, books: Books, order: int, book: int, price: int) -> None:
    """Put an order at the end of a price's queue; what it shows is set already."""
    level = _level_for(head, books, book, price)
    _append(books, order, level)
    books.orders[order, Order.LEVEL] = level
    books.orders[order, Order.BOOK] = book
    books.levels[level, Level.LOTS] += books.orders[order, Order.VISIBLE]
    books.levels[level, Level.COUNT] += 1


@kernel
def _unlink(books: Books, order: int, level: int) -> None:
    before = books.orders[order, Order.PREVIOUS]
    after = books.orders[order, Order.NEXT]
    if before == 0:
        books.levels[level, Level.FIRST] = after
    else:
        books.orders[before, Order.NEXT] = after
    if after == 0:
        books.levels[level, Level.LAST] = before
    else:
        books.orders[after, Order.PREVIOUS] = before


@kernel
def dequeue(head: Rows, books: Books, order: int) -> None:
    """Take an order, and what it shows, out of its queue."""
    level = books.orders[order, Order.LEVEL]
    _unlink(books, order, level)
    books.levels[level, Level.LOTS] -= books.orders[order, Order.VISIBLE]
    books.levels[level, Level.COUNT] -= 1
    if books.levels[level, Level.FIRST] == 0:
        remove_level(head, books, books.orders[order, Order.BOOK], level)
    books.orders[order, Order.LEVEL] = 0
    books.orders[order, Order.BOOK] = 0


@kernel
def show_less(books: Books, order: int, lots: int) -> None:
    """An order in a queue shows fewer lots; a negative number: more."""
    books.orders[order, Order.VISIBLE] -= lots
    books.levels[books.orders[order, Order.LEVEL], Level.LOTS] -= lots


@kernel
def to_the_end(books: Books, order: int) -> None:
    """Make an order the last of its level's queue."""
    level = books.orders[order, Order.LEVEL]
    _unlink(books, order, level)
    _append(books, order, level)


@kernel
def part_of(orders: Rows, order: int) -> int:
    """Lots that a book shows of an order anew: all, or the next part of an iceberg."""
    display = orders[order, Order.DISPLAY]
    if display == 0:
        return orders[order, Order.REMAINING]
    return min(display, orders[order, Order.REMAINING])
