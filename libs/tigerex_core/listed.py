"""PLACE_OCO: a post-only limit order and a stop, of which one cancels the other."""

from tigerex_core.accepting import (
    accept,
    balance_rows,
    name_order,
    new_order,
    refuse_money,
    refuse_room,
)
from tigerex_core.book import crosses
from tigerex_core.filters import (
    refuse_at_market,
    refuse_counts,
    refuse_limit_price,
    refuse_position,
    refuse_price,
    refuse_quantity,
)
from tigerex_core.iceberg import is_display
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import Market, Order, State
from tigerex_core.names import is_blank, is_name, same_name
from tigerex_core.output import DONE, Out, begin_event, copy_name, refuse
from tigerex_core.placing import refuse_trailing, refuse_trigger
from tigerex_core.records import (
    Command,
    Event,
    EventKind,
    OrderType,
    Reason,
    Rows,
    Side,
    TimeInForce,
)
from tigerex_core.refusing import (
    refuse_client_id,
    refuse_self_trade,
    refuse_side,
    refuse_stop_price,
    refuse_trader,
)
from tigerex_core.resting import rest
from tigerex_core.standing import find_standing
from tigerex_core.triggers import direction, wait
from tigerex_core.worth import holding


@kernel
def _refuse_prices(markets: Rows, commands: Rows, c: int) -> int:
    """DONE for sound prices and sizes of both orders, the limit order's on the side of gain."""
    market, side = commands[c, Command.MARKET], commands[c, Command.SIDE]
    price, stop = commands[c, Command.PRICE], commands[c, Command.STOP_PRICE]
    refusal = refuse_price(markets, market, price, Command.PRICE)
    if refusal == DONE:
        refusal = refuse_quantity(markets, market, commands[c, Command.QUANTITY])
    if refusal == DONE and commands[c, Command.AMOUNT] != 0:
        refusal = refuse_price(markets, market, commands[c, Command.AMOUNT], Command.AMOUNT)
    if refusal == DONE:
        refusal = refuse_stop_price(markets, commands, c, True)
    if refusal != DONE:
        return refusal
    apart = price < stop if side == Side.BUY else price > stop
    if stop != 0 and not apart:
        return refuse(Reason.INVALID_STOP_PRICE, Command.STOP_PRICE)
    display = commands[c, Command.DISPLAY]
    if display != 0 and not is_display(display, commands[c, Command.QUANTITY]):
        return refuse(Reason.INVALID_DISPLAY, Command.DISPLAY)
    return refuse_self_trade(commands, c)


@kernel
def _refuse_limits(state: State, commands: Rows, c: int, standing: int, base: int) -> int:
    """DONE where both orders keep the market's limits; `base`: balance row."""
    markets, market = state.registry.markets, commands[c, Command.MARKET]
    side, quantity = commands[c, Command.SIDE], commands[c, Command.QUANTITY]
    price, stop_limit = commands[c, Command.PRICE], commands[c, Command.AMOUNT]
    refusal = refuse_limit_price(markets, market, side, price, quantity, Command.PRICE + 0)
    if refusal == DONE and stop_limit != 0:
        refusal = refuse_limit_price(
            markets, market, side, stop_limit, quantity, Command.AMOUNT + 0
        )
    elif refusal == DONE:
        refusal = refuse_at_market(markets, market, OrderType.STOP_LOSS, quantity, 0)
    if refusal == DONE:
        icebergs = 1 if commands[c, Command.DISPLAY] != 0 else 0
        refusal = refuse_counts(state, market, standing, 2, 1, icebergs)
    if refusal == DONE and side == Side.BUY:
        refusal = refuse_position(state, market, standing, base, quantity)
    return refusal


@kernel
def _refuse_names(state: State, commands: Rows, c: int) -> int:
    refusal = refuse_client_id(state, commands, c, Command.NAME + 0)
    if refusal == DONE:
        refusal = refuse_client_id(state, commands, c, Command.OTHER_NAME + 0)
    if refusal == DONE and not is_blank(commands, c, Command.NAME):  # noqa: SIM102
        if same_name(commands, c, Command.NAME, commands, c, Command.OTHER_NAME):
            refusal = refuse(Reason.CLIENT_ORDER_ID_TAKEN, Command.OTHER_NAME)
    blank = is_blank(commands, c, Command.LIST_NAME)
    if refusal == DONE and not blank and not is_name(commands, c, Command.LIST_NAME):
        refusal = refuse(Reason.INVALID_NAME, Command.LIST_NAME)
    return refusal


