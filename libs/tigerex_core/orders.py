"""PLACE_ORDER and CANCEL_ORDER: check everything, then change everything."""

from tigerex_core.book import crosses, rest, take_off
from tigerex_core.checks import refuse_account, refuse_epoch, refuse_market
from tigerex_core.index import find_named, find_pair
from tigerex_core.jit import kernel
from tigerex_core.layout import Account, Head, Market, Order, State
from tigerex_core.ledger import ensure_balance, hold, refuse_payment, refuse_rows
from tigerex_core.matching import match
from tigerex_core.names import is_blank, is_name
from tigerex_core.output import DONE, Out, begin_event, copy_name, refuse
from tigerex_core.pool import give_back, take
from tigerex_core.records import (
    NAME_WORDS,
    AccountKind,
    Command,
    Event,
    EventKind,
    MarketLimit,
    MarketState,
    OrderType,
    Reason,
    Rows,
    Side,
    TimeInForce,
)

_TIME_IN_FORCE_FACTOR = 16
_POST_ONLY_FACTOR = 256


@kernel
def _refuse_trader(state: State, commands: Rows, c: int) -> int:
    """DONE when the account exists and may place orders at this epoch."""
    refusal = refuse_account(state, commands[c, Command.ACCOUNT], Command.ACCOUNT)
    if refusal != DONE:
        return refusal
    account = commands[c, Command.ACCOUNT]
    accounts = state.registry.accounts
    if accounts[account, Account.KIND] == AccountKind.SYSTEM:
        return refuse(Reason.ACCOUNT_CANNOT_TRADE, Command.ACCOUNT)
    if accounts[account, Account.FROZEN] != 0:
        return refuse(Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
    if commands[c, Command.EPOCH] == 0 and accounts[account, Account.EPOCH] > 0:
        return refuse(Reason.STALE_EPOCH, Command.EPOCH)
    return refuse_epoch(state, commands, c)


@kernel
def _refuse_kind(commands: Rows, c: int) -> int:
    """DONE for a sound combination of side, type, time in force and post-only."""
    side = commands[c, Command.SIDE]
    if side < Side.BUY or side > Side.SELL:
        return refuse(Reason.INVALID_SIDE, Command.SIDE)
    order_type = commands[c, Command.ORDER_TYPE]
    if order_type < OrderType.LIMIT or order_type > OrderType.MARKET:
        return refuse(Reason.INVALID_ORDER_TYPE, Command.ORDER_TYPE)
    time_in_force = commands[c, Command.TIME_IN_FORCE]
    if time_in_force < TimeInForce.GTC or time_in_force > TimeInForce.IOC:
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.TIME_IN_FORCE)
    if order_type == OrderType.MARKET and time_in_force != TimeInForce.IOC:
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.TIME_IN_FORCE)
    post_only = commands[c, Command.POST_ONLY]
    if post_only < 0 or post_only > 1:
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY)
    if post_only == 1 and time_in_force != TimeInForce.GTC:
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY)
    return DONE


@kernel
def _refuse_size(markets: Rows, commands: Rows, c: int) -> int:
    """DONE when price and quantity are within the market's limits."""
    market = commands[c, Command.MARKET]
    price, quantity = commands[c, Command.PRICE], commands[c, Command.QUANTITY]
    limit = commands[c, Command.ORDER_TYPE] == OrderType.LIMIT
    if limit and (price < 1 or price > markets[market, Market.PRICE_MAX]):
        return refuse(Reason.INVALID_PRICE, Command.PRICE)
    if not limit and price != 0:
        return refuse(Reason.INVALID_PRICE, Command.PRICE)
    if quantity < 1 or quantity > markets[market, Market.QUANTITY_MAX]:
        return refuse(Reason.INVALID_QUANTITY, Command.QUANTITY)
    notional = price * quantity * markets[market, Market.UNIT]
    if limit and notional < markets[market, Market.LIMIT + MarketLimit.NOTIONAL_MIN]:
        return refuse(Reason.MIN_NOTIONAL, Command.QUANTITY)
    return DONE


