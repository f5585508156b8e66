"""What orders are worth, and hold."""

from tigerex_core.jit import kernel
from tigerex_core.layout import Market, Order, State
from tigerex_core.records import Rows, Side


@kernel
def holding(markets: Rows, market: int, side: int, price: int, lots: int) -> int:
    """What an order of so many lots holds: base where it sells, its notional where it buys, which
    is nothing at market (price 0)."""
    if side == Side.SELL:
        return lots * markets[market, Market.LOT]
    return price * lots * markets[market, Market.UNIT]


@kernel
def needed(state: State, order: int) -> int:
    """What an order holds in full for what remains of it."""
    orders = state.books.orders
    return holding(
        state.registry.markets,
        orders[order, Order.MARKET],
        orders[order, Order.SIDE],
        orders[order, Order.PRICE],
        orders[order, Order.REMAINING],
    )
