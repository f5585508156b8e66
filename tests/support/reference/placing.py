"""PLACE_ORDER: everything is checked, then accepted, then matched."""

from collections.abc import Sequence

from tests.support.reference.filters import need_filters, need_room
from tests.support.reference.holds import (
    asset_paid,
    asset_received,
    due_hold,
    rehold,
)
from tests.support.reference.matching import crossing
from tests.support.reference.site import Site
from tests.support.reference.state import (
    ICEBERG_PARTS_MAX,
    NO_NAME,
    RESTING,
    TRAILING_MAX,
    Market,
    Name,
    Order,
    good_name,
    need,
)
from tests.support.reference.stops import follow, holds_already, take_and_fire

from tigerex_core.records import (
    AccountKind,
    Command,
    EventKind,
    MarketState,
    OrderType,
    Reason,
    SelfTrade,
    Side,
    TimeInForce,
)

TIMES_IN_FORCE = {
    OrderType.LIMIT: list(TimeInForce),
    OrderType.MARKET: [TimeInForce.IOC],
    OrderType.STOP_LOSS: [TimeInForce.GTC, TimeInForce.GTD],
    OrderType.STOP_LOSS_LIMIT: list(TimeInForce),
    OrderType.TAKE_PROFIT: [TimeInForce.GTC, TimeInForce.GTD],
    OrderType.TAKE_PROFIT_LIMIT: list(TimeInForce),
}


def need_trader(site: Site) -> Market:
    """An account that may place orders now, and the open market for them."""
    site.need_account()
    account, epoch = site.accounts[site.row[Command.ACCOUNT]], site.row[Command.EPOCH]
    system = account.kind == AccountKind.SYSTEM
    need(not system, Reason.ACCOUNT_CANNOT_TRADE, Command.ACCOUNT)
    need(not account.frozen, Reason.ACCOUNT_FROZEN, Command.ACCOUNT)
    need(epoch >= account.epoch, Reason.STALE_EPOCH, Command.EPOCH)
    market = site.need_market()
    need(market.state == MarketState.OPEN, Reason.MARKET_HALTED, Command.MARKET)
    need(site.row[Command.SIDE] in list(Side), Reason.INVALID_SIDE, Command.SIDE)
    return market


def draft(site: Site, order_type: int, time_in_force: int) -> Order:
    """What PLACE_ORDER and the limit order of PLACE_OCO say in the same columns."""
    row = site.row
    return Order(
        order_id=site.order_ids + 1,
        account=row[Command.ACCOUNT],
        market=row[Command.MARKET],
        side=row[Command.SIDE],
        order_type=order_type,
        time_in_force=time_in_force,
        price=row[Command.PRICE],
        quantity=row[Command.QUANTITY],
        remaining=row[Command.QUANTITY],
        name=site.name(),
        display=row[Command.DISPLAY],
        self_trade=row[Command.SELF_TRADE],
        decided=row[Command.AUX],
    )


def place_order(site: Site) -> None:
    row = site.row
    market = need_trader(site)
    order = draft(site, row[Command.ORDER_TYPE], row[Command.TIME_IN_FORCE])
    order.post_only = row[Command.POST_ONLY]
    order.stop_price, order.trailing = row[Command.STOP_PRICE], row[Command.TRAILING]
    order.expire_ns = row[Command.EXPIRE_NS]
    _need_kind(order)
    _need_size(site, market, order)
    need_stop(market, order)
    need_display(order)
    _need_expiry(site, order)
    need_self_trade(order)
    need_filters(site, market, order, Command.PRICE)
    need_room(site, market, [order])
    need_names(site, {Command.NAME: order.name})
    need_quiet(site, market, order)
    need_places(site, [order])
    need_hold(site, [order])
    order.waiting = order.is_stop
    accept(site, order)
    if order.waiting:
        wait(site, order)
    else:
        take_and_fire(site, order)


def _need_kind(order: Order) -> None:
    kinds, tif = TIMES_IN_FORCE, order.time_in_force
    need(order.order_type in kinds, Reason.INVALID_ORDER_TYPE, Command.ORDER_TYPE)
    allowed = kinds[OrderType(order.order_type)]
    need(tif in allowed, Reason.INVALID_TIME_IN_FORCE, Command.TIME_IN_FORCE)
    rests = order.order_type == OrderType.LIMIT and tif in RESTING
    good = order.post_only == 0 or (order.post_only == 1 and rests)
    need(good, Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY)


def _need_size(site: Site, market: Market, order: Order) -> None:
    need_price(market, order, Command.PRICE)
    amount = site.row[Command.AMOUNT]
    if order.order_type == OrderType.MARKET and order.quantity == 0 and amount != 0:
        need(amount >= 1, Reason.INVALID_AMOUNT, Command.AMOUNT)
        order.by_amount, order.budget = True, amount
        return
    need_quantity(market, order)
    need(amount == 0, Reason.INVALID_AMOUNT, Command.AMOUNT)


def need_price(market: Market, order: Order, column: Command) -> None:
    good = order.price == 0 if order.at_market else 1 <= order.price <= market.price_max
    need(good, Reason.INVALID_PRICE, column)


