"""A taker's run: fills against the best orders of the other side.

The taker stands in an order row that is in no queue. What it can owe it holds, so nothing here can
fail; an order at market that holds nothing is limited fill by fill.
"""

from tigerex_core.book import beyond, dequeue, row_of, show_less
from tigerex_core.breaker import breaker_halts
from tigerex_core.ending import expire_open, leave_list
from tigerex_core.expiry import has_expired
from tigerex_core.fill_or_kill import fillable
from tigerex_core.iceberg import next_part
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import BookSide, Level, Market, Order, State
from tigerex_core.ledger import spendable
from tigerex_core.output import FILLS_LEFT, STEPS_LEFT, Out
from tigerex_core.records import Reason, Rows, SelfTrade, Side, TimeInForce
from tigerex_core.self_trade import mode_of, of_one_user, prevent
from tigerex_core.settling import settle
from tigerex_core.standing import close_order, count_lots


@kernel
def _fill(state: State, out: Out, taker: int, maker: int, lots: int) -> None:
    """Trade lots, at most what it shows, with an order on the book."""
    books, orders = state.books, state.books.orders
    settle(state, out, taker, maker, lots)
    orders[maker, Order.REMAINING] -= lots
    orders[maker, Order.EXECUTED] += lots
    show_less(books, maker, lots)
    count_lots(books, maker, -lots)
    leave_list(state, out, maker)
    if orders[maker, Order.REMAINING] == 0:
        dequeue(state.head, books, maker)
        close_order(state.head, books, maker)
    elif orders[maker, Order.VISIBLE] == 0:
        next_part(state, out, maker)


@routine
def _expire_maker(state: State, out: Out, maker: int) -> bool:
    """Let an order expire that a taker meets after its date; not when no step is left."""
    if out.cause[STEPS_LEFT] == 0:
        return False
    out.cause[STEPS_LEFT] -= 1
    expire_open(state, out, maker, Reason.TIME + 0)
    return True


@kernel
def wants(orders: Rows, taker: int) -> bool:
    """Whether anything is left to trade: lots, or an amount of quote units."""
    return orders[taker, Order.REMAINING] | orders[taker, Order.AMOUNT] != 0


@kernel
def _payable(state: State, taker: int, price: int, lots: int) -> int:
    """How many of these lots an order at market, which holds nothing, can pay."""
    orders, markets = state.books.orders, state.registry.markets
    market = orders[taker, Order.MARKET]
    each = markets[market, Market.LOT]
    if orders[taker, Order.SIDE] == Side.BUY:
        each = price * markets[market, Market.UNIT]
    return min(lots, spendable(state.ledger, orders[taker, Order.PAYS]) // each)


@kernel
def _ordered(state: State, taker: int, price: int) -> int:
    """Lots that are left to trade at this price; 0 where an amount is left, but for less than
    one."""
    orders = state.books.orders
    if orders[taker, Order.QUANTITY] != 0:
        return orders[taker, Order.REMAINING]
    unit = state.registry.markets[orders[taker, Order.MARKET], Market.UNIT]
    return orders[taker, Order.AMOUNT] // (price * unit)


@kernel
def _holds_nothing(orders: Rows, taker: int) -> bool:
    if orders[taker, Order.PRICE] != 0:
        return False
    return orders[taker, Order.SIDE] == Side.BUY or orders[taker, Order.QUANTITY] == 0


@kernel
def match(state: State, out: Out, taker: int) -> int:  # noqa: C901, PLR0912 - one loop
    """Fill the taker as far as prices, money and what a command may do allow.

    Returns why a remainder must not rest: NONE when nothing, or only a price, stands in the way,
    INSUFFICIENT_BALANCE when an order at market ran out of money, CAPACITY after FILLS_MAX fills or
    STEPS_MAX steps, NOT_FILLABLE, SELF_TRADE or CIRCUIT_BREAKER.
    """
    orders, books, markets = state.books.orders, state.books, state.registry.markets
    market, side = orders[taker, Order.MARKET], orders[taker, Order.SIDE]
    limit = orders[taker, Order.PRICE]
    other = row_of(market, Side.BUY + Side.SELL - side)
    mode = mode_of(markets, orders, taker)
    unheld = _holds_nothing(orders, taker)
    if orders[taker, Order.TIME_IN_FORCE] == TimeInForce.FOK:  # noqa: SIM102 - evaluated last
        if not fillable(state, out, taker):
            return Reason.NOT_FILLABLE + 0
    while wants(orders, taker):
        level = books.sides[other, BookSide.BEST]
        if level == 0:
            return Reason.NONE + 0
        price = books.levels[level, Level.PRICE]
        if limit != 0 and beyond(side, limit, price):
            return Reason.NONE + 0
        lots = _ordered(state, taker, price)
        if lots == 0:
            return Reason.NONE + 0
        if out.cause[FILLS_LEFT] == 0:
            return Reason.CAPACITY + 0
        maker = books.levels[level, Level.FIRST]
        if has_expired(state.head, orders, maker):
            if not _expire_maker(state, out, maker):
                return Reason.CAPACITY + 0
            continue
        if mode > SelfTrade.NONE and of_one_user(state.registry.accounts, orders, taker, maker):
            out.cause[FILLS_LEFT] -= 1
            if prevent(state, out, taker, maker, mode):
                return Reason.SELF_TRADE + 0
            continue
        lots = min(lots, orders[maker, Order.VISIBLE])
        if unheld:
            lots = _payable(state, taker, price, lots)
            if lots == 0:
                return Reason.INSUFFICIENT_BALANCE + 0
        if breaker_halts(state, out, market, price):
            return Reason.CIRCUIT_BREAKER + 0
        out.cause[FILLS_LEFT] -= 1
        _fill(state, out, taker, maker, lots)
    return Reason.NONE + 0
