"""The invariants of open orders as their owners know them: standings, lists, dates, chains of
waiting stops."""

from collections import defaultdict
from collections.abc import Iterator

from tigerex_core.check_rows import Row, Table, used
from tigerex_core.layout import Head, Market, Order, Place, Standing, State
from tigerex_core.records import MarketState, OrderType, Side


def broken_orders(state: State) -> list[str]:
    rows = Table(state.books.orders)
    open_rows = used(state.books.orders[:, Order.PLACE]).tolist()
    faults = list(_standing_faults(state, rows, open_rows))
    faults += _heap_faults(state, rows, open_rows)
    faults += _chain_faults(state, rows, open_rows)
    for at in open_rows:
        faults += [f"order {rows[at][Order.ID]} {fault}" for fault in _order_faults(rows, at)]
    if len(open_rows) != state.head[Head.ORDERS]:
        faults.append(f"{len(open_rows)} open orders, {state.head[Head.ORDERS]} are counted")
    return faults


def _order_faults(rows: Table, at: int) -> Iterator[str]:
    row = rows[at]
    remaining, executed = row[Order.REMAINING], row[Order.EXECUTED]
    if not 0 < remaining <= row[Order.QUANTITY] - executed:
        yield f"has {remaining} lots left of {row[Order.QUANTITY]}, {executed} traded"
    waits = row[Order.PLACE] != Place.BOOK
    if waits and row[Order.TYPE] < OrderType.STOP_LOSS:
        yield "waits and is no stop"
    if row[Order.TYPE] == OrderType.MARKET or (not waits and row[Order.PRICE] == 0):
        yield "rests at market"
    leg = row[Order.OTHER_LEG]
    if leg and (
        rows[leg][Order.OTHER_LEG] != at
        or rows[leg][Order.LIST_ID] != row[Order.LIST_ID]
        or {row[Order.PLACE] == Place.BOOK, rows[leg][Order.PLACE] == Place.BOOK} != {True, False}
        or row[Order.LIST_ID] not in {row[Order.ID], rows[leg][Order.ID]}
    ):
        yield "has a wrong other order in its list"


def _standing_faults(state: State, rows: Table, open_rows: list[int]) -> Iterator[str]:
    """Counts, and the chain of each account's orders in a market by age."""
    members: dict[int, list[int]] = defaultdict(list)
    for at in sorted(open_rows, key=lambda order: rows[order][Order.ID]):
        members[rows[at][Order.STANDING]].append(at)
    for standing, orders in members.items():
        row = state.books.standings[standing].tolist()
        owners = {(rows[at][Order.ACCOUNT], rows[at][Order.MARKET]) for at in orders}
        if standing == 0 or owners != {(row[Standing.ACCOUNT], row[Standing.MARKET])}:
            yield f"standing {standing}: orders of {owners}"
            continue
        chain = [row[Standing.FIRST]]
        while chain[-1] and len(chain) <= len(orders):
            chain.append(rows[chain[-1]][Order.YOUNGER])
        if chain[:-1] != orders or row[Standing.LAST] != orders[-1]:
            yield f"standing {standing}: its chain differs from its orders by age"
        if [rows[at][Order.OLDER] for at in orders] != [0, *orders[:-1]]:
            yield f"standing {standing}: wrongly linked backwards"
        counts = [
            len(orders),
            sum(rows[at][Order.PLACE] != Place.BOOK for at in orders),
            sum(rows[at][Order.DISPLAY] != 0 for at in orders),
            sum(_lots_bought(rows[at]) for at in orders),
        ]
        if row[Standing.ORDERS : Standing.BUY_LOTS + 1] != counts:
            yield f"standing {standing}: counts {row}, should be {counts}"
        for at in orders:
            money = [row[Standing.BASE], row[Standing.QUOTE]]
            paid = [rows[at][Order.PAYS], rows[at][Order.GETS]]
            if money != (paid if rows[at][Order.SIDE] == Side.SELL else paid[::-1]):
                yield f"standing {standing}: other balance rows than order {rows[at][Order.ID]}"
    known = int((state.books.standings[:, Standing.ACCOUNT] != 0).sum())
    if known != len(members):
        yield f"{known} standings, orders are of {len(members)}"


def _lots_bought(row: Row) -> int:
    if row[Order.SIDE] == Side.SELL or (row[Order.OTHER_LEG] and row[Order.PLACE] != Place.BOOK):
        return 0
    return row[Order.REMAINING]


def _heap_faults(state: State, rows: Table, open_rows: list[int]) -> Iterator[str]:
    size = int(state.head[Head.EXPIRING])
    heap = state.books.expiring[: size + 1].tolist()
    if sorted(heap[1:]) != [at for at in open_rows if rows[at][Order.EXPIRE_NS]]:
        yield "the orders good till a date are not those in the heap"
    if state.books.expiring[size + 1 :].any():
        yield "the heap has orders beyond its end"
    dates = [(rows[at][Order.EXPIRE_NS], rows[at][Order.ID]) for at in heap]
    for place in range(1, size + 1):
        if rows[heap[place]][Order.HEAP] != place:
            yield f"order {rows[heap[place]][Order.ID]} has a wrong place in the heap"
        if place > 1 and dates[place // 2] > dates[place]:
            yield f"the heap is out of order at {place}"


def _chain_faults(state: State, rows: Table, open_rows: list[int]) -> Iterator[str]:
    """The chains of trailing stops, by id, and of fired ones, by when they fired."""
    runnable = 0
    for market in range(1, state.head[Head.MARKETS] + 1):
        row = state.registry.markets[market].tolist()
        mine = [at for at in open_rows if rows[at][Order.MARKET] == market]
        trailing = [at for at in mine if rows[at][Order.PLACE] == Place.TRAILING]
        trailing.sort(key=lambda at: rows[at][Order.ID])
        fired = [at for at in mine if rows[at][Order.PLACE] == Place.FIRED]
        fired.sort(key=lambda at: rows[at][Order.FIRED])
        for name, orders, first in (
            ("trailing", trailing, Market.TRAILING_FIRST),
            ("fired", fired, Market.FIRED_FIRST),
        ):
            if row[first : first + 2] != [*orders[:1], *orders[-1:]] and orders:
                yield f"market {market}: wrong ends of the chain of {name} stops"
            if not orders and any(row[first : first + 2]):
                yield f"market {market}: the chain of {name} stops is not empty"
            if [rows[at][Order.NEXT] for at in orders] != [*orders[1:], 0][: len(orders)]:
                yield f"market {market}: {name} stops are wrongly linked"
            if [rows[at][Order.PREVIOUS] for at in orders] != [0, *orders][: len(orders)]:
                yield f"market {market}: {name} stops are wrongly linked backwards"
        follow = sum(rows[at][Order.TRAILING] != 0 for at in [*trailing, *fired])
        if (row[Market.TRAILING], row[Market.FIRED]) != (follow, len(fired)):
            yield f"market {market}: {follow} stops trail, {len(fired)} have fired; miscounted"
        if row[Market.STATE] == MarketState.OPEN:
            runnable += len(fired)
    if runnable != state.head[Head.RUNNABLE]:
        yield f"{runnable} stops can be run, {state.head[Head.RUNNABLE]} are counted"
