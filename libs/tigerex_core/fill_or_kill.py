"""Whether an order can be filled whole at once: its run, gone through without changing anything."""

from tigerex_core.book import beyond, row_of
from tigerex_core.breaker import reference_price, too_far
from tigerex_core.expiry import has_expired
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import BookSide, Level, Market, Order, State
from tigerex_core.output import FILLS_LEFT, STEPS_LEFT, Out
from tigerex_core.records import MarketLimit, SelfTrade, Side
from tigerex_core.self_trade import mode_of, of_one_user

_NOTHING, _EXPIRED, _PREVENTED, _ENDS = 0, -1, -2, -3
_BREAKER_PPM = Market.LIMIT + MarketLimit.BREAKER_PPM


@kernel
def _shown_in(state: State, order: int, turn: int) -> int:
    """Lots of an order that its level's queue offers when it comes by for the `turn`th time, from 0
    on: only an iceberg comes again."""
    orders = state.books.orders
    first, display = orders[order, Order.VISIBLE], orders[order, Order.DISPLAY]
    if turn == 0:
        return first
    if display == 0:
        return 0
    left = orders[order, Order.REMAINING] - first - (turn - 1) * display
    return max(0, min(display, left))


@kernel
def _within_breaker(state: State, market: int, best: int, price: int) -> bool:
    """Whether a run that begins at the best price reaches this one before the market halts."""
    markets = state.registry.markets
    if markets[market, _BREAKER_PPM] == 0:
        return True
    reference = reference_price(state.head, markets, market, best)
    return not too_far(markets, market, reference, price)


@kernel
def _meets(state: State, taker: int, order: int, turn: int, mode: int) -> int:
    """What a taker meets that comes by an order for the `turn`th time: lots to trade with, or one
    of the numbers above."""
    lots = _shown_in(state, order, turn)
    if has_expired(state.head, state.books.orders, order):
        return _EXPIRED if turn == 0 else _NOTHING
    if lots == 0:
        return _NOTHING
    if mode == SelfTrade.NONE or not of_one_user(
        state.registry.accounts, state.books.orders, taker, order
    ):
        return lots
    if mode != SelfTrade.EXPIRE_MAKER:
        return _ENDS
    return _PREVENTED if turn == 0 else _NOTHING


@kernel
def _take_level(
    state: State, taker: int, level: int, left: int, fills: int, steps: int, mode: int
) -> tuple[int, int, int]:
    """What is left of the taker, of fills and of steps after a level; fills below 0 where it ends
    there."""
    orders, levels = state.books.orders, state.books.levels
    turn = 0
    offered = True
    while offered:
        offered = False
        order = levels[level, Level.FIRST]
        while order != 0 and left > 0 and fills >= 0:
            met = _meets(state, taker, order, turn, mode)
            if met > 0:
                offered = True
                left -= met
                fills -= 1
            elif met == _PREVENTED:
                fills -= 1
            elif met == _EXPIRED:
                steps -= 1
            if met == _ENDS or steps < 0:
                fills = -1
            order = orders[order, Order.NEXT]
        turn += 1
        offered = offered and left > 0 and fills >= 0
    return left, fills, steps


@routine
def fillable(state: State, out: Out, taker: int) -> bool:
    """Whether all that remains of the taker trades at once: within its price, before the circuit
    breaker, another order of its user, or what a command may do, ends its run."""
    orders, levels = state.books.orders, state.books.levels
    market, side = orders[taker, Order.MARKET], orders[taker, Order.SIDE]
    limit, left = orders[taker, Order.PRICE], orders[taker, Order.REMAINING]
    fills, steps = out.cause[FILLS_LEFT], out.cause[STEPS_LEFT]
    mode = mode_of(state.registry.markets, orders, taker)
    level = state.books.sides[row_of(market, Side.BUY + Side.SELL - side), BookSide.BEST]
    best = 0
    while level != 0 and not beyond(side, limit, levels[level, Level.PRICE]):
        left_before = left
        left, fills, steps = _take_level(state, taker, level, left, fills, steps, mode)
        if left != left_before:
            price = levels[level, Level.PRICE]
            if best == 0:
                best = price
            if not _within_breaker(state, market, best, price):
                return False
        if fills < 0:
            return False
        if left <= 0:
            return True
        level = levels[level, Level.NEXT]
    return False
