"""AMEND_ORDER: another quantity for an open order, in the same place where it is smaller."""

from tigerex_core.book import part_of, show_less, to_the_end
from tigerex_core.checks import refuse_account, refuse_epoch
from tigerex_core.ending import change_hold, order_event
from tigerex_core.filters import notional_of, refuse_lots, refuse_notional, refuse_quantity
from tigerex_core.jit import kernel
from tigerex_core.layout import Account, Balance, Market, Order, Place, State
from tigerex_core.ledger import refuse_spending
from tigerex_core.output import DONE, Out, refuse
from tigerex_core.records import Command, Event, EventKind, MarketState, Reason, Rows
from tigerex_core.refusing import find_commanded, unknown_order
from tigerex_core.standing import count_lots
from tigerex_core.worth import holding


@kernel
def _refuse_owner(state: State, commands: Rows, c: int) -> int:
    refusal = refuse_account(state, commands[c, Command.ACCOUNT], Command.ACCOUNT)
    if refusal != DONE:
        return refusal
    if state.registry.accounts[commands[c, Command.ACCOUNT], Account.FROZEN] != 0:
        return refuse(Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
    return refuse_epoch(state, commands, c)


@kernel
def _refuse_change(state: State, order: int, wanted: int) -> int:
    """DONE where the order may have the quantity wanted, whatever it costs."""
    orders, markets = state.books.orders, state.registry.markets
    market, quantity = orders[order, Order.MARKET], orders[order, Order.QUANTITY]
    if orders[order, Order.LIST_ID] != 0:
        return refuse(Reason.NOT_AMENDABLE, Command.ORDER_ID)
    if markets[market, Market.STATE] != MarketState.OPEN:  # noqa: SIM102 - evaluated last
        if markets[market, Market.STATE] != MarketState.HALTED or wanted > quantity:
            return refuse(Reason.MARKET_HALTED, Command.MARKET)
    if wanted < 1 or wanted == quantity or orders[order, Order.REMAINING] <= quantity - wanted:
        return refuse(Reason.INVALID_QUANTITY, Command.QUANTITY)
    price = orders[order, Order.PRICE]
    refusal = refuse_quantity(markets, market, wanted)
    if refusal == DONE:
        refusal = refuse_lots(markets, market, wanted, price)
    if refusal == DONE and price != 0:
        notional = notional_of(markets, market, price, wanted)
        refusal = refuse_notional(markets, market, notional, Command.QUANTITY)
    return refusal


@kernel
def _show(state: State, order: int, larger: bool) -> int:
    """Let the book show what it must of an order whose remainder has changed; how much more."""
    orders, books = state.books.orders, state.books
    if orders[order, Order.PLACE] != Place.BOOK:
        return 0
    before = orders[order, Order.VISIBLE]
    after = min(before, orders[order, Order.REMAINING])
    if larger:
        after = part_of(orders, order)
        to_the_end(books, order)
    show_less(books, order, before - after)
    return after - before


@kernel
def amend_order(state: State, out: Out, commands: Rows, c: int) -> int:
    refusal = _refuse_owner(state, commands, c)
    if refusal != DONE:
        return refusal
    orders, markets = state.books.orders, state.registry.markets
    order = find_commanded(state, commands, c)
    if order == 0:
        return unknown_order(commands, c)
    wanted = commands[c, Command.QUANTITY]
    refusal = _refuse_change(state, order, wanted)
    if refusal != DONE:
        return refusal
    more = wanted - orders[order, Order.QUANTITY]
    remaining = orders[order, Order.REMAINING] + more
    market, side = orders[order, Order.MARKET], orders[order, Order.SIDE]
    extra = holding(markets, market, side, orders[order, Order.PRICE], remaining)
    extra -= orders[order, Order.HELD]
    if more > 0:
        pays, account = orders[order, Order.PAYS], orders[order, Order.ACCOUNT]
        asset = state.ledger.balances[pays, Balance.ASSET]
        refusal = refuse_spending(
            state.ledger, state.registry.accounts, account, asset, pays, extra, Command.QUANTITY
        )
        if refusal != DONE:
            return refusal
    orders[order, Order.QUANTITY] = wanted
    orders[order, Order.REMAINING] = remaining
    count_lots(state.books, order, more)
    change_hold(state, order, extra)
    shown = _show(state, order, more > 0)
    at = order_event(out, EventKind.ORDER_AMENDED, orders, order)
    out.events[at, Event.AMOUNT] = extra
    out.events[at, Event.VISIBLE] = shown
    if more < 0:
        out.events[at, Event.VALUE] = 1
    return DONE
