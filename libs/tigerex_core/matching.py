"""Fills: a taker against the best orders of the other side, one movement of money for each.

The taker stands in an order row of its own that is not on the book. Everything it can owe was
checked when it was accepted, so nothing here can fail; a market buy, which has no price to hold by,
is limited fill by fill.
"""

from tigerex_core.book import crosses, side_of, take_off
from tigerex_core.jit import kernel
from tigerex_core.layout import (
    FILLS_MAX,
    Account,
    BookSide,
    Ledger,
    Level,
    Market,
    Order,
    State,
    Tier,
)
from tigerex_core.ledger import change_available, hold, spend_held, spendable
from tigerex_core.money import fee
from tigerex_core.output import Out, begin_event
from tigerex_core.records import Event, EventKind, Reason, Rows, Side


@kernel
def _fee(state: State, order: int, amount: int, column: int) -> int:
    """What the order's owner pays on an amount received; column: maker or taker."""
    account = state.books.orders[order, Order.ACCOUNT]
    tier = state.registry.accounts[account, Account.TIER]
    return fee(amount, state.registry.tiers[tier, column])


@kernel
def _pay(ledger: Ledger, orders: Rows, order: int, amount: int, held: int) -> None:
    """Take `amount` out of what the order held for it, and release what it held beyond."""
    row = orders[order, Order.PAYS]
    if orders[order, Order.SIDE] == Side.BUY and orders[order, Order.PRICE] == 0:
        change_available(ledger, row, -amount)  # a market buy holds nothing
        return
    spend_held(ledger, row, amount)
    if held != amount:
        hold(ledger, row, amount - held)


@kernel
def _settle(state: State, out: Out, taker: int, maker: int, lots: int) -> None:
    """One trade at the maker's price: money, fees, and the event (but for the maker's
    remainder)."""
    orders, ledger = state.books.orders, state.ledger
    market = orders[maker, Order.MARKET]
    markets = state.registry.markets
    price = orders[maker, Order.PRICE]
    unit = markets[market, Market.UNIT]
    notional = price * lots * unit
    base = lots * markets[market, Market.LOT]
    if orders[taker, Order.SIDE] == Side.BUY:
        taker_gets, taker_fees = base, markets[market, Market.FEE_BASE]
        maker_gets, maker_fees = notional, markets[market, Market.FEE_QUOTE]
        _pay(ledger, orders, taker, notional, orders[taker, Order.PRICE] * lots * unit)
        _pay(ledger, orders, maker, base, base)
    else:
        taker_gets, taker_fees = notional, markets[market, Market.FEE_QUOTE]
        maker_gets, maker_fees = base, markets[market, Market.FEE_BASE]
        _pay(ledger, orders, taker, base, base)
        _pay(ledger, orders, maker, notional, notional)
    taker_fee = _fee(state, taker, taker_gets, Tier.TAKER_PPM)
    maker_fee = _fee(state, maker, maker_gets, Tier.MAKER_PPM)
    change_available(ledger, orders[taker, Order.GETS], taker_gets - taker_fee)
    change_available(ledger, orders[maker, Order.GETS], maker_gets - maker_fee)
    change_available(ledger, taker_fees, taker_fee)
    change_available(ledger, maker_fees, maker_fee)
    trade = markets[market, Market.LAST_TRADE_ID] + 1
    markets[market, Market.LAST_TRADE_ID] = trade
    at = begin_event(out, EventKind.TRADED)
    events = out.events
    events[at, Event.ACCOUNT] = orders[taker, Order.ACCOUNT]
    events[at, Event.MARKET] = market
    events[at, Event.ORDER_ID] = orders[taker, Order.ID]
    events[at, Event.SIDE] = orders[taker, Order.SIDE]
    events[at, Event.PRICE] = price
    events[at, Event.QUANTITY] = lots
    events[at, Event.REMAINING] = orders[maker, Order.REMAINING] - lots
    events[at, Event.AMOUNT] = notional
    events[at, Event.FEE] = taker_fee
    events[at, Event.OTHER_ACCOUNT] = orders[maker, Order.ACCOUNT]
    events[at, Event.OTHER_ORDER] = orders[maker, Order.ID]
    events[at, Event.TRADE_ID] = trade
    events[at, Event.VALUE] = maker_fee
    events[at, Event.AUX] = orders[taker, Order.REMAINING] - lots


@kernel
def _lots_paid_for(state: State, taker: int, level: int, lots: int) -> int:
    """How many of these lots a market buy can pay at the level's price."""
    market = state.books.orders[taker, Order.MARKET]
    a_lot = state.books.levels[level, Level.PRICE] * state.registry.markets[market, Market.UNIT]
    return min(lots, spendable(state.ledger, state.books.orders[taker, Order.PAYS]) // a_lot)


@kernel
def _fill(state: State, out: Out, taker: int, level: int, lots: int) -> None:
    """Trade lots, at most what remains of it, with the oldest order of a level."""
    orders, levels = state.books.orders, state.books.levels
    maker = levels[level, Level.FIRST]
    _settle(state, out, taker, maker, lots)
    orders[taker, Order.REMAINING] -= lots
    orders[maker, Order.REMAINING] -= lots
    levels[level, Level.LOTS] -= lots
    if orders[maker, Order.REMAINING] == 0:
        take_off(state.head, state.books, maker)


@kernel
def match(state: State, out: Out, taker: int) -> int:
    """Fill the taker as far as prices, money and FILLS_MAX allow.

    Returns why a remainder must not rest: NONE when nothing, or only a price, stands in the way,
    INSUFFICIENT_BALANCE when a market buy ran out of money, CAPACITY after FILLS_MAX trades.
    """
    orders, books = state.books.orders, state.books
    market, side = orders[taker, Order.MARKET], orders[taker, Order.SIDE]
    price = orders[taker, Order.PRICE]
    other = side_of(market, Side.BUY + Side.SELL - side)
    for _ in range(FILLS_MAX):
        level = books.sides[other, BookSide.BEST]
        if orders[taker, Order.REMAINING] == 0 or level == 0:
            return Reason.NONE + 0
        if price != 0 and not crosses(books, market, side, price):
            return Reason.NONE + 0
        maker = books.levels[level, Level.FIRST]
        lots = min(orders[taker, Order.REMAINING], orders[maker, Order.REMAINING])
        if price == 0 and side == Side.BUY:
            lots = _lots_paid_for(state, taker, level, lots)
            if lots == 0:
                return Reason.INSUFFICIENT_BALANCE + 0
        _fill(state, out, taker, level, lots)
    if orders[taker, Order.REMAINING] == 0 or books.sides[other, BookSide.BEST] == 0:
        return Reason.NONE + 0
    if price != 0 and not crosses(books, market, side, price):
        return Reason.NONE + 0
    return Reason.CAPACITY + 0
