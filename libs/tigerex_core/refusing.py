"""What makes an order unsound in itself: its trader, its kind, its terms."""

from tigerex_core.checks import refuse_account, refuse_epoch, refuse_market
from tigerex_core.filters import refuse_price, refuse_quantity
from tigerex_core.iceberg import is_display
from tigerex_core.index import find_named, find_pair
from tigerex_core.jit import kernel
from tigerex_core.layout import Account, Head, Market, Order, State
from tigerex_core.names import is_blank, is_name
from tigerex_core.output import DONE, refuse
from tigerex_core.records import (
    AccountKind,
    Command,
    MarketState,
    OrderType,
    Reason,
    Rows,
    SelfTrade,
    Side,
    TimeInForce,
)
from tigerex_core.trailing import BASIS_POINTS


@kernel
def has_limit(order_type: int) -> bool:
    """Whether orders of this type have a limit price."""
    if order_type == OrderType.STOP_LOSS or order_type == OrderType.TAKE_PROFIT:  # noqa: PLR1714
        return False
    return order_type != OrderType.MARKET


@kernel
def is_stop(order_type: int) -> bool:
    return order_type >= OrderType.STOP_LOSS


@kernel
def good_till(time_in_force: int) -> bool:
    """Whether what remains of an order rests."""
    return time_in_force == TimeInForce.GTC or time_in_force == TimeInForce.GTD  # noqa: PLR1714


@kernel
def refuse_trader(state: State, commands: Rows, c: int) -> int:
    """DONE when the account exists and may place orders, at this epoch, in this market."""
    refusal = refuse_account(state, commands[c, Command.ACCOUNT], Command.ACCOUNT)
    if refusal != DONE:
        return refusal
    account, market = commands[c, Command.ACCOUNT], commands[c, Command.MARKET]
    accounts = state.registry.accounts
    if accounts[account, Account.KIND] == AccountKind.SYSTEM:
        return refuse(Reason.ACCOUNT_CANNOT_TRADE, Command.ACCOUNT)
    if accounts[account, Account.FROZEN] != 0:
        return refuse(Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
    if commands[c, Command.EPOCH] == 0 and accounts[account, Account.EPOCH] > 0:
        return refuse(Reason.STALE_EPOCH, Command.EPOCH)
    refusal = refuse_epoch(state, commands, c)
    if refusal == DONE:
        refusal = refuse_market(state, market)
    if refusal == DONE and state.registry.markets[market, Market.STATE] != MarketState.OPEN:
        refusal = refuse(Reason.MARKET_HALTED, Command.MARKET)
    return refusal


@kernel
def refuse_side(commands: Rows, c: int) -> int:
    side = commands[c, Command.SIDE]
    if side < Side.BUY or side > Side.SELL:
        return refuse(Reason.INVALID_SIDE, Command.SIDE)
    return DONE


@kernel
def refuse_kind(commands: Rows, c: int) -> int:
    """DONE for a sound combination of side, type, time in force and post-only."""
    refusal = refuse_side(commands, c)
    if refusal != DONE:
        return refusal
    order_type = commands[c, Command.ORDER_TYPE]
    if order_type < OrderType.LIMIT or order_type > OrderType.TAKE_PROFIT_LIMIT:
        return refuse(Reason.INVALID_ORDER_TYPE, Command.ORDER_TYPE)
    time_in_force = commands[c, Command.TIME_IN_FORCE]
    if time_in_force < TimeInForce.GTC or time_in_force > TimeInForce.GTD:
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.TIME_IN_FORCE)
    if order_type == OrderType.MARKET:
        if time_in_force != TimeInForce.IOC:
            return refuse(Reason.INVALID_TIME_IN_FORCE, Command.TIME_IN_FORCE)
    elif not has_limit(order_type) and not good_till(time_in_force):
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.TIME_IN_FORCE)
    post_only = commands[c, Command.POST_ONLY]
    if post_only < 0 or post_only > 1:
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY)
    if post_only == 1 and (order_type != OrderType.LIMIT or not good_till(time_in_force)):
        return refuse(Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY)
    return DONE


