"""The market's filters on new orders."""

from collections.abc import Sequence

from tests.support.reference.site import Site
from tests.support.reference.state import PPM, Market, Order, need

from tigerex_core.records import Command, MarketLimit, OrderType, Reason


def need_filters(site: Site, market: Market, order: Order, price: Command) -> None:
    """The filters that look at the order alone; `price`: the column of its limit price."""
    limits = market.limits
    if not order.at_market:
        need(order.price >= limits[MarketLimit.PRICE_MIN], Reason.INVALID_PRICE, price)
    if not order.by_amount:
        need_quantity_limits(market, order)
    need_notional(market, order)
    if not order.at_market:
        _need_percent_price(market, order, price)


def need_quantity_limits(market: Market, order: Order) -> None:
    least = market.limits[MarketLimit.QUANTITY_MIN]
    need(order.quantity >= least, Reason.INVALID_QUANTITY, Command.QUANTITY)
    most = market.limits[MarketLimit.MARKET_QUANTITY_MAX]
    good = not (order.at_market and most) or order.quantity <= most
    need(good, Reason.INVALID_QUANTITY, Command.QUANTITY)


def need_notional(market: Market, order: Order) -> None:
    limits = market.limits
    column = Command.AMOUNT if order.by_amount else Command.QUANTITY
    price = order.price
    if order.order_type == OrderType.MARKET and limits[MarketLimit.NOTIONAL_OF_MARKET_ORDERS]:
        price = market.last
    if not price:
        return
    notional = order.budget if order.by_amount else price * order.quantity * market.unit
    need(notional >= limits[MarketLimit.NOTIONAL_MIN], Reason.MIN_NOTIONAL, column)
    most = limits[MarketLimit.NOTIONAL_MAX]
    need(not most or notional <= most, Reason.MAX_NOTIONAL, column)


def _need_percent_price(market: Market, order: Order, column: Command) -> None:
    if not market.last:
        return
    up, down = (
        (MarketLimit.BID_UP_PPM, MarketLimit.BID_DOWN_PPM)
        if order.buys
        else (MarketLimit.ASK_UP_PPM, MarketLimit.ASK_DOWN_PPM)
    )
    most, least = market.limits[up], market.limits[down]
    high = most != 0 and order.price * PPM > market.last * most
    low = least != 0 and order.price * PPM < market.last * least
    need(not high and not low, Reason.PERCENT_PRICE, column)


def need_room(site: Site, market: Market, orders: Sequence[Order]) -> None:
    """The filters that count what the account has in the market already; `orders`: the new one, or
    both of a list."""
    account, number = orders[0].account, orders[0].market
    mine = [
        order
        for order in site.orders.values()
        if (order.account, order.market) == (account, number)
    ]
    new = [order for order in orders if order.is_stop or order.may_rest]
    counts = [
        (MarketLimit.ORDERS_MAX, Reason.MAX_ORDERS, Command.ORDER_ID, len(mine), len(new)),
        (
            MarketLimit.STOPS_MAX,
            Reason.MAX_STOPS,
            Command.STOP_PRICE,
            sum(order.waiting for order in mine),
            sum(order.is_stop for order in new),
        ),
        (
            MarketLimit.ICEBERGS_MAX,
            Reason.MAX_ICEBERGS,
            Command.DISPLAY,
            sum(order.display > 0 for order in mine),
            sum(order.display > 0 for order in new),
        ),
    ]
    for which, reason, column, before, more in counts:
        most = market.limits[which]
        need(not most or not more or before + more <= most, reason, column)
    most = market.limits[MarketLimit.POSITION_MAX]
    if most and orders[0].buys and not orders[0].by_amount:
        need(
            _position(site, market, mine, account) + orders[0].quantity <= most,
            Reason.MAX_POSITION,
            Command.QUANTITY,
        )


def _position(site: Site, market: Market, mine: Sequence[Order], account: int) -> int:
    """Lots that the account owns or is buying; of a list's two orders one counts."""
    key = (account, market.base)
    owned = site.available.get(key, 0) + site.held.get(key, 0)
    buying = sum(
        order.remaining for order in mine if order.buys and not (order.waiting and order.other)
    )
    return owned // market.lot + buying
