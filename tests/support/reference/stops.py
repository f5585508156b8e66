"""Stops that wait for the last price, and the steps around each command."""

from collections.abc import Iterable

from tests.support.reference.holds import end, end_other, rehold
from tests.support.reference.matching import take
from tests.support.reference.site import Site
from tests.support.reference.state import BASIS_POINTS, Order

from tigerex_core.records import EventKind, MarketState, Reason


def holds_already(order: Order, last: int) -> bool:
    """Whether a stop that does not follow the price would fire at this one."""
    return last >= order.stop_price if order.fires_on_rise else last <= order.stop_price


def follow(order: Order, last: int) -> None:
    """Let a trailing stop see a price."""
    rise = order.fires_on_rise
    if not order.extreme:
        passed = last <= order.stop_price if rise else last >= order.stop_price
        if order.stop_price == 0 or passed:
            order.extreme = last
    else:
        order.extreme = min(order.extreme, last) if rise else max(order.extreme, last)


def _fires(order: Order, last: int) -> bool:
    if not order.trailing:
        return holds_already(order, last)
    follow(order, last)
    if not order.extreme:
        return False
    if order.fires_on_rise:
        return last * BASIS_POINTS >= order.extreme * (BASIS_POINTS + order.trailing)
    return last * BASIS_POINTS <= order.extreme * (BASIS_POINTS - order.trailing)


def take_and_fire(site: Site, taker: Order) -> None:
    """Run a taker; the stops that its trades fire join those that wait for their turn."""
    prices = take(site, taker)
    newly = []
    for order in site.orders.values():
        if order.waiting and not order.fired and order.market == taker.market:
            for price in prices:
                if _fires(order, price):
                    order.fired, order.trigger = True, price
                    newly.append(order)
                    break
    site.fired += [order.order_id for order in sorted(newly, key=_turn)]


def _turn(order: Order) -> tuple[int, int, int]:
    if order.trailing:
        return 2, 0, order.order_id
    if order.fires_on_rise:
        return 0, order.stop_price, order.order_id
    return 1, -order.stop_price, order.order_id


def due(site: Site) -> list[Order]:
    """Orders whose date has come, in the order in which they expire."""
    orders = [
        order
        for order in site.orders.values()
        if order.expire_ns and order.expire_ns <= site.time_ns
    ]
    return sorted(orders, key=lambda order: (order.expire_ns, order.order_id))


def runnable(site: Site) -> Iterable[Order]:
    """Fired stops whose market trades, in turn."""
    orders = [site.orders[order_id] for order_id in site.fired]
    return [order for order in orders if site.market_of(order).state == MarketState.OPEN]


def expire_due(site: Site) -> None:
    for order in due(site)[: site.steps_left]:
        site.steps_left -= 1
        end(site, order, EventKind.ORDER_EXPIRED, Reason.TIME)


def run_fired(site: Site) -> None:
    while site.steps_left and site.fills_left:
        order = next(iter(runnable(site)), None)
        if order is None:
            return
        site.steps_left -= 1
        _trigger(site, order)


def _trigger(site: Site, order: Order) -> None:
    site.fired.remove(order.order_id)
    order.waiting = order.fired = False
    site.emit_order(EventKind.ORDER_TRIGGERED, order, aux=order.trigger)
    end_other(site, order)
    rehold(site, order)
    take_and_fire(site, order)