@kernel
def _refuse_client_id(state: State, commands: Rows, c: int) -> int:
    """DONE when the order has no client order id, or a sound one that no open order of the account
    has."""
    if is_blank(commands, c, Command.NAME):
        return DONE
    if not is_name(commands, c, Command.NAME):
        return refuse(Reason.INVALID_NAME, Command.NAME)
    if _find_by_name(state, commands, c) != 0:
        return refuse(Reason.CLIENT_ORDER_ID_TAKEN, Command.NAME)
    return DONE


@kernel
def _find_by_name(state: State, commands: Rows, c: int) -> int:
    books = state.books
    account = commands[c, Command.ACCOUNT]
    return find_named(
        books.name_index, books.orders, Order.ACCOUNT, account, commands, c, Command.NAME
    )


@kernel
def _refuse_rest(state: State, commands: Rows, c: int) -> int:
    """DONE unless the order would rest and must not, or cannot."""
    market, side = commands[c, Command.MARKET], commands[c, Command.SIDE]
    price = commands[c, Command.PRICE]
    if commands[c, Command.POST_ONLY] == 1 and crosses(state.books, market, side, price):
        return refuse(Reason.WOULD_TAKE, Command.PRICE)
    full = state.head[Head.ORDERS] + 2 >= state.books.orders.shape[0]  # row 0, and the taker's
    if commands[c, Command.TIME_IN_FORCE] == TimeInForce.GTC and full:
        return refuse(Reason.CAPACITY, Command.ORDER_ID)
    return DONE


@kernel
def _holds(markets: Rows, commands: Rows, c: int) -> int:
    """What the order holds: base of a sell, notional of a limit buy, nothing (0) of a market
    buy."""
    market, quantity = commands[c, Command.MARKET], commands[c, Command.QUANTITY]
    if commands[c, Command.SIDE] == Side.SELL:
        return quantity * markets[market, Market.LOT]
    return commands[c, Command.PRICE] * quantity * markets[market, Market.UNIT]


@kernel
def _refuse_order(state: State, commands: Rows, c: int, pays: int, gets: int, amount: int) -> int:
    """DONE when the order can be accepted; `pays` and `gets` are assets."""
    refusal = _refuse_client_id(state, commands, c)
    if refusal == DONE:
        refusal = _refuse_rest(state, commands, c)
    account = commands[c, Command.ACCOUNT]
    if refusal == DONE:
        least = max(amount, 1)  # a market buy holds nothing, yet without money it is no order
        refusal = refuse_payment(
            state.ledger, state.registry.accounts, account, pays, least, Command.QUANTITY
        )
    if refusal == DONE:
        refusal = refuse_rows(state.head, state.ledger, account, pays, account, gets)
    return refusal


@kernel
def place_order(state: State, out: Out, commands: Rows, c: int) -> int:
    refusal = _refuse_trader(state, commands, c)
    if refusal == DONE:
        refusal = refuse_market(state, commands[c, Command.MARKET])
    if refusal != DONE:
        return refusal
    markets = state.registry.markets
    market = commands[c, Command.MARKET]
    if markets[market, Market.STATE] != MarketState.OPEN:
        return refuse(Reason.MARKET_HALTED, Command.MARKET)
    refusal = _refuse_kind(commands, c)
    if refusal == DONE:
        refusal = _refuse_size(markets, commands, c)
    if refusal != DONE:
        return refusal
    pays, gets = markets[market, Market.BASE], markets[market, Market.QUOTE]
    if commands[c, Command.SIDE] == Side.BUY:
        pays, gets = gets, pays
    amount = _holds(markets, commands, c)
    refusal = _refuse_order(state, commands, c, pays, gets, amount)
    if refusal != DONE:
        return refusal
    order = _accept(state, out, commands, c, pays, gets, amount)
    reason = match(state, out, order)
    _end(state, out, order, commands[c, Command.TIME_IN_FORCE], reason)
    return DONE


