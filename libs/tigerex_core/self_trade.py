"""What happens instead of a trade between two orders of one user."""

from tigerex_core.book import show_less
from tigerex_core.ending import change_hold, expire_open
from tigerex_core.iceberg import next_part
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import Account, Market, Order, State
from tigerex_core.output import Out
from tigerex_core.records import Event, EventKind, MarketLimit, Reason, Rows, SelfTrade
from tigerex_core.settling import parties_event
from tigerex_core.standing import count_lots
from tigerex_core.worth import needed


@kernel
def mode_of(markets: Rows, orders: Rows, taker: int) -> int:
    """The taker's mode: its own, or the market's; an order for an amount has no lots to lose."""
    mode = orders[taker, Order.SELF_TRADE]
    if mode == 0:
        mode = markets[orders[taker, Order.MARKET], Market.LIMIT + MarketLimit.SELF_TRADE]
    if mode == SelfTrade.DECREMENT and orders[taker, Order.QUANTITY] == 0:
        return SelfTrade.EXPIRE_TAKER + 0
    return mode


@kernel
def of_one_user(accounts: Rows, orders: Rows, left: int, right: int) -> bool:
    user = accounts[orders[left, Order.ACCOUNT], Account.USER]
    return user != 0 and user == accounts[orders[right, Order.ACCOUNT], Account.USER]


@kernel
def _hold_what_is_needed(state: State, order: int) -> None:
    change_hold(state, order, needed(state, order) - state.books.orders[order, Order.HELD])


@kernel
def _shrink_maker(state: State, out: Out, maker: int, lots: int) -> None:
    """Lots go; the stop of its list then holds what the order holds less."""
    orders, books = state.books.orders, state.books
    orders[maker, Order.REMAINING] -= lots
    show_less(books, maker, lots)
    count_lots(books, maker, -lots)
    _hold_what_is_needed(state, maker)
    stop = orders[maker, Order.OTHER_LEG]
    if stop != 0:
        extra = max(0, needed(state, stop) - orders[maker, Order.HELD])
        change_hold(state, stop, extra - orders[stop, Order.HELD])
    if orders[maker, Order.REMAINING] == 0:
        expire_open(state, out, maker, Reason.SELF_TRADE + 0)
    elif orders[maker, Order.VISIBLE] == 0:
        next_part(state, out, maker)


@routine
def prevent(state: State, out: Out, taker: int, maker: int, mode: int) -> bool:
    """Do as the taker's mode says; whether the taker ends by it."""
    orders = state.books.orders
    lots = 0
    if mode == SelfTrade.DECREMENT:
        lots = min(orders[taker, Order.REMAINING], orders[maker, Order.VISIBLE])
    at = parties_event(out, EventKind.SELF_TRADE_PREVENTED, orders, taker, maker, lots)
    out.events[at, Event.VALUE] = mode
    if orders[taker, Order.QUANTITY] == 0:
        out.events[at, Event.AUX] = orders[taker, Order.AMOUNT]
    if mode == SelfTrade.DECREMENT:
        _shrink_maker(state, out, maker, lots)
        orders[taker, Order.REMAINING] -= lots
        _hold_what_is_needed(state, taker)
        return orders[taker, Order.REMAINING] == 0
    if mode != SelfTrade.EXPIRE_TAKER:
        expire_open(state, out, maker, Reason.SELF_TRADE + 0)
    return mode != SelfTrade.EXPIRE_MAKER
