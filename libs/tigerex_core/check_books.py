"""The books' invariants: order of prices and times, links, totals, trees; of waiting stops, too."""

from collections.abc import Iterator

import numpy as np

from tigerex_core.check_rows import Row, Table
from tigerex_core.layout import (
    FALL,
    RISE,
    Books,
    BookSide,
    Head,
    Level,
    Market,
    Node,
    Order,
    Place,
    State,
    book_row,
)
from tigerex_core.records import OrderType, Side

_NAMES = {Side.BUY: "bids", Side.SELL: "asks", FALL: "stops for a fall", RISE: "stops for a rise"}


def broken_books(state: State) -> list[str]:
    """Faults of every market's four queues."""
    levels, orders = Table(state.books.levels), Table(state.books.orders)
    markets = Table(state.registry.markets)
    faults: list[str] = []
    seen = 0
    for market in range(1, state.head[Head.MARKETS] + 1):
        best: dict[int, int] = {}
        for side, name in _NAMES.items():
            chain = _level_chain(state.books, levels, book_row(market, side))
            faults += [
                f"market {market}, {name}: {fault}"
                for fault in _side_faults(state.books, levels, orders, market, side, chain)
            ]
            seen += sum(levels[level][Level.COUNT] for level in chain)
            if chain:
                best[side] = levels[chain[0]][Level.PRICE]
        faults += [f"market {market}: {fault}" for fault in _price_faults(best, markets[market])]
    places = state.books.orders[:, Order.PLACE]
    queued = int(np.isin(places, (Place.BOOK, Place.STOPS)).sum())
    if seen != queued:
        faults.append(f"{seen} orders in queues, {queued} say that they are")
    return faults


def _price_faults(best: dict[int, int], market: Row) -> Iterator[str]:
    """No bid crosses an ask, and no stop waits whose price has come."""
    last = market[Market.LAST_PRICE]
    if Side.BUY in best and Side.SELL in best and best[Side.BUY] >= best[Side.SELL]:
        yield f"bid {best[Side.BUY]} crosses ask {best[Side.SELL]}"
    if last and RISE in best and best[RISE] <= last:
        yield f"a stop waits for a rise to {best[RISE]}, the last price is {last}"
    if last and FALL in best and best[FALL] >= last:
        yield f"a stop waits for a fall to {best[FALL]}, the last price is {last}"


def _side_faults(
    books: Books, levels: Table, orders: Table, market: int, side: int, chain: list[int]
) -> Iterator[str]:
    book = book_row(market, side)
    yield from _chain_faults(chain, levels, rising=side in {Side.SELL, RISE})
    yield from _tree_faults(books, chain, levels, book)
    for level in chain:
        queue = _queue(orders, levels[level])
        for fault in _queue_faults(queue, orders, level, levels[level]):
            yield f"price {levels[level][Level.PRICE]}: {fault}"
        for order in queue:
            row = orders[order]
            if (row[Order.MARKET], row[Order.BOOK]) != (market, book):
                yield f"order {row[Order.ID]} is of another book"
            for fault in _order_faults(row, side, levels[level][Level.PRICE]):
                yield f"order {row[Order.ID]} {fault}"


def _order_faults(row: Row, side: int, price: int) -> Iterator[str]:
    if side in set(Side):
        shown, most = row[Order.VISIBLE], row[Order.DISPLAY] or row[Order.REMAINING]
        if (row[Order.PLACE], row[Order.SIDE], row[Order.PRICE]) != (Place.BOOK, side, price):
            yield "is not of this level"
        if not 0 < shown <= min(most, row[Order.REMAINING]):
            yield f"shows {shown} of {row[Order.REMAINING]} lots"
        if not row[Order.DISPLAY] and shown != row[Order.REMAINING]:
            yield "does not show all"
        return
    if (row[Order.PLACE], row[Order.STOP_PRICE]) != (Place.STOPS, price):
        yield "does not wait for this price"
    if waits_for(row) != side or row[Order.TRAILING]:
        yield "waits for another move"
    if row[Order.VISIBLE]:
        yield "is shown while it waits"


def waits_for(row: Row) -> int:
    """RISE or FALL: which way the price must go for a stop to fire."""
    loss = row[Order.TYPE] in {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}
    return RISE if loss == (row[Order.SIDE] == Side.BUY) else FALL


def _level_chain(books: Books, levels: Table, side: int) -> list[int]:
    """Level rows from the best on; ends early when the chain is longer than there are levels."""
    chain: list[int] = []
    level = int(books.sides[side, BookSide.BEST])
    while level and len(chain) < len(levels):
        chain.append(level)
        level = levels[level][Level.NEXT]
    return chain


def _chain_faults(chain: list[int], levels: Table, *, rising: bool) -> Iterator[str]:
    prices = [levels[level][Level.PRICE] for level in chain]
    previous = [levels[level][Level.PREVIOUS] for level in chain]
    if prices != sorted(set(prices), reverse=not rising):
        yield "levels are out of order"
    if previous != [0, *chain][: len(chain)]:
        yield "levels are wrongly linked backwards"


def _tree_faults(books: Books, chain: list[int], levels: Table, side: int) -> Iterator[str]:
    """The tree's leaves from left to right are the chain; forks test falling bits."""
    leaves: list[int] = []
    stack = [(int(books.sides[side, BookSide.ROOT]), 64, 0)]
    while stack and len(leaves) <= len(levels):
        at, bit_above, above = stack.pop()
        if at > 0:
            bit, left, right, parent = (int(value) for value in books.nodes[at, : len(Node)])
            if bit >= bit_above:
                yield f"fork {at} tests bit {bit} below bit {bit_above}"
            stack += [(right, bit, at), (left, bit, at)]
        else:
            leaves += [-at] if at else []
            parent = levels[-at][Level.PARENT]
        if parent != above:
            yield f"fork {parent} is said to be above {at}, {above} is"
    if leaves != chain:
        yield "the price tree differs from the chain of levels"
    if books.sides[side, BookSide.LEVELS] != len(chain):
        yield f"{len(chain)} levels, {books.sides[side, BookSide.LEVELS]} are counted"


def _queue(orders: Table, level: Row) -> list[int]:
    queue: list[int] = []
    order = level[Level.FIRST]
    while order and len(queue) < len(orders):
        queue.append(order)
        order = orders[order][Order.NEXT]
    return queue


def _queue_faults(queue: list[int], orders: Table, level: int, row: Row) -> Iterator[str]:
    if not queue:
        yield "orders are missing"
    if queue and row[Level.LAST] != queue[-1]:
        yield "the last order is not the last"
    if [orders[order][Order.PREVIOUS] for order in queue] != [0, *queue][: len(queue)]:
        yield "orders are wrongly linked backwards"
    lots = sum(orders[order][Order.VISIBLE] for order in queue)
    if (lots, len(queue)) != (row[Level.LOTS], row[Level.COUNT]):
        yield (
            f"{len(queue)} orders show {lots} lots,"
            f" {row[Level.COUNT]} of {row[Level.LOTS]} are counted"
        )
    for order in queue:
        if orders[order][Order.LEVEL] != level:
            yield f"order {orders[order][Order.ID]} is not of this level"
