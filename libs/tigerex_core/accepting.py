"""Accepted orders: their money, their rows, and the events that say what they are."""

from tigerex_core.ending import order_event
from tigerex_core.jit import kernel
from tigerex_core.layout import Balance, Head, Order, Standing, State
from tigerex_core.ledger import add_balance, find_balance, hold, refuse_spending
from tigerex_core.output import DONE, Out, copy_name, refuse
from tigerex_core.pool import take
from tigerex_core.records import NAME_WORDS, Command, Event, EventKind, Reason, Rows, Side

_TIME_IN_FORCE_FACTOR = 16
_POST_ONLY_FACTOR = 256


@kernel
def balance_rows(
    state: State, account: int, standing: int, side: int, base: int, quote: int
) -> tuple[int, int]:
    """The balance rows of what an order gives and receives, 0 where there is none yet; a standing
    knows them."""
    if standing != 0:
        base_row = state.books.standings[standing, Standing.BASE]
        quote_row = state.books.standings[standing, Standing.QUOTE]
    else:
        base_row = find_balance(state.ledger, account, base)
        quote_row = find_balance(state.ledger, account, quote)
    if side == Side.BUY:
        return quote_row, base_row
    return base_row, quote_row


@kernel
def refuse_room(state: State, orders: int) -> int:
    """DONE where so many orders more can be open."""
    if state.head[Head.ORDERS] + orders > state.books.orders.shape[0] - 2:  # row 0, the taker's
        return refuse(Reason.CAPACITY, Command.ORDER_ID)
    return DONE


@kernel
def refuse_money(
    state: State, account: int, asset: int, pays: int, gets: int, amount: int, column: int
) -> int:
    """DONE where the account can spend the amount of the asset, and has, or can get, both balance
    rows."""
    ledger, accounts = state.ledger, state.registry.accounts
    refusal = refuse_spending(ledger, accounts, account, asset, pays, amount, column)
    if refusal != DONE:
        return refusal
    missing = 0
    if pays == 0:
        missing += 1
    if gets == 0:
        missing += 1
    if state.head[Head.BALANCES] + missing >= ledger.balances.shape[0]:
        return refuse(Reason.CAPACITY, Command.ASSET)
    return DONE


@kernel
def new_order(
    state: State, commands: Rows, c: int, pays: int, gets: int, gives: int, receives: int
) -> int:
    """A row for the command's order: what a single one and each of a list have in common.

    `pays` and `gets` are balance rows, made here for the assets `gives` and `receives` where they
    are 0.
    """
    head, orders, account = state.head, state.books.orders, commands[c, Command.ACCOUNT]
    if pays == 0:
        pays = add_balance(head, state.ledger, state.registry.accounts, account, gives)
    if gets == 0:
        gets = add_balance(head, state.ledger, state.registry.accounts, account, receives)
    order = take(head, Head.FREE_ORDER, orders, Order.NEXT)
    head[Head.LAST_ORDER_ID] += 1
    orders[order, Order.ID] = head[Head.LAST_ORDER_ID]
    orders[order, Order.ACCOUNT] = account
    orders[order, Order.MARKET] = commands[c, Command.MARKET]
    orders[order, Order.SIDE] = commands[c, Command.SIDE]
    orders[order, Order.QUANTITY] = commands[c, Command.QUANTITY]
    orders[order, Order.REMAINING] = commands[c, Command.QUANTITY]
    orders[order, Order.SELF_TRADE] = commands[c, Command.SELF_TRADE]
    orders[order, Order.PAYS] = pays
    orders[order, Order.GETS] = gets
    return order


@kernel
def name_order(orders: Rows, order: int, commands: Rows, c: int, column: int) -> None:
    for word in range(NAME_WORDS):
        orders[order, Order.NAME + word] = commands[c, column + word]


@kernel
def _announce_terms(out: Out, orders: Rows, order: int) -> None:
    at = order_event(out, EventKind.ORDER_TERMS, orders, order)
    out.events[at, Event.SIDE] = 0
    out.events[at, Event.PRICE] = orders[order, Order.STOP_PRICE]
    out.events[at, Event.REMAINING] = orders[order, Order.TRAILING]
    out.events[at, Event.QUANTITY] = orders[order, Order.DISPLAY]
    out.events[at, Event.AMOUNT] = orders[order, Order.AMOUNT]
    out.events[at, Event.AUX] = orders[order, Order.EXPIRE_NS]
    out.events[at, Event.VALUE] = orders[order, Order.SELF_TRADE]
    out.events[at, Event.OTHER_ORDER] = orders[order, Order.LIST_ID]


@kernel
def accept(state: State, out: Out, order: int, amount: int, decided: int) -> None:
    """Hold the money, and say what the order is; `decided`: seq at which it was."""
    orders, ledger = state.books.orders, state.ledger
    pays = orders[order, Order.PAYS]
    if amount != 0:
        orders[order, Order.HELD] = amount
        hold(ledger, pays, amount)
    at = order_event(out, EventKind.ORDER_ACCEPTED, orders, order)
    out.events[at, Event.ASSET] = ledger.balances[pays, Balance.ASSET]
    out.events[at, Event.AMOUNT] = amount
    out.events[at, Event.AUX] = decided
    out.events[at, Event.VALUE] = (
        orders[order, Order.TYPE]
        + _TIME_IN_FORCE_FACTOR * orders[order, Order.TIME_IN_FORCE]
        + _POST_ONLY_FACTOR * orders[order, Order.POST_ONLY]
    )
    copy_name(out, at, orders, order, Order.NAME)
    said = orders[order, Order.STOP_PRICE] | orders[order, Order.TRAILING]
    said |= orders[order, Order.DISPLAY] | orders[order, Order.AMOUNT]
    said |= orders[order, Order.EXPIRE_NS] | orders[order, Order.SELF_TRADE]
    if said | orders[order, Order.LIST_ID] != 0:
        _announce_terms(out, orders, order)
