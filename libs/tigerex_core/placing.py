"""PLACE_ORDER: check everything, then change everything."""

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
)
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import TRAILING_MAX, Market, Order, State
from tigerex_core.output import DONE, STANDING, TAKER, Out, refuse
from tigerex_core.records import Command, OrderType, Reason, Rows, Side
from tigerex_core.refusing import (
    good_till,
    has_limit,
    is_stop,
    refuse_client_id,
    refuse_kind,
    refuse_size,
    refuse_terms,
    refuse_trader,
)
from tigerex_core.standing import find_standing
from tigerex_core.triggers import direction, reached, wait
from tigerex_core.worth import holding


@kernel
def can_stay(order_type: int, time_in_force: int) -> bool:
    """Whether an order may rest or wait."""
    return is_stop(order_type) or (order_type == OrderType.LIMIT and good_till(time_in_force))


@kernel
def _refuse_limits(state: State, commands: Rows, c: int, standing: int, base: int) -> int:
    """DONE where the order keeps the market's limits; `base`: balance row."""
    markets = state.registry.markets
    market, order_type = commands[c, Command.MARKET], commands[c, Command.ORDER_TYPE]
    side, quantity = commands[c, Command.SIDE], commands[c, Command.QUANTITY]
    if has_limit(order_type):
        price = commands[c, Command.PRICE]
        refusal = refuse_limit_price(markets, market, side, price, quantity, Command.PRICE)
    else:
        amount = commands[c, Command.AMOUNT]
        refusal = refuse_at_market(markets, market, order_type, quantity, amount)
    if refusal == DONE and can_stay(order_type, commands[c, Command.TIME_IN_FORCE]):
        stops = 1 if is_stop(order_type) else 0
        icebergs = 1 if commands[c, Command.DISPLAY] != 0 else 0
        refusal = refuse_counts(state, market, standing, 1, stops, icebergs)
    if refusal == DONE and side == Side.BUY and quantity != 0:
        refusal = refuse_position(state, market, standing, base, quantity)
    return refusal


@kernel
def refuse_trailing(markets: Rows, market: int, trailing: int) -> int:
    """DONE where one more stop may trail, or this one does not."""
    if trailing != 0 and markets[market, Market.TRAILING] >= TRAILING_MAX:
        return refuse(Reason.CAPACITY, Command.TRAILING)
    return DONE


@kernel
def refuse_trigger(markets: Rows, commands: Rows, c: int, way: int) -> int:
    """DONE for a stop whose price has not come yet, or that trails."""
    last = markets[commands[c, Command.MARKET], Market.LAST_PRICE]
    stop = commands[c, Command.STOP_PRICE]
    if commands[c, Command.TRAILING] == 0 and last != 0 and reached(way, stop, last):
        return refuse(Reason.WOULD_TRIGGER, Command.STOP_PRICE)
    return DONE


@kernel
def _refuse_stay(state: State, commands: Rows, c: int) -> int:
    """DONE unless the order would rest or wait and must not, or cannot."""
    markets, order_type = state.registry.markets, commands[c, Command.ORDER_TYPE]
    market, side = commands[c, Command.MARKET], commands[c, Command.SIDE]
    price = commands[c, Command.PRICE]
    if commands[c, Command.POST_ONLY] == 1 and crosses(state.books, market, side, price):
        return refuse(Reason.WOULD_TAKE, Command.PRICE)
    refusal = DONE + 0
    if is_stop(order_type):
        refusal = refuse_trigger(markets, commands, c, direction(order_type, side))
    if refusal == DONE and can_stay(order_type, commands[c, Command.TIME_IN_FORCE]):
        refusal = refuse_room(state, 1)
    if refusal == DONE:
        refusal = refuse_trailing(markets, market, commands[c, Command.TRAILING])
    return refusal


