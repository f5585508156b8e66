"""From kernel version 1 to 2: order types beside limit and market, standings, limits of markets.

Version 1 kept limit orders on the book only. Rows keep their numbers, so that indexes, levels and
trees stay as they are; what is new is computed from the old columns, as `layout` says.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tigerex_core.index import insert_pair
from tigerex_core.layout import (
    BREAKER_WINDOW_NS,
    SIDES,
    Account,
    BookSide,
    Head,
    Level,
    Market,
    Node,
    Order,
    Place,
    Seen,
    Standing,
)
from tigerex_core.records import MarketLimit, OrderType, Rows, SelfTrade, Side, TimeInForce
from tigerex_core.snapshot import Image, Table, Tables, columns_of

_OLD_SIDES = 2  # rows of `books.sides` of a market


def from_1(image: Image) -> Image:
    """The image that version 2 would have of the same exchange."""
    old = image.tables
    orders = _orders(old)
    standings, index = _standings(orders, image.capacity["orders"])
    head = _widened(old["head"], "head", {})
    free = len(standings.numbers) + 1
    head.column(Head.FREE_STANDING.name)[0] = free if free <= image.capacity["orders"] else 0
    levels, nodes = _with_parents(old["books.levels"], old["books.nodes"])
    tables = dict(old) | {
        "head": head,
        "registry.markets": _markets(old["registry.markets"]),
        "registry.accounts": _widened(
            old["registry.accounts"], "registry.accounts", {Account.FEE_PAYMENT.name: 0}
        ),
        "books.sides": _sides(old["books.sides"]),
        "books.levels": levels,
        "books.nodes": nodes,
        "books.orders": orders,
        "books.standings": standings,
        "books.standing_index": index,
        "books.expiring": _none("books.expiring"),
        "window.ring": _forgetful(old["window.ring"]),
    }
    return replace(image, kernel_version=2, tables=tables)


def _none(name: str) -> Table:
    columns = columns_of(name)
    return Table(columns, np.zeros(0, np.int64), np.zeros((0, len(columns)), np.int64))


def _widened(old: Table, name: str, defaults: Mapping[str, "int | Rows"]) -> Table:
    """The table with the columns it has now: old ones by name, new ones by default, or zero."""
    columns = columns_of(name)
    rows = np.zeros((len(old.numbers), len(columns)), np.int64)
    for at, column in enumerate(columns):
        if column in defaults:
            rows[:, at] = defaults[column]
        elif column in old.columns:
            rows[:, at] = old.column(column)
    return Table(columns, old.numbers, rows)


def _markets(old: Table) -> Table:
    limits: dict[MarketLimit, int | Rows] = {
        MarketLimit.PRICE_MIN: 1,
        MarketLimit.QUANTITY_MIN: 1,
        MarketLimit.NOTIONAL_MIN: old.column("NOTIONAL_MIN"),
        MarketLimit.BREAKER_WINDOW_NS: BREAKER_WINDOW_NS,
        MarketLimit.SELF_TRADE: SelfTrade.NONE,
    }
    columns = columns_of("registry.markets")
    return _widened(
        old,
        "registry.markets",
        {columns[Market.LIMIT + limit]: value for limit, value in limits.items()},
    )


def _sides(old: Table) -> Table:
    """Each market has rows for its stops now."""
    market, side = np.divmod(old.numbers, _OLD_SIDES)
    numbers = SIDES * market + side
    return Table(columns_of("books.sides"), numbers, old.rows[:, : len(BookSide)])


def _with_parents(old_levels: Table, old_nodes: Table) -> tuple[Table, Table]:
    """Levels and forks of price trees, which know the fork above them now."""
    levels = _widened(old_levels, "books.levels", {})
    nodes = _widened(old_nodes, "books.nodes", {})
    used = np.flatnonzero(nodes.column(Node.RIGHT.name))
    for side in (Node.LEFT, Node.RIGHT):
        child = nodes.rows[used, side]
        for table, parent, sign in ((levels, Level.PARENT, -1), (nodes, Node.PARENT, 1)):
            mine = np.flatnonzero(sign * child > 0)
            at = np.searchsorted(table.numbers, sign * child[mine])
            table.rows[at, parent] = nodes.numbers[used[mine]]
    return levels, nodes


def _forgetful(old: Table) -> Table:
    """Requests whose content is not known: it was hashed over other columns."""
    return _widened(old, "window.ring", {Seen.CONTENT.name: 0})


def _orders(old: Tables) -> Table:
    """Orders on the book; free rows keep nothing but their link."""
    was = old["books.orders"]
    markets = old["registry.markets"]
    market = np.searchsorted(markets.numbers, was.column("MARKET"))
    market = np.minimum(market, max(0, len(markets.numbers) - 1))  # of free rows: any
    open_ = was.column("LEVEL") != 0
    side, price, left = (was.column(name) for name in ("SIDE", "PRICE", "REMAINING"))
    if len(markets.numbers):
        unit, lot = (markets.column(name)[market] for name in ("UNIT", "LOT"))
    else:
        unit = lot = np.zeros_like(side)
    return _widened(
        was,
        "books.orders",
        {
            Order.PLACE.name: np.where(open_, Place.BOOK, Place.NONE),
            Order.BOOK.name: np.where(open_, SIDES * was.column("MARKET") + side - 1, 0),
            Order.VISIBLE.name: left,
            Order.HELD.name: np.where(side == Side.BUY, price * left * unit, left * lot),
            Order.EXECUTED.name: was.column("QUANTITY") - left,
            Order.TYPE.name: np.where(open_, OrderType.LIMIT, 0),
            Order.TIME_IN_FORCE.name: np.where(open_, TimeInForce.GTC, 0),
        },
    )


def _standings(orders: Table, capacity: int) -> tuple[Table, Table]:
    """Fills in the orders' standings; gives those and their index."""
    columns = columns_of("books.standings")
    index = np.zeros(1 << (2 * capacity - 1).bit_length(), np.int64)
    rows: list[list[int]] = []
    found: dict[tuple[int, int], int] = {}
    place = {int(number): at for at, number in enumerate(orders.numbers)}
    live = np.flatnonzero(orders.rows[:, Order.LEVEL])
    for at in live[np.argsort(orders.rows[live, Order.ID])]:
        order, number = orders.rows[at], int(orders.numbers[at])
        key = int(order[Order.ACCOUNT]), int(order[Order.MARKET])
        if key not in found:
            rows.append(_standing(order, number))
            found[key] = len(rows)
            with np.errstate(over="ignore"):  # hashes wrap by design
                insert_pair(index, *key, found[key])
        standing = rows[found[key] - 1]
        order[Order.STANDING] = found[key]
        if standing[Standing.ORDERS]:
            order[Order.OLDER] = standing[Standing.LAST]
            orders.rows[place[standing[Standing.LAST]], Order.YOUNGER] = number
        standing[Standing.ORDERS] += 1
        standing[Standing.LAST] = number
        if order[Order.SIDE] == Side.BUY:
            standing[Standing.BUY_LOTS] += int(order[Order.REMAINING])
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
    entries = np.flatnonzero(index).astype(np.int64)
    return (
        Table(columns, numbers, np.array(rows, np.int64).reshape(-1, len(columns))),
        Table(columns_of("books.standing_index"), entries, index[entries].reshape(-1, 1)),
    )


def _standing(order: Rows, number: int) -> list[int]:
    """An account's standing in a market, of an order that is its oldest."""
    standing = [0] * len(Standing)
    standing[Standing.ACCOUNT] = int(order[Order.ACCOUNT])
    standing[Standing.MARKET] = int(order[Order.MARKET])
    standing[Standing.FIRST] = number
    base, quote = Order.GETS, Order.PAYS
    if order[Order.SIDE] == Side.SELL:
        base, quote = quote, base
    standing[Standing.BASE], standing[Standing.QUOTE] = int(order[base]), int(order[quote])
    return standing