def need_quantity(market: Market, order: Order) -> None:
    good = 1 <= order.quantity <= market.quantity_max
    need(good, Reason.INVALID_QUANTITY, Command.QUANTITY)


def need_stop(market: Market, order: Order) -> None:
    """A stop price and how far it trails, for stops only."""
    trails = order.trailing != 0
    if order.is_stop:
        least = 0 if trails else 1
        good = least <= order.stop_price <= market.price_max
        need(good, Reason.INVALID_STOP_PRICE, Command.STOP_PRICE)
        need(0 <= order.trailing <= 9_999, Reason.INVALID_TRAILING, Command.TRAILING)
    else:
        need(order.stop_price == 0, Reason.INVALID_STOP_PRICE, Command.STOP_PRICE)
        need(not trails, Reason.INVALID_TRAILING, Command.TRAILING)


def need_display(order: Order) -> None:
    if order.display == 0:
        return
    rests = not order.at_market and order.time_in_force in RESTING
    good = rests and 1 <= order.display < order.quantity
    good = good and -(-order.quantity // order.display) <= ICEBERG_PARTS_MAX
    need(good, Reason.INVALID_DISPLAY, Command.DISPLAY)


def _need_expiry(site: Site, order: Order) -> None:
    good = order.expire_ns == 0
    if order.time_in_force == TimeInForce.GTD:
        good = order.expire_ns > site.time_ns
    need(good, Reason.INVALID_EXPIRY, Command.EXPIRE_NS)


def need_self_trade(order: Order) -> None:
    good = 0 <= order.self_trade <= max(SelfTrade)
    need(good, Reason.INVALID_SELF_TRADE, Command.SELF_TRADE)


def need_names(site: Site, names: dict[Command, Name]) -> None:
    """Client order ids that are sound, and that no open order of the account has."""
    account = site.row[Command.ACCOUNT]
    taken = {order.name for order in site.orders.values() if order.account == account}
    for column, name in names.items():
        if name != NO_NAME:
            need(good_name(name), Reason.INVALID_NAME, column)
            need(name not in taken, Reason.CLIENT_ORDER_ID_TAKEN, column)
            taken.add(name)


def need_quiet(site: Site, market: Market, order: Order) -> None:
    """Nothing would happen at once that must not."""
    takes = order.post_only == 1 and bool(crossing(site, order))
    need(not takes, Reason.WOULD_TAKE, Command.PRICE)
    plain_stop = order.is_stop and not order.trailing
    fires = plain_stop and market.last > 0 and holds_already(order, market.last)
    need(not fires, Reason.WOULD_TRIGGER, Command.STOP_PRICE)


def need_places(site: Site, orders: Sequence[Order]) -> None:
    """Room in the tables of open orders and of trailing stops."""
    resting = sum(order.is_stop or order.may_rest for order in orders)
    free = site.capacity.orders - len(site.orders)
    need(resting <= free, Reason.CAPACITY, Command.ORDER_ID)
    market = orders[0].market
    trailing = sum(
        order.waiting and order.trailing > 0 and order.market == market
        for order in site.orders.values()
    )
    more = sum(order.trailing > 0 for order in orders)
    need(not more or trailing < TRAILING_MAX, Reason.CAPACITY, Command.TRAILING)


def need_hold(site: Site, orders: Sequence[Order]) -> None:
    """The money for all of these orders; without a unit of it there is no order at all."""
    account = orders[0].account
    pays, gets = asset_paid(site, orders[0]), asset_received(site, orders[0])
    amount = max(due_hold(site, order) for order in orders)
    column = Command.QUANTITY
    if orders[0].by_amount:
        column = Command.AMOUNT
        amount = orders[0].budget if orders[0].buys else 0
    site.need_money(account, pays, max(amount, 1), column)
    site.need_rows((account, pays), (account, gets))


def accept(site: Site, order: Order) -> None:
    """Hold the money and tell; the order is neither on the book nor waiting yet."""
    pays = asset_paid(site, order)
    site.ensure(order.account, pays)
    site.ensure(order.account, asset_received(site, order))
    site.order_ids += 1
    assert order.order_id == site.order_ids
    rehold(site, order)
    how = order.order_type + 16 * order.time_in_force + 256 * order.post_only
    site.emit_order(
        EventKind.ORDER_ACCEPTED,
        order,
        order.name,
        asset=pays,
        amount=order.held,
        aux=order.decided,
        value=how,
    )
    _tell_terms(site, order)


def _tell_terms(site: Site, order: Order) -> None:
    """ORDER_TERMS, where there is more to tell."""
    terms = [order.stop_price, order.trailing, order.display, order.budget, order.expire_ns]
    terms += [order.self_trade, order.list_id]
    if not any(terms):
        return
    site.emit(
        EventKind.ORDER_TERMS,
        account=order.account,
        market=order.market,
        order_id=order.order_id,
        price=order.stop_price,
        remaining=order.trailing,
        quantity=order.display,
        amount=order.budget,
        aux=order.expire_ns,
        value=order.self_trade,
        other_order=order.list_id,
    )


def wait(site: Site, order: Order) -> None:
    """Begin to wait for the stop price."""
    site.orders[order.order_id] = order
    last = site.market_of(order).last
    if order.trailing and last:
        follow(order, last)
