"""Orders on the book: price levels best first, within a level oldest first."""

from tigerex_core.index import hash_named, hash_pair, insert, remove
from tigerex_core.jit import kernel
from tigerex_core.layout import KEY_BITS, Books, BookSide, Head, Level, Order, book_row
from tigerex_core.names import is_blank
from tigerex_core.pool import give_back, take
from tigerex_core.price_tree import find_level, insert_level, remove_level
from tigerex_core.records import Rows, Side

_KEY_END = (1 << KEY_BITS) - 1

side_of = kernel(book_row)


@kernel
def key_of(side: int, price: int) -> int:
    """Ascending from best to worst on either side."""
    if side == Side.BUY:
        return _KEY_END - price
    return price


@kernel
def crosses(books: Books, market: int, side: int, price: int) -> bool:
    """Whether a limit order of this side and price would trade."""
    best = books.sides[side_of(market, Side.BUY + Side.SELL - side), BookSide.BEST]
    if best == 0:
        return False
    if side == Side.BUY:
        return books.levels[best, Level.PRICE] <= price
    return books.levels[best, Level.PRICE] >= price


@kernel
def _level_for(head: Rows, books: Books, order: int) -> int:
    """The level of an order's price, made when it is missing: there are as many as orders."""
    side = books.orders[order, Order.SIDE]
    price = books.orders[order, Order.PRICE]
    book = side_of(books.orders[order, Order.MARKET], side)
    key = key_of(side, price)
    level = find_level(books, book, key)
    if level == 0:
        level = take(head, Head.FREE_LEVEL, books.levels, Level.NEXT)
        books.levels[level, Level.KEY] = key
        books.levels[level, Level.PRICE] = price
        insert_level(head, books, book, level)
    return level


@kernel
def rest(head: Rows, books: Books, order: int) -> None:
    """Put an order at the end of its level's queue, and into the indexes."""
    level = _level_for(head, books, order)
    last = books.levels[level, Level.LAST]
    if last == 0:
        books.levels[level, Level.FIRST] = order
    else:
        books.orders[last, Order.NEXT] = order
    books.orders[order, Order.PREVIOUS] = last
    books.orders[order, Order.LEVEL] = level
    books.levels[level, Level.LAST] = order
    books.levels[level, Level.LOTS] += books.orders[order, Order.REMAINING]
    books.levels[level, Level.COUNT] += 1
    head[Head.ORDERS] += 1
    account = books.orders[order, Order.ACCOUNT]
    insert(books.id_index, hash_pair(books.orders[order, Order.ID], account), order)
    if not is_blank(books.orders, order, Order.NAME):
        insert(books.name_index, hash_named(account, books.orders, order, Order.NAME), order)


@kernel
def _unqueue(books: Books, order: int, level: int) -> None:
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
def take_off(head: Rows, books: Books, order: int) -> None:
    """Remove an order, whatever remains of it, from book and indexes, and give its row back."""
    account = books.orders[order, Order.ACCOUNT]
    remove(books.id_index, hash_pair(books.orders[order, Order.ID], account), order)
    if not is_blank(books.orders, order, Order.NAME):
        remove(books.name_index, hash_named(account, books.orders, order, Order.NAME), order)
    level = books.orders[order, Order.LEVEL]
    _unqueue(books, order, level)
    books.levels[level, Level.LOTS] -= books.orders[order, Order.REMAINING]
    books.levels[level, Level.COUNT] -= 1
    if books.levels[level, Level.FIRST] == 0:
        market = books.orders[order, Order.MARKET]
        remove_level(head, books, side_of(market, books.orders[order, Order.SIDE]), level)
    head[Head.ORDERS] -= 1
    give_back(head, Head.FREE_ORDER, books.orders, Order.NEXT, order)
