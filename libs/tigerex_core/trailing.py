"""Stops that follow the price: the highest one seen where they wait for a fall, the lowest where
they wait for a rise, and fire when it turns by their share of it.

The price at which one fires is split before multiplying, and below 2^63 as prices are below 2^62.
"""

from tigerex_core.jit import kernel
from tigerex_core.layout import Order
from tigerex_core.records import Rows

BASIS_POINTS = 10_000


@kernel
def has_turned(orders: Rows, order: int, rises: bool, price: int) -> bool:
    """Whether the price has turned far enough from the extreme; not before it follows."""
    extreme = orders[order, Order.EXTREME]
    whole, rest = extreme // BASIS_POINTS, extreme % BASIS_POINTS
    if extreme == 0:
        return False
    if rises:
        factor = BASIS_POINTS + orders[order, Order.TRAILING]
        return price >= whole * factor + (rest * factor + BASIS_POINTS - 1) // BASIS_POINTS
    factor = BASIS_POINTS - orders[order, Order.TRAILING]
    return price <= whole * factor + rest * factor // BASIS_POINTS


@kernel
def _moved(orders: Rows, order: int, rises: bool, price: int) -> int:
    """The extreme after a trade at this price."""
    extreme, start = orders[order, Order.EXTREME], orders[order, Order.STOP_PRICE]
    if extreme == 0:  # does not follow yet
        if start != 0 and ((price > start) if rises else (price < start)):
            return 0
        return price
    if rises:
        return min(extreme, price)
    return max(extreme, price)


@kernel
def follow(orders: Rows, order: int, rises: bool, price: int) -> bool:
    """Take note of a last price; whether it fires the order."""
    orders[order, Order.EXTREME] = _moved(orders, order, rises, price)
    return has_turned(orders, order, rises, price)