@kernel
def _refuse_order(state: State, commands: Rows, c: int) -> int:
    """DONE for an order that is sound in itself."""
    refusal = refuse_trader(state, commands, c)
    if refusal == DONE:
        refusal = refuse_kind(commands, c)
    if refusal == DONE:
        refusal = refuse_size(state.registry.markets, commands, c)
    if refusal == DONE:
        refusal = refuse_terms(state, commands, c)
    return refusal


@kernel
def _refuse_now(state: State, commands: Rows, c: int, standing: int, base: int) -> int:
    """DONE for an order that the market, its account and the book take; `base`: balance row."""
    refusal = _refuse_limits(state, commands, c, standing, base)
    if refusal == DONE:
        refusal = refuse_client_id(state, commands, c, Command.NAME)
    if refusal == DONE:
        refusal = _refuse_stay(state, commands, c)
    return refusal


@kernel
def _refuse_cost(
    state: State, commands: Rows, c: int, asset: int, pays: int, gets: int, amount: int
) -> int:
    """DONE where the account can hold the amount; an order at market that holds nothing is none
    without money."""
    account, least = commands[c, Command.ACCOUNT], max(amount, 1)
    if commands[c, Command.QUANTITY] != 0:
        return refuse_money(state, account, asset, pays, gets, least, Command.QUANTITY + 0)
    if commands[c, Command.SIDE] == Side.BUY:
        least = commands[c, Command.AMOUNT]
    return refuse_money(state, account, asset, pays, gets, least, Command.AMOUNT + 0)


@kernel
def place_order(state: State, out: Out, commands: Rows, c: int) -> int:
    """Accept an order: a stop waits, another one is the command's taker."""
    refusal = _refuse_order(state, commands, c)
    if refusal != DONE:
        return refusal
    markets, market = state.registry.markets, commands[c, Command.MARKET]
    account, side = commands[c, Command.ACCOUNT], commands[c, Command.SIDE]
    base, quote = markets[market, Market.BASE], markets[market, Market.QUOTE]
    standing = find_standing(state.books, account, market)
    pays, gets = balance_rows(state, account, standing, side, base, quote)
    gives, receives, base_row = base, quote, pays
    if side == Side.BUY:
        gives, receives, base_row = quote, base, gets
    refusal = _refuse_now(state, commands, c, standing, base_row)
    quantity = commands[c, Command.QUANTITY]
    amount = holding(markets, market, side, commands[c, Command.PRICE], quantity)
    if refusal == DONE:
        refusal = _refuse_cost(state, commands, c, gives, pays, gets, amount)
    if refusal != DONE:
        return refusal
    order = new_order(state, commands, c, pays, gets, gives, receives)
    _set_terms(state.books.orders, order, commands, c)
    accept(state, out, order, amount, commands[c, Command.AUX])
    if is_stop(commands[c, Command.ORDER_TYPE]):
        _wait(state, order)
    else:
        out.cause[TAKER] = order
        out.cause[STANDING] = standing
    return DONE


@routine
def _wait(state: State, order: int) -> None:
    wait(state, order)


@kernel
def _set_terms(orders: Rows, order: int, commands: Rows, c: int) -> None:
    """What a single order says beside what all orders say."""
    name_order(orders, order, commands, c, Command.NAME)
    orders[order, Order.PRICE] = commands[c, Command.PRICE]
    orders[order, Order.TYPE] = commands[c, Command.ORDER_TYPE]
    orders[order, Order.TIME_IN_FORCE] = commands[c, Command.TIME_IN_FORCE]
    orders[order, Order.POST_ONLY] = commands[c, Command.POST_ONLY]
    orders[order, Order.STOP_PRICE] = commands[c, Command.STOP_PRICE]
    orders[order, Order.TRAILING] = commands[c, Command.TRAILING]
    orders[order, Order.DISPLAY] = commands[c, Command.DISPLAY]
    orders[order, Order.EXPIRE_NS] = commands[c, Command.EXPIRE_NS]
    orders[order, Order.AMOUNT] = commands[c, Command.AMOUNT]
