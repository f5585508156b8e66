"""PLACE_OCO: a post-only limit order and a stop, of which the first that trades cancels the
other."""

from tests.support.reference.filters import need_filters, need_room
from tests.support.reference.holds import rest
from tests.support.reference.placing import (
    accept,
    draft,
    need_display,
    need_hold,
    need_names,
    need_places,
    need_price,
    need_quantity,
    need_quiet,
    need_self_trade,
    need_stop,
    need_trader,
    wait,
)
from tests.support.reference.site import Site
from tests.support.reference.state import NO_NAME, Order, good_name, need

from tigerex_core.records import Command, EventKind, OrderType, Reason, TimeInForce


def _legs(site: Site) -> tuple[Order, Order]:
    row = site.row
    limit = draft(site, OrderType.LIMIT, TimeInForce.GTC)
    limit.post_only = 1
    stop_price = row[Command.AMOUNT]
    stop_type = OrderType.STOP_LOSS_LIMIT if stop_price else OrderType.STOP_LOSS
    stop = draft(site, stop_type, TimeInForce.GTC)
    stop.order_id += 1
    stop.price, stop.display = stop_price, 0
    stop.stop_price, stop.trailing = row[Command.STOP_PRICE], row[Command.TRAILING]
    stop.name = site.name(Command.OTHER_NAME)
    limit.list_id = stop.list_id = limit.order_id
    return limit, stop


def place_oco(site: Site) -> None:
    market = need_trader(site)
    limit, stop = _legs(site)
    need_price(market, limit, Command.PRICE)
    need_quantity(market, limit)
    need_price(market, stop, Command.AMOUNT)
    need_stop(market, stop)
    _need_apart(limit, stop)
    need_display(limit)
    need_self_trade(limit)
    need_filters(site, market, limit, Command.PRICE)
    need_filters(site, market, stop, Command.AMOUNT)
    need_room(site, market, [limit, stop])
    names = {Command.NAME: limit.name, Command.OTHER_NAME: stop.name}
    need_names(site, names)
    list_name = site.name(Command.LIST_NAME)
    sound = list_name == NO_NAME or good_name(list_name)
    need(sound, Reason.INVALID_NAME, Command.LIST_NAME)
    need_quiet(site, market, limit)
    need_quiet(site, market, stop)
    need_places(site, [limit, stop])
    need_hold(site, [limit, stop])
    site.emit(
        EventKind.LIST_PLACED,
        list_name,
        account=limit.account,
        market=limit.market,
        order_id=limit.order_id,
        other_order=stop.order_id,
    )
    accept(site, limit)
    rest(site, limit)
    limit.other, stop.other = stop.order_id, limit.order_id
    stop.waiting = True
    accept(site, stop)
    wait(site, stop)


def _need_apart(limit: Order, stop: Order) -> None:
    """The market's price is between the two: a limit order to gain by, a stop not to lose more."""
    if stop.trailing and not stop.stop_price:
        return
    apart = limit.price < stop.stop_price if limit.buys else limit.price > stop.stop_price
    need(apart, Reason.INVALID_STOP_PRICE, Command.STOP_PRICE)
