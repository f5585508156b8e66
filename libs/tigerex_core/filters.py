"""The market's limits that an order must keep: `MarketLimit`, in the order in which they are
checked."""

from tigerex_core.jit import kernel
from tigerex_core.layout import Balance, Market, Standing, State
from tigerex_core.money import AMOUNT_MAX, PPM, share
from tigerex_core.output import DONE, refuse
from tigerex_core.records import Command, MarketLimit, OrderType, Reason, Rows, Side


@kernel
def limit_of(markets: Rows, market: int, limit: int) -> int:
    return markets[market, Market.LIMIT + limit]


@kernel
def refuse_price(markets: Rows, market: int, price: int, column: int) -> int:
    """DONE for a limit price that the market has."""
    if price < 1 or price > markets[market, Market.PRICE_MAX]:
        return refuse(Reason.INVALID_PRICE, column)
    return DONE


@kernel
def refuse_quantity(markets: Rows, market: int, quantity: int) -> int:
    if quantity < 1 or quantity > markets[market, Market.QUANTITY_MAX]:
        return refuse(Reason.INVALID_QUANTITY, Command.QUANTITY)
    return DONE


@kernel
def refuse_lots(markets: Rows, market: int, quantity: int, price: int) -> int:
    """DONE for a quantity within the limits; at market where the price is 0."""
    if quantity < limit_of(markets, market, MarketLimit.QUANTITY_MIN):
        return refuse(Reason.INVALID_QUANTITY, Command.QUANTITY)
    most = limit_of(markets, market, MarketLimit.MARKET_QUANTITY_MAX)
    if price == 0 and most != 0 and quantity > most:
        return refuse(Reason.INVALID_QUANTITY, Command.QUANTITY)
    return DONE


@kernel
def refuse_notional(markets: Rows, market: int, notional: int, column: int) -> int:
    if notional < limit_of(markets, market, MarketLimit.NOTIONAL_MIN):
        return refuse(Reason.MIN_NOTIONAL, column)
    most = limit_of(markets, market, MarketLimit.NOTIONAL_MAX)
    if most != 0 and notional > most:
        return refuse(Reason.MAX_NOTIONAL, column)
    return DONE


@kernel
def notional_of(markets: Rows, market: int, price: int, quantity: int) -> int:
    return price * quantity * markets[market, Market.UNIT]


@kernel
def _refuse_percent(markets: Rows, market: int, side: int, price: int, column: int) -> int:
    """DONE for a price near enough to the last one.

    A whole number is above last * ppm / 10^6 where it is above that rounded down, and below it
    where it is below that rounded up.
    """
    last = markets[market, Market.LAST_PRICE]
    up = limit_of(markets, market, MarketLimit.ASK_UP_PPM)
    down = limit_of(markets, market, MarketLimit.ASK_DOWN_PPM)
    if side == Side.BUY:
        up = limit_of(markets, market, MarketLimit.BID_UP_PPM)
        down = limit_of(markets, market, MarketLimit.BID_DOWN_PPM)
    if last == 0 or up | down == 0:
        return DONE
    if up != 0 and price > share(last, up):
        return refuse(Reason.PERCENT_PRICE, column)
    least = share(last, down)
    if last % PPM * down % PPM != 0:
        least += 1
    if price < least:
        return refuse(Reason.PERCENT_PRICE, column)
    return DONE


@kernel
def refuse_limit_price(
    markets: Rows, market: int, side: int, price: int, quantity: int, column: int
) -> int:
    """DONE for an order with a limit price whose price and size keep the limits."""
    if price < limit_of(markets, market, MarketLimit.PRICE_MIN):
        return refuse(Reason.INVALID_PRICE, column)
    refusal = refuse_lots(markets, market, quantity, price)
    if refusal == DONE:
        notional = notional_of(markets, market, price, quantity)
        refusal = refuse_notional(markets, market, notional, Command.QUANTITY)
    if refusal == DONE:
        refusal = _refuse_percent(markets, market, side, price, column)
    return refusal


@kernel
def refuse_at_market(
    markets: Rows, market: int, order_type: int, quantity: int, amount: int
) -> int:
    """DONE for an order at market whose size keeps the limits; quantity 0: for an amount."""
    refusal = DONE + 0
    if quantity != 0:
        refusal = refuse_lots(markets, market, quantity, 0)
    last = markets[market, Market.LAST_PRICE]
    applies = limit_of(markets, market, MarketLimit.NOTIONAL_OF_MARKET_ORDERS) != 0 and last != 0
    if refusal != DONE or order_type != OrderType.MARKET or not applies:
        return refusal
    if quantity == 0:
        return refuse_notional(markets, market, amount, Command.AMOUNT)
    notional = notional_of(markets, market, last, quantity)
    return refuse_notional(markets, market, notional, Command.QUANTITY)


@kernel
def refuse_counts(
    state: State, market: int, standing: int, orders: int, stops: int, icebergs: int
) -> int:
    """DONE where the account may open so many orders more."""
    markets, standings = state.registry.markets, state.books.standings  # row 0: nothing is open
    most = limit_of(markets, market, MarketLimit.ORDERS_MAX)
    if most != 0 and standings[standing, Standing.ORDERS] + orders > most:
        return refuse(Reason.MAX_ORDERS, Command.ORDER_ID)
    most = limit_of(markets, market, MarketLimit.STOPS_MAX)
    if most != 0 and stops != 0 and standings[standing, Standing.STOPS] + stops > most:
        return refuse(Reason.MAX_STOPS, Command.STOP_PRICE)
    most = limit_of(markets, market, MarketLimit.ICEBERGS_MAX)
    if most != 0 and icebergs != 0 and standings[standing, Standing.ICEBERGS] + icebergs > most:
        return refuse(Reason.MAX_ICEBERGS, Command.DISPLAY)
    return DONE


@kernel
def refuse_position(state: State, market: int, standing: int, base: int, quantity: int) -> int:
    """DONE where what the account owns, by its balance row `base`, is buying, and would buy, keeps
    the limit."""
    markets, balances = state.registry.markets, state.ledger.balances  # row 0: nothing is owned
    buying = state.books.standings[standing, Standing.BUY_LOTS]
    if buying > AMOUNT_MAX - quantity:  # only stops at market, which hold nothing, are so many
        return refuse(Reason.OVERFLOW, Command.QUANTITY)
    most = limit_of(markets, market, MarketLimit.POSITION_MAX)
    if most == 0:
        return DONE
    owned = balances[base, Balance.AVAILABLE] + balances[base, Balance.HELD]
    left = min(most, AMOUNT_MAX) - owned // markets[market, Market.LOT]
    if left < 0 or quantity + buying > left:
        return refuse(Reason.MAX_POSITION, Command.QUANTITY)
    return DONE
