"""Takers run one after another: the one that a command made, then stops that have fired."""

from tigerex_core.book import row_of
from tigerex_core.ending import change_hold, expire_open, order_event
from tigerex_core.expiry import next_due
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import ORDER_WIDTH, BookSide, Head, Market, Order, State
from tigerex_core.matching import match
from tigerex_core.output import STEPS_LEFT, TAKER, WRITTEN, Out
from tigerex_core.pool import give_back
from tigerex_core.records import Event, EventKind, Reason, Side, TimeInForce
from tigerex_core.resting import rest
from tigerex_core.standing import close_order
from tigerex_core.triggers import fire, next_fired


@kernel
def _announce_end(state: State, out: Out, order: int, reason: int) -> None:
    """How a taker that does not rest ended, where its last trade does not tell."""
    orders = state.books.orders
    if orders[order, Order.QUANTITY] == 0 and reason == Reason.NONE:
        amount = orders[order, Order.AMOUNT]
        level = _best(state, order)
        if orders[order, Order.EXECUTED] != 0 and (amount == 0 or level != 0):
            at = order_event(out, EventKind.ORDER_FILLED, orders, order)
            out.events[at, Event.AUX] = amount
            return
    elif orders[order, Order.REMAINING] == 0 and reason == Reason.NONE:
        return
    at = order_event(out, EventKind.ORDER_EXPIRED, orders, order)
    out.events[at, Event.REASON] = reason


@kernel
def _best(state: State, taker: int) -> int:
    """The best level of the other side."""
    orders = state.books.orders
    other = Side.BUY + Side.SELL - orders[taker, Order.SIDE]
    return state.books.sides[row_of(orders[taker, Order.MARKET], other), BookSide.BEST]


@kernel
def _end(state: State, out: Out, order: int, reason: int) -> None:
    """After a run: rest what may rest, end the others."""
    orders = state.books.orders
    time_in_force = orders[order, Order.TIME_IN_FORCE]
    good_till = time_in_force == TimeInForce.GTC or time_in_force == TimeInForce.GTD  # noqa: PLR1714
    if good_till and reason == Reason.NONE and orders[order, Order.REMAINING] != 0:  # noqa: SIM102
        if orders[order, Order.PRICE] != 0:
            rest(state, out, order)
            return
    _announce_end(state, out, order, reason)
    if orders[order, Order.HELD] != 0:
        change_hold(state, order, -orders[order, Order.HELD])
    if orders[order, Order.STANDING] != 0:
        _close_stop(state, order)
    else:
        give_back(state.head, Head.FREE_ORDER, orders, Order.NEXT, order, ORDER_WIDTH)


@routine
def _close_stop(state: State, order: int) -> None:
    close_order(state.head, state.books, order)


@kernel
def run_takers(state: State, out: Out) -> None:
    """Match all that is to be matched now."""
    orders, markets = state.books.orders, state.registry.markets
    while True:
        taker = out.cause[TAKER]
        out.cause[TAKER] = 0
        if taker == 0:
            taker = next_fired(state, out)
            if taker == 0:
                return
        first_event = out.cause[WRITTEN]
        market = orders[taker, Order.MARKET]
        trades = markets[market, Market.LAST_TRADE_ID]
        reason = match(state, out, taker)
        _end(state, out, taker, reason)
        if markets[market, Market.LAST_TRADE_ID] != trades:
            fire(state, out, market, first_event)


@routine
def _expire_due(state: State, out: Out) -> None:
    order = next_due(state.head, state.books)
    while order != 0 and out.cause[STEPS_LEFT] != 0:
        out.cause[STEPS_LEFT] -= 1
        expire_open(state, out, order, Reason.TIME + 0)
        order = next_due(state.head, state.books)


@kernel
def expire_due(state: State, out: Out) -> None:
    """Let orders expire whose date has come, as many as may."""
    if next_due(state.head, state.books) != 0:
        _expire_due(state, out)
