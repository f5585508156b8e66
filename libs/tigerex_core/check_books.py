"""The books' invariants: order of prices and times, links, totals, trees."""

from tigerex_core.layout import Books, BookSide, Head, Level, Node, Order, State, book_row
from tigerex_core.records import Side

Row = list[int]


def broken_books(state: State) -> list[str]:
    """Faults of every market's two sides."""
    faults: list[str] = []
    levels = state.books.levels.tolist()
    orders = state.books.orders.tolist()
    seen = 0
    for market in range(1, state.head[Head.MARKETS] + 1):
        best: dict[Side, int] = {}
        for side in Side:
            chain = _level_chain(state.books, levels, book_row(market, side))
            what = f"market {market}, side {side.name}"
            faults += [f"{what}: {fault}" for fault in _chain_faults(chain, levels, side)]
            faults += [
                f"{what}: {fault}"
                for fault in _tree_faults(state.books, chain, levels, book_row(market, side))
            ]
            for level in chain:
                queue = _queue(orders, levels[level])
                seen += len(queue)
                for fault in _queue_faults(queue, orders, level, levels[level]):
                    faults.append(f"{what}, price {levels[level][Level.PRICE]}: {fault}")
                for order in queue:
                    if (orders[order][Order.MARKET], orders[order][Order.SIDE]) != (market, side):
                        faults.append(f"{what}: order {orders[order][Order.ID]} is of another book")
            if chain:
                best[side] = levels[chain[0]][Level.PRICE]
        if len(best) == len(Side) and best[Side.BUY] >= best[Side.SELL]:
            faults.append(f"market {market}: bid {best[Side.BUY]} crosses ask {best[Side.SELL]}")
    if seen != state.head[Head.ORDERS]:
        faults.append(f"{seen} orders on the books, {state.head[Head.ORDERS]} are counted")
    return faults


def _level_chain(books: Books, levels: list[Row], side: int) -> list[int]:
    """Level rows from the best on; ends early when the chain is longer than there are levels."""
    chain: list[int] = []
    level = int(books.sides[side, BookSide.BEST])
    while level and len(chain) < len(levels):
        chain.append(level)
        level = levels[level][Level.NEXT]
    return chain


def _chain_faults(chain: list[int], levels: list[Row], side: Side) -> list[str]:
    prices = [levels[level][Level.PRICE] for level in chain]
    previous = [levels[level][Level.PREVIOUS] for level in chain]
    faults = []
    if prices != sorted(set(prices), reverse=side is Side.BUY):
        faults.append("levels are out of order")
    if previous != [0, *chain][: len(chain)]:
        faults.append("levels are wrongly linked backwards")
    return faults


def _tree_faults(books: Books, chain: list[int], levels: list[Row], side: int) -> list[str]:
    """The tree's leaves from left to right are the chain; forks test falling bits."""
    leaves: list[int] = []
    faults = []
    stack = [(int(books.sides[side, BookSide.ROOT]), 64)]
    while stack and len(leaves) <= len(levels):
        at, bit_above = stack.pop()
        if at > 0:
            bit, left, right = (int(value) for value in books.nodes[at, : len(Node)])
            if bit >= bit_above:
                faults.append(f"fork {at} tests bit {bit} below bit {bit_above}")
            stack += [(right, bit), (left, bit)]
        elif at < 0:
            leaves.append(-at)
    if leaves != chain:
        faults.append("the price tree differs from the chain of levels")
    if books.sides[side, BookSide.LEVELS] != len(chain):
        faults.append(f"{len(chain)} levels, {books.sides[side, BookSide.LEVELS]} are counted")
    return faults


def _queue(orders: list[Row], level: Row) -> list[int]:
    queue: list[int] = []
    order = level[Level.FIRST]
    while order and len(queue) < len(orders):
        queue.append(order)
        order = orders[order][Order.NEXT]
    return queue


def _queue_faults(queue: list[int], orders: list[Row], level: int, row: Row) -> list[str]:
    faults = []
    ids = [orders[order][Order.ID] for order in queue]
    if not queue or ids != sorted(set(ids)):
        faults.append("orders are missing or not in the order of time")
    if queue and row[Level.LAST] != queue[-1]:
        faults.append("the last order is not the last")
    if [orders[order][Order.PREVIOUS] for order in queue] != [0, *queue][: len(queue)]:
        faults.append("orders are wrongly linked backwards")
    lots = sum(orders[order][Order.REMAINING] for order in queue)
    if (lots, len(queue)) != (row[Level.LOTS], row[Level.COUNT]):
        faults.append(
            f"{len(queue)} orders of {lots} lots,"
            f" {row[Level.COUNT]} of {row[Level.LOTS]} are counted"
        )
    for order in queue:
        if orders[order][Order.LEVEL] != level or orders[order][Order.PRICE] != row[Level.PRICE]:
            faults.append(f"order {orders[order][Order.ID]} is not of this level")
        if not 0 < orders[order][Order.REMAINING] <= orders[order][Order.QUANTITY]:
            faults.append(
                f"order {orders[order][Order.ID]} has {orders[order][Order.REMAINING]} lots left"
            )
    return faults
