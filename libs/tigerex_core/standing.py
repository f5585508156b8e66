"""Open orders as their owners know them: by id, by client order id, by market and age.

An order is open from when it rests or waits for a price until it has ended, also while it is run
after it has fired.
"""

from tigerex_core.expiry import add_expiring, remove_expiring
from tigerex_core.index import find_pair, hash_named, hash_pair, insert, remove
from tigerex_core.jit import kernel
from tigerex_core.layout import ORDER_WIDTH, STANDING_WIDTH, Books, Head, Order, Place, Standing
from tigerex_core.names import is_blank
from tigerex_core.pool import give_back, take
from tigerex_core.records import Rows, Side


@kernel
def find_standing(books: Books, account: int, market: int) -> int:
    """The row of what the account has open in the market; 0 when that is nothing."""
    return find_pair(books.standing_index, books.standings, Standing.ACCOUNT, account, market)


@kernel
def _ensure_standing(head: Rows, books: Books, order: int, known: int) -> int:
    orders, standings = books.orders, books.standings
    account, market = orders[order, Order.ACCOUNT], orders[order, Order.MARKET]
    if (
        standings[known, Standing.ACCOUNT] == account
        and standings[known, Standing.MARKET] == market
    ):
        return known
    standing = find_standing(books, account, market)
    if standing != 0:
        return standing
    standing = take(head, Head.FREE_STANDING, standings, Standing.FIRST)
    standings[standing, Standing.ACCOUNT] = account
    standings[standing, Standing.MARKET] = market
    pays, gets = Standing.BASE + 0, Standing.QUOTE + 0
    if orders[order, Order.SIDE] == Side.BUY:
        pays, gets = gets, pays
    standings[standing, pays] = orders[order, Order.PAYS]
    standings[standing, gets] = orders[order, Order.GETS]
    insert(books.standing_index, hash_pair(account, market), standing)
    return standing


@kernel
def open_order(head: Rows, books: Books, order: int, known: int) -> None:
    """Make a new order known; the youngest of its account in the market.

    `known`: the standing's row, if it has been found before and is still the same, else any row.
    """
    orders, standings = books.orders, books.standings
    standing = _ensure_standing(head, books, order, known)
    last = standings[standing, Standing.LAST]
    if last == 0:
        standings[standing, Standing.FIRST] = order
    else:
        orders[last, Order.YOUNGER] = order
    orders[order, Order.OLDER] = last
    orders[order, Order.STANDING] = standing
    standings[standing, Standing.LAST] = order
    standings[standing, Standing.ORDERS] += 1
    if orders[order, Order.DISPLAY] != 0:
        standings[standing, Standing.ICEBERGS] += 1
    head[Head.ORDERS] += 1
    account = orders[order, Order.ACCOUNT]
    insert(books.id_index, hash_pair(orders[order, Order.ID], account), order)
    if not is_blank(orders, order, Order.NAME):
        insert(books.name_index, hash_named(account, orders, order, Order.NAME), order)
    if orders[order, Order.EXPIRE_NS] != 0:
        add_expiring(head, books, order)


@kernel
def _leave_chain(books: Books, order: int, standing: int) -> None:
    older = books.orders[order, Order.OLDER]
    younger = books.orders[order, Order.YOUNGER]
    if older == 0:
        books.standings[standing, Standing.FIRST] = younger
    else:
        books.orders[older, Order.YOUNGER] = younger
    if younger == 0:
        books.standings[standing, Standing.LAST] = older
    else:
        books.orders[younger, Order.OLDER] = older


@kernel
def close_order(head: Rows, books: Books, order: int) -> None:
    """Forget an open order that is in no queue any more, and give its row back."""
    orders, standings = books.orders, books.standings
    account = orders[order, Order.ACCOUNT]
    remove(books.id_index, hash_pair(orders[order, Order.ID], account), order)
    if not is_blank(orders, order, Order.NAME):
        remove(books.name_index, hash_named(account, orders, order, Order.NAME), order)
    if orders[order, Order.EXPIRE_NS] != 0:
        remove_expiring(head, books, order)
    standing = orders[order, Order.STANDING]
    _leave_chain(books, order, standing)
    standings[standing, Standing.ORDERS] -= 1
    if orders[order, Order.DISPLAY] != 0:
        standings[standing, Standing.ICEBERGS] -= 1
    if standings[standing, Standing.ORDERS] == 0:
        market = standings[standing, Standing.MARKET]
        remove(books.standing_index, hash_pair(account, market), standing)
        give_back(head, Head.FREE_STANDING, standings, Standing.FIRST, standing, STANDING_WIDTH)
    head[Head.ORDERS] -= 1
    give_back(head, Head.FREE_ORDER, orders, Order.NEXT, order, ORDER_WIDTH)


@kernel
def count_lots(books: Books, order: int, lots: int) -> None:
    """So many lots more (below zero: fewer) are left of an order in its place.

    Of a list the limit order alone counts: only one of the two can trade.
    """
    orders = books.orders
    if orders[order, Order.SIDE] != Side.BUY:
        return
    if orders[order, Order.OTHER_LEG] == 0 or orders[order, Order.PLACE] == Place.BOOK:
        books.standings[orders[order, Order.STANDING], Standing.BUY_LOTS] += lots
