"""Stops: which way the price must go, where they wait, and when they fire.

The last prices of one taker's run rise (it buys) or fall (it sells), so its first and last trade
tell which stops fire; the events of its trades tell at which price.
"""

from tigerex_core.book import dequeue, enqueue, row_of
from tigerex_core.chains import append_fired, append_trailing, first_runnable, remove_trailing
from tigerex_core.ending import change_hold, leave_list, leave_place, order_event
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import (
    FALL,
    RISE,
    BookSide,
    Level,
    Market,
    Order,
    Place,
    Standing,
    State,
)
from tigerex_core.output import FILLS_LEFT, STEPS_LEFT, Out, disown
from tigerex_core.records import Event, EventKind, OrderType, Rows, Side
from tigerex_core.standing import count_lots, open_order
from tigerex_core.trailing import follow, has_turned
from tigerex_core.worth import needed


@kernel
def direction(order_type: int, side: int) -> int:
    """RISE or FALL: what a stop waits for."""
    loss = order_type <= OrderType.STOP_LOSS_LIMIT
    if loss == (side == Side.BUY):
        return RISE
    return FALL


@kernel
def reached(way: int, stop: int, price: int) -> bool:
    """Whether the price is where a stop fires that does not trail."""
    if way == RISE:
        return price >= stop
    return price <= stop


@kernel
def wait(state: State, order: int) -> None:
    """Open a stop: from now on it waits for its price."""
    books, orders, markets = state.books, state.books.orders, state.registry.markets
    open_order(state.head, books, order, 0)
    market, stop = orders[order, Order.MARKET], orders[order, Order.STOP_PRICE]
    way = direction(orders[order, Order.TYPE], orders[order, Order.SIDE])
    if orders[order, Order.TRAILING] != 0:
        append_trailing(markets, orders, order)
        if markets[market, Market.LAST_PRICE] != 0:
            follow(orders, order, way == RISE, markets[market, Market.LAST_PRICE])
        markets[market, Market.TRAILING] += 1
    else:
        orders[order, Order.PLACE] = Place.STOPS
        enqueue(state.head, books, order, row_of(market, way), stop)
    books.standings[orders[order, Order.STANDING], Standing.STOPS] += 1
    count_lots(books, order, orders[order, Order.REMAINING])


@kernel
def _next_trade(out: Out, at: int) -> int:
    """The first trade among the events from `at` on; there is one."""
    while out.events[at, Event.KIND] != EventKind.TRADED:
        at += 1
    return at


@kernel
def _fire_stops(state: State, out: Out, market: int, way: int, farthest: int, at: int) -> None:
    """Those of one way that a run has reached at its farthest; `at` is its first trade."""
    head, books, markets = state.head, state.books, state.registry.markets
    row = row_of(market, way)
    while books.sides[row, BookSide.BEST] != 0:
        level = books.sides[row, BookSide.BEST]
        stop = books.levels[level, Level.PRICE]
        if not reached(way, stop, farthest):
            return
        while not reached(way, stop, out.events[at, Event.PRICE]):
            at = _next_trade(out, at + 1)
        order = books.levels[level, Level.FIRST]
        dequeue(head, books, order)
        append_fired(head, markets, books.orders, order, out.events[at, Event.PRICE])


@kernel
def _turned_at(out: Out, orders: Rows, order: int, rises: bool, at: int) -> int:
    """The price of the first trade, from `at` on, that fires a trailing stop; there is one."""
    while not has_turned(orders, order, rises, out.events[at, Event.PRICE]):
        at = _next_trade(out, at + 1)
    return out.events[at, Event.PRICE]


@kernel
def _fire_trailing(state: State, out: Out, market: int, last: int, at: int) -> None:
    orders, markets = state.books.orders, state.registry.markets
    first = out.events[at, Event.PRICE]
    order = markets[market, Market.TRAILING_FIRST]
    while order != 0:
        after = orders[order, Order.NEXT]
        rises = direction(orders[order, Order.TYPE], orders[order, Order.SIDE]) == RISE
        if follow(orders, order, rises, first) or follow(orders, order, rises, last):
            price = _turned_at(out, orders, order, rises, at)
            remove_trailing(markets, orders, order)
            append_fired(state.head, markets, orders, order, price)
        order = after


@routine
def _fire(state: State, out: Out, market: int, first_event: int) -> None:
    at = _next_trade(out, first_event)
    first = out.events[at, Event.PRICE]
    last = state.registry.markets[market, Market.LAST_PRICE]
    for way in range(RISE, FALL - 1, -1):
        farthest = min(first, last)
        if way == RISE:
            farthest = max(first, last)
        _fire_stops(state, out, market, way, farthest, at)
    _fire_trailing(state, out, market, last, at)


@kernel
def fire(state: State, out: Out, market: int, first_event: int) -> None:
    """After a run that traded, whose events begin at `first_event`: stops whose price has come wait
    to be run, in the order in which they fire.

    Each order fires once in its life, so that a crowd of them at one price is work that their
    placements have paid for.
    """
    sides = state.books.sides
    first = sides[row_of(market, RISE), BookSide.BEST] | sides[row_of(market, FALL), BookSide.BEST]
    if first | state.registry.markets[market, Market.TRAILING_FIRST] != 0:
        _fire(state, out, market, first_event)


@routine
def _trigger(state: State, out: Out, order: int) -> None:
    """Make a fired stop a taker: its list is dissolved, and what it needs is held."""
    orders = state.books.orders
    leave_place(state, order)
    at = order_event(out, EventKind.ORDER_TRIGGERED, orders, order)
    out.events[at, Event.AUX] = orders[order, Order.TRIGGER]
    leave_list(state, out, order)
    change_hold(state, order, needed(state, order) - orders[order, Order.HELD])


@kernel
def next_fired(state: State, out: Out) -> int:
    """The stop that is to be run now, triggered; 0 when none is left, or nothing may happen any
    more."""
    order = first_runnable(state.head, state.registry.markets, state.books.orders)
    if order == 0 or out.cause[STEPS_LEFT] == 0 or out.cause[FILLS_LEFT] == 0:
        return 0
    out.cause[STEPS_LEFT] -= 1
    disown(out)
    _trigger(state, out, order)
    return order
