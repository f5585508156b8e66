"""How open orders end: canceled, or expired; and with them the other order of their list."""

from tigerex_core.book import dequeue
from tigerex_core.chains import remove_fired, remove_trailing
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import Market, Order, Place, Standing, State
from tigerex_core.ledger import hold
from tigerex_core.output import Out, begin_event, copy_name
from tigerex_core.records import Event, EventKind, Reason, Rows
from tigerex_core.standing import close_order, count_lots


@kernel
def order_event(out: Out, kind: int, orders: Rows, order: int) -> int:
    """An event of this kind with what all events about one order say; its row."""
    at = begin_event(out, kind)
    out.events[at, Event.ACCOUNT] = orders[order, Order.ACCOUNT]
    out.events[at, Event.MARKET] = orders[order, Order.MARKET]
    out.events[at, Event.ORDER_ID] = orders[order, Order.ID]
    out.events[at, Event.SIDE] = orders[order, Order.SIDE]
    out.events[at, Event.PRICE] = orders[order, Order.PRICE]
    out.events[at, Event.QUANTITY] = orders[order, Order.QUANTITY]
    out.events[at, Event.REMAINING] = orders[order, Order.REMAINING]
    return at


@kernel
def change_hold(state: State, order: int, amount: int) -> None:
    """The order holds so much more; a negative amount is released."""
    state.books.orders[order, Order.HELD] += amount
    hold(state.ledger, state.books.orders[order, Order.PAYS], amount)


@kernel
def leave_place(state: State, order: int) -> None:
    """Take an open order from where it rests or waits; it stays known."""
    orders, markets = state.books.orders, state.registry.markets
    place = orders[order, Order.PLACE]
    count_lots(state.books, order, -orders[order, Order.REMAINING])
    if place == Place.BOOK or place == Place.STOPS:  # noqa: PLR1714 - numba
        dequeue(state.head, state.books, order)
    elif place == Place.TRAILING:
        remove_trailing(markets, orders, order)
    else:
        remove_fired(state.head, markets, orders, order)
    if place != Place.BOOK:
        if orders[order, Order.TRAILING] != 0:
            markets[orders[order, Order.MARKET], Market.TRAILING] -= 1
        state.books.standings[orders[order, Order.STANDING], Standing.STOPS] -= 1
    orders[order, Order.PLACE] = Place.NONE


@kernel
def _end_alone(state: State, out: Out, order: int, kind: int, reason: int) -> None:
    orders = state.books.orders
    at = order_event(out, kind, orders, order)
    out.events[at, Event.VISIBLE] = -orders[order, Order.VISIBLE]
    out.events[at, Event.REASON] = reason
    if kind == EventKind.ORDER_CANCELED:
        copy_name(out, at, orders, order, Order.NAME)
    change_hold(state, order, -orders[order, Order.HELD])
    leave_place(state, order)
    close_order(state.head, state.books, order)


@routine
def cancel_leg(state: State, out: Out, order: int) -> None:
    """Cancel an order because of what happened to the other one of its list."""
    _end_alone(state, out, order, EventKind.ORDER_CANCELED + 0, Reason.OTHER_LEG + 0)


@kernel
def end_open(state: State, out: Out, order: int, kind: int, reason: int) -> None:
    """End an open order that rests or waits, by ORDER_CANCELED or ORDER_EXPIRED; and the other one
    of its list."""
    leg = state.books.orders[order, Order.OTHER_LEG]
    _end_alone(state, out, order, kind, reason)
    if leg != 0:
        cancel_leg(state, out, leg)


@routine
def expire_open(state: State, out: Out, order: int, reason: int) -> None:
    """End an open order by ORDER_EXPIRED."""
    end_open(state, out, order, EventKind.ORDER_EXPIRED + 0, reason)


@kernel
def leave_list(state: State, out: Out, order: int) -> None:
    """The order trades, or is triggered: the other one of its list, if any, is canceled."""
    orders = state.books.orders
    leg = orders[order, Order.OTHER_LEG]
    if leg != 0:
        cancel_leg(state, out, leg)
        orders[order, Order.OTHER_LEG] = 0