@kernel
def _refuse_stay(state: State, commands: Rows, c: int) -> int:
    """DONE where the limit order would rest and the stop wait, and both can."""
    markets, market = state.registry.markets, commands[c, Command.MARKET]
    side = commands[c, Command.SIDE]
    if crosses(state.books, market, side, commands[c, Command.PRICE]):
        return refuse(Reason.WOULD_TAKE, Command.PRICE)
    way = direction(OrderType.STOP_LOSS + 0, side)
    refusal = refuse_trigger(markets, commands, c, way)
    if refusal == DONE:
        refusal = refuse_room(state, 2)
    if refusal == DONE:
        refusal = refuse_trailing(markets, market, commands[c, Command.TRAILING])
    return refusal


@kernel
def _announce_list(out: Out, commands: Rows, c: int, limit_id: int) -> None:
    at = begin_event(out, EventKind.LIST_PLACED)
    out.events[at, Event.ACCOUNT] = commands[c, Command.ACCOUNT]
    out.events[at, Event.MARKET] = commands[c, Command.MARKET]
    out.events[at, Event.ORDER_ID] = limit_id
    out.events[at, Event.OTHER_ORDER] = limit_id + 1
    copy_name(out, at, commands, c, Command.LIST_NAME)


@kernel
def _set_limit_terms(orders: Rows, order: int, commands: Rows, c: int) -> None:
    name_order(orders, order, commands, c, Command.NAME + 0)
    orders[order, Order.PRICE] = commands[c, Command.PRICE]
    orders[order, Order.TYPE] = OrderType.LIMIT
    orders[order, Order.TIME_IN_FORCE] = TimeInForce.GTC
    orders[order, Order.POST_ONLY] = 1
    orders[order, Order.DISPLAY] = commands[c, Command.DISPLAY]
    orders[order, Order.LIST_ID] = orders[order, Order.ID]


@kernel
def _set_stop_terms(orders: Rows, order: int, commands: Rows, c: int) -> None:
    name_order(orders, order, commands, c, Command.OTHER_NAME + 0)
    orders[order, Order.PRICE] = commands[c, Command.AMOUNT]
    orders[order, Order.TYPE] = OrderType.STOP_LOSS
    if commands[c, Command.AMOUNT] != 0:
        orders[order, Order.TYPE] = OrderType.STOP_LOSS_LIMIT
    orders[order, Order.TIME_IN_FORCE] = TimeInForce.GTC
    orders[order, Order.STOP_PRICE] = commands[c, Command.STOP_PRICE]
    orders[order, Order.TRAILING] = commands[c, Command.TRAILING]
    orders[order, Order.LIST_ID] = orders[order, Order.ID] - 1


@routine
def place_oco(state: State, out: Out, commands: Rows, c: int) -> int:
    """Open both orders; while the stop waits it holds only what the limit order does not."""
    markets, market = state.registry.markets, commands[c, Command.MARKET]
    refusal = refuse_trader(state, commands, c)
    if refusal == DONE:
        refusal = refuse_side(commands, c)
    if refusal == DONE:
        refusal = _refuse_prices(markets, commands, c)
    if refusal != DONE:
        return refusal
    account, side = commands[c, Command.ACCOUNT], commands[c, Command.SIDE]
    base, quote = markets[market, Market.BASE], markets[market, Market.QUOTE]
    standing = find_standing(state.books, account, market)
    pays, gets = balance_rows(state, account, standing, side, base, quote)
    gives, receives, base_row = base, quote, pays
    if side == Side.BUY:
        gives, receives, base_row = quote, base, gets
    refusal = _refuse_limits(state, commands, c, standing, base_row)
    if refusal == DONE:
        refusal = _refuse_names(state, commands, c)
    if refusal == DONE:
        refusal = _refuse_stay(state, commands, c)
    if refusal != DONE:
        return refusal
    quantity = commands[c, Command.QUANTITY]
    amount = holding(markets, market, side, commands[c, Command.PRICE], quantity)
    extra = max(0, holding(markets, market, side, commands[c, Command.AMOUNT], quantity) - amount)
    column = Command.QUANTITY + 0
    refusal = refuse_money(state, account, gives, pays, gets, amount + extra, column)
    if refusal != DONE:
        return refusal
    orders, decided = state.books.orders, commands[c, Command.AUX]
    limit = new_order(state, commands, c, pays, gets, gives, receives)
    _announce_list(out, commands, c, orders[limit, Order.ID])
    _set_limit_terms(orders, limit, commands, c)
    accept(state, out, limit, amount, decided)
    rest(state, out, limit)
    pays, gets = orders[limit, Order.PAYS], orders[limit, Order.GETS]
    stop = new_order(state, commands, c, pays, gets, gives, receives)
    _set_stop_terms(orders, stop, commands, c)
    orders[limit, Order.OTHER_LEG] = stop
    orders[stop, Order.OTHER_LEG] = limit
    accept(state, out, stop, extra, decided)
    wait(state, stop)
    return DONE
