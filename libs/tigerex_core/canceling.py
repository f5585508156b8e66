"""CANCEL_ORDER, and CANCEL_ALL of an account or of a whole market."""

from tigerex_core.checks import refuse_account, refuse_epoch, refuse_market
from tigerex_core.ending import end_open
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import CANCELS_MAX, Market, Order, Place, Standing, State
from tigerex_core.output import DONE, Out, begin_event, refuse
from tigerex_core.records import Command, Event, EventKind, MarketState, Reason, Rows
from tigerex_core.refusing import find_commanded, unknown_order
from tigerex_core.standing import find_standing


@kernel
def cancel_order(state: State, out: Out, commands: Rows, c: int) -> int:
    refusal = refuse_account(state, commands[c, Command.ACCOUNT], Command.ACCOUNT)
    if refusal == DONE:
        refusal = refuse_epoch(state, commands, c)
    if refusal != DONE:
        return refusal
    order = find_commanded(state, commands, c)
    if order == 0:
        return unknown_order(commands, c)
    end_open(state, out, order, EventKind.ORDER_CANCELED + 0, Reason.NONE + 0)
    return DONE


@routine
def _cancel(state: State, out: Out, order: int) -> int:
    """Cancel an open order, and the other one of its list; how many that were."""
    canceled = 1
    if state.books.orders[order, Order.OTHER_LEG] != 0:
        canceled = 2
    end_open(state, out, order, EventKind.ORDER_CANCELED + 0, Reason.NONE + 0)
    return canceled


@kernel
def _cancel_account(state: State, out: Out, account: int, market: int) -> tuple[int, int]:
    """Cancel the oldest orders of an account; how many, and how many are left."""
    standings = state.books.standings
    canceled = 0
    standing = find_standing(state.books, account, market)
    while standing != 0 and canceled < CANCELS_MAX:
        canceled += _cancel(state, out, standings[standing, Standing.FIRST])
        standing = find_standing(state.books, account, market)
    return canceled, standings[standing, Standing.ORDERS]  # row 0: none


@kernel
def _oldest(state: State, market: int, oldest: Rows) -> int:
    """Fill `oldest` with the rows of the market's oldest orders, by age; how many the market has.

    One walk through all rows: a whole market is canceled seldom, and never while it trades.
    """
    orders = state.books.orders
    size = 0
    found = 0
    for order in range(1, orders.shape[0]):
        if orders[order, Order.PLACE] == Place.NONE or orders[order, Order.MARKET] != market:
            continue
        found += 1
        at = size
        if size < CANCELS_MAX:
            size += 1
        elif orders[order, Order.ID] > orders[oldest[size - 1], Order.ID]:
            continue
        else:
            at = size - 1
        while at > 0 and orders[oldest[at - 1], Order.ID] > orders[order, Order.ID]:
            oldest[at] = oldest[at - 1]
            at -= 1
        oldest[at] = order
    return found


@kernel
def _cancel_market(state: State, out: Out, market: int) -> tuple[int, int]:
    """Cancel the oldest orders of everybody; how many, and how many are left."""
    orders = state.books.orders
    found = _oldest(state, market, out.oldest)
    canceled = 0
    for at in range(min(found, CANCELS_MAX)):
        order = out.oldest[at]
        # The other order of a list may have gone with the first.
        if canceled < CANCELS_MAX and orders[order, Order.PLACE] != Place.NONE:
            canceled += _cancel(state, out, order)
    return canceled, found - canceled


@routine
def cancel_all(state: State, out: Out, commands: Rows, c: int) -> int:
    account, market = commands[c, Command.ACCOUNT], commands[c, Command.MARKET]
    refusal = DONE + 0
    if account != 0:
        refusal = refuse_account(state, account, Command.ACCOUNT)
        if refusal == DONE:
            refusal = refuse_epoch(state, commands, c)
    if refusal == DONE:
        refusal = refuse_market(state, market)
    if refusal != DONE:
        return refusal
    if account != 0:
        canceled, left = _cancel_account(state, out, account, market)
    elif state.registry.markets[market, Market.STATE] != MarketState.OPEN:
        canceled, left = _cancel_market(state, out, market)
    else:
        return refuse(Reason.INVALID_STATE, Command.MARKET)
    at = begin_event(out, EventKind.ORDERS_CANCELED)
    out.events[at, Event.ACCOUNT] = account
    out.events[at, Event.MARKET] = market
    out.events[at, Event.QUANTITY] = canceled
    out.events[at, Event.REMAINING] = left
    return DONE