@kernel
def refuse_size(markets: Rows, commands: Rows, c: int) -> int:
    """DONE when price and quantity, or amount, are what the type needs and the market has."""
    market, order_type = commands[c, Command.MARKET], commands[c, Command.ORDER_TYPE]
    price, amount = commands[c, Command.PRICE], commands[c, Command.AMOUNT]
    refusal = DONE + 0
    if has_limit(order_type):
        refusal = refuse_price(markets, market, price, Command.PRICE)
    elif price != 0:
        refusal = refuse(Reason.INVALID_PRICE, Command.PRICE)
    if refusal != DONE:
        return refusal
    if order_type == OrderType.MARKET and commands[c, Command.QUANTITY] == 0 and amount != 0:
        if amount < 1:
            return refuse(Reason.INVALID_AMOUNT, Command.AMOUNT)
        return DONE
    refusal = refuse_quantity(markets, market, commands[c, Command.QUANTITY])
    if refusal == DONE and amount != 0:
        refusal = refuse(Reason.INVALID_AMOUNT, Command.AMOUNT)
    return refusal


@kernel
def refuse_stop_price(markets: Rows, commands: Rows, c: int, stops: bool) -> int:
    """DONE for a sound stop price and trailing of an order that waits for a price; for none of them
    in another."""
    stop, trailing = commands[c, Command.STOP_PRICE], commands[c, Command.TRAILING]
    if not stops:
        if stop != 0:
            return refuse(Reason.INVALID_STOP_PRICE, Command.STOP_PRICE)
        if trailing != 0:
            return refuse(Reason.INVALID_TRAILING, Command.TRAILING)
        return DONE
    if stop < 0 or stop > markets[commands[c, Command.MARKET], Market.PRICE_MAX]:
        return refuse(Reason.INVALID_STOP_PRICE, Command.STOP_PRICE)
    if stop == 0 and trailing == 0:
        return refuse(Reason.INVALID_STOP_PRICE, Command.STOP_PRICE)
    if trailing < 0 or trailing >= BASIS_POINTS:
        return refuse(Reason.INVALID_TRAILING, Command.TRAILING)
    return DONE


@kernel
def refuse_self_trade(commands: Rows, c: int) -> int:
    mode = commands[c, Command.SELF_TRADE]
    if mode < 0 or mode > SelfTrade.DECREMENT:
        return refuse(Reason.INVALID_SELF_TRADE, Command.SELF_TRADE)
    return DONE


@kernel
def refuse_terms(state: State, commands: Rows, c: int) -> int:
    """DONE for sound terms: stop price, trailing, display, expiry, self-trade mode."""
    order_type, time_in_force = commands[c, Command.ORDER_TYPE], commands[c, Command.TIME_IN_FORCE]
    refusal = refuse_stop_price(state.registry.markets, commands, c, is_stop(order_type))
    if refusal != DONE:
        return refusal
    display = commands[c, Command.DISPLAY]
    if display != 0:
        shows = has_limit(order_type) and good_till(time_in_force)
        if not shows or not is_display(display, commands[c, Command.QUANTITY]):
            return refuse(Reason.INVALID_DISPLAY, Command.DISPLAY)
    expire_ns = commands[c, Command.EXPIRE_NS]
    if time_in_force == TimeInForce.GTD:
        if expire_ns <= state.head[Head.TIME_NS]:
            return refuse(Reason.INVALID_EXPIRY, Command.EXPIRE_NS)
    elif expire_ns != 0:
        return refuse(Reason.INVALID_EXPIRY, Command.EXPIRE_NS)
    return refuse_self_trade(commands, c)


@kernel
def find_by_name(state: State, commands: Rows, c: int, column: int) -> int:
    """The open order of the command's account that has the name at the column; 0: none."""
    books, account = state.books, commands[c, Command.ACCOUNT]
    return find_named(books.name_index, books.orders, Order.ACCOUNT, account, commands, c, column)


@kernel
def find_commanded(state: State, commands: Rows, c: int) -> int:
    """The open order that a command names, by its id or else by its client order id; 0: none."""
    books, order_id = state.books, commands[c, Command.ORDER_ID]
    if order_id == 0:
        return find_by_name(state, commands, c, Command.NAME)
    return find_pair(books.id_index, books.orders, Order.ID, order_id, commands[c, Command.ACCOUNT])


@kernel
def unknown_order(commands: Rows, c: int) -> int:
    """The refusal where `find_commanded` found none."""
    if commands[c, Command.ORDER_ID] == 0:
        return refuse(Reason.UNKNOWN_ORDER, Command.NAME)
    return refuse(Reason.UNKNOWN_ORDER, Command.ORDER_ID)


@kernel
def refuse_client_id(state: State, commands: Rows, c: int, column: int) -> int:
    """DONE when an order has no client order id there, or a sound one that no open order of the
    account has."""
    if is_blank(commands, c, column):
        return DONE
    if not is_name(commands, c, column):
        return refuse(Reason.INVALID_NAME, column)
    if find_by_name(state, commands, c, column) != 0:
        return refuse(Reason.CLIENT_ORDER_ID_TAKEN, column)
    return DONE
