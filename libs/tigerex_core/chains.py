"""A market's chains of waiting stops: trailing ones, and those that have fired and wait to be run.

A chain's first and last order are consecutive columns in the market's row; `chain` is the first of
them. The orders are linked as those of a level.
"""

from tigerex_core.jit import kernel
from tigerex_core.layout import Head, Market, Order, Place
from tigerex_core.records import MarketState, Rows

_LAST = 1


@kernel
def _append(markets: Rows, orders: Rows, chain: int, order: int) -> None:
    market = orders[order, Order.MARKET]
    last = markets[market, chain + _LAST]
    if last == 0:
        markets[market, chain] = order
    else:
        orders[last, Order.NEXT] = order
    orders[order, Order.PREVIOUS] = last
    orders[order, Order.NEXT] = 0
    markets[market, chain + _LAST] = order


@kernel
def _remove(markets: Rows, orders: Rows, chain: int, order: int) -> None:
    market = orders[order, Order.MARKET]
    before = orders[order, Order.PREVIOUS]
    after = orders[order, Order.NEXT]
    if before == 0:
        markets[market, chain] = after
    else:
        orders[before, Order.NEXT] = after
    if after == 0:
        markets[market, chain + _LAST] = before
    else:
        orders[after, Order.PREVIOUS] = before


@kernel
def append_trailing(markets: Rows, orders: Rows, order: int) -> None:
    _append(markets, orders, Market.TRAILING_FIRST, order)
    orders[order, Order.PLACE] = Place.TRAILING


@kernel
def remove_trailing(markets: Rows, orders: Rows, order: int) -> None:
    _remove(markets, orders, Market.TRAILING_FIRST, order)


@kernel
def append_fired(head: Rows, markets: Rows, orders: Rows, order: int, price: int) -> None:
    """A stop fires at this price; it is run as soon as its turn comes and its market is open."""
    head[Head.FIRED] += 1
    orders[order, Order.FIRED] = head[Head.FIRED]
    orders[order, Order.TRIGGER] = price
    orders[order, Order.PLACE] = Place.FIRED
    _append(markets, orders, Market.FIRED_FIRST, order)
    market = orders[order, Order.MARKET]
    markets[market, Market.FIRED] += 1
    if markets[market, Market.STATE] == MarketState.OPEN:
        head[Head.RUNNABLE] += 1


@kernel
def remove_fired(head: Rows, markets: Rows, orders: Rows, order: int) -> None:
    _remove(markets, orders, Market.FIRED_FIRST, order)
    market = orders[order, Order.MARKET]
    markets[market, Market.FIRED] -= 1
    if markets[market, Market.STATE] == MarketState.OPEN:
        head[Head.RUNNABLE] -= 1


@kernel
def set_state(head: Rows, markets: Rows, market: int, value: int) -> None:
    """A market's state; with it, what is fired there can be run or must wait."""
    if markets[market, Market.STATE] == MarketState.OPEN:
        head[Head.RUNNABLE] -= markets[market, Market.FIRED]
    if value == MarketState.OPEN:
        head[Head.RUNNABLE] += markets[market, Market.FIRED]
    markets[market, Market.STATE] = value


@kernel
def first_runnable(head: Rows, markets: Rows, orders: Rows) -> int:
    """The stop that fired first among those in open markets; 0 when there is none."""
    if head[Head.RUNNABLE] == 0:
        return 0
    first = 0
    for market in range(1, head[Head.MARKETS] + 1):
        order = markets[market, Market.FIRED_FIRST]
        if order != 0 and markets[market, Market.STATE] == MarketState.OPEN:  # noqa: SIM102
            if first == 0 or orders[order, Order.FIRED] < orders[first, Order.FIRED]:
                first = order
    return first