@kernel
def _accept(
    state: State, out: Out, commands: Rows, c: int, pays: int, gets: int, amount: int
) -> int:
    """Hold the money and make the order's row, not yet on the book."""
    head, ledger, accounts = state.head, state.ledger, state.registry.accounts
    orders = state.books.orders
    account = commands[c, Command.ACCOUNT]
    order = take(head, Head.FREE_ORDER, orders, Order.NEXT)
    head[Head.LAST_ORDER_ID] += 1
    orders[order, Order.ID] = head[Head.LAST_ORDER_ID]
    orders[order, Order.ACCOUNT] = account
    for word in range(NAME_WORDS):
        orders[order, Order.NAME + word] = commands[c, Command.NAME + word]
    orders[order, Order.MARKET] = commands[c, Command.MARKET]
    orders[order, Order.SIDE] = commands[c, Command.SIDE]
    orders[order, Order.PRICE] = commands[c, Command.PRICE]
    orders[order, Order.QUANTITY] = commands[c, Command.QUANTITY]
    orders[order, Order.REMAINING] = commands[c, Command.QUANTITY]
    orders[order, Order.PAYS] = ensure_balance(head, ledger, accounts, account, pays)
    orders[order, Order.GETS] = ensure_balance(head, ledger, accounts, account, gets)
    hold(ledger, orders[order, Order.PAYS], amount)
    at = _order_event(out, EventKind.ORDER_ACCEPTED, orders, order)
    out.events[at, Event.ASSET] = pays
    out.events[at, Event.AMOUNT] = amount
    out.events[at, Event.AUX] = commands[c, Command.AUX]
    out.events[at, Event.VALUE] = (
        commands[c, Command.ORDER_TYPE]
        + _TIME_IN_FORCE_FACTOR * commands[c, Command.TIME_IN_FORCE]
        + _POST_ONLY_FACTOR * commands[c, Command.POST_ONLY]
    )
    copy_name(out, at, commands, c, Command.NAME)
    return order


@kernel
def _order_event(out: Out, kind: int, orders: Rows, order: int) -> int:
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
def _release(state: State, order: int) -> None:
    """Release what an order holds for its remainder; a market buy holds nothing."""
    orders, markets = state.books.orders, state.registry.markets
    market, left = orders[order, Order.MARKET], orders[order, Order.REMAINING]
    amount = left * markets[market, Market.LOT]
    if orders[order, Order.SIDE] == Side.BUY:
        amount = orders[order, Order.PRICE] * left * markets[market, Market.UNIT]
    hold(state.ledger, orders[order, Order.PAYS], -amount)


@kernel
def _end(state: State, out: Out, order: int, time_in_force: int, reason: int) -> None:
    """After matching: rest what may rest, expire what may not, forget what is filled."""
    orders = state.books.orders
    if orders[order, Order.REMAINING] == 0:
        give_back(state.head, Head.FREE_ORDER, orders, Order.NEXT, order)
    elif time_in_force == TimeInForce.GTC and reason == Reason.NONE:
        rest(state.head, state.books, order)
        _order_event(out, EventKind.ORDER_RESTED, orders, order)
    else:
        at = _order_event(out, EventKind.ORDER_EXPIRED, orders, order)
        out.events[at, Event.REASON] = reason
        _release(state, order)
        give_back(state.head, Head.FREE_ORDER, orders, Order.NEXT, order)


@kernel
def cancel_order(state: State, out: Out, commands: Rows, c: int) -> int:
    refusal = refuse_account(state, commands[c, Command.ACCOUNT], Command.ACCOUNT)
    if refusal == DONE:
        refusal = refuse_epoch(state, commands, c)
    if refusal != DONE:
        return refusal
    books = state.books
    order_id, account = commands[c, Command.ORDER_ID], commands[c, Command.ACCOUNT]
    column = Command.ORDER_ID + 0
    if order_id != 0:
        order = find_pair(books.id_index, books.orders, Order.ID, order_id, account)
    else:
        column = Command.NAME + 0
        order = _find_by_name(state, commands, c)
    if order == 0:
        return refuse(Reason.UNKNOWN_ORDER, column)
    at = _order_event(out, EventKind.ORDER_CANCELED, books.orders, order)
    copy_name(out, at, books.orders, order, Order.NAME)
    _release(state, order)
    take_off(state.head, books, order)
    return DONE
