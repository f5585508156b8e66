"""What an order holds of its owner's money, and how an open order ends."""

from tests.support.reference.site import Site
from tests.support.reference.state import NO_NAME, Order

from tigerex_core.records import EventKind, Reason


def asset_paid(site: Site, order: Order) -> int:
    market = site.market_of(order)
    return market.quote if order.buys else market.base


def asset_received(site: Site, order: Order) -> int:
    market = site.market_of(order)
    return market.base if order.buys else market.quote


def whole_hold(site: Site, order: Order) -> int:
    """What the order needs for its remainder; a buy at market, or for an amount, holds nothing."""
    market = site.market_of(order)
    if order.by_amount:
        return 0
    if order.buys:
        return order.price * order.remaining * market.unit
    return order.remaining * market.lot


def due_hold(site: Site, order: Order) -> int:
    """The same, but the stop of a list holds only what its limit order does not."""
    whole = whole_hold(site, order)
    if order.waiting and order.other:
        return max(0, whole - whole_hold(site, site.orders[order.other]))
    return whole


def rehold(site: Site, order: Order) -> None:
    """Hold what is due, no more and no less."""
    key = (order.account, asset_paid(site, order))
    more = due_hold(site, order) - order.held
    order.held += more
    site.held[key] += more
    site.available[key] -= more


def forget(site: Site, order: Order) -> None:
    """Release what it still holds; it is open no longer."""
    key = (order.account, asset_paid(site, order))
    site.held[key] -= order.held
    site.available[key] += order.held
    order.held = order.place = order.visible = 0
    site.orders.pop(order.order_id, None)
    if order.order_id in site.fired:
        site.fired.remove(order.order_id)


def end(site: Site, order: Order, kind: EventKind, reason: Reason = Reason.NONE) -> int:
    """ORDER_EXPIRED or ORDER_CANCELED, then that of the list's other order; how many ended."""
    name = order.name if kind == EventKind.ORDER_CANCELED else NO_NAME
    site.emit_order(kind, order, name, reason=reason, visible=-order.visible)
    forget(site, order)
    return 1 + end_other(site, order)


def end_other(site: Site, order: Order) -> int:
    """Cancel the list's other order, if there is one; how many ended."""
    other = site.orders.get(order.other)
    order.other = 0
    if other is None:
        return 0
    other.other = 0
    return end(site, other, EventKind.ORDER_CANCELED, Reason.OTHER_LEG)


def queue(site: Site, order: Order) -> None:
    """To the end of its level's queue, with the next part to show."""
    site.places += 1
    order.place = site.places
    order.visible = shown(order)


def shown(order: Order) -> int:
    return min(order.display or order.remaining, order.remaining)


def rest(site: Site, order: Order) -> None:
    site.orders[order.order_id] = order
    queue(site, order)
    site.emit_order(EventKind.ORDER_RESTED, order, visible=order.visible)
