"""One trade: money and fees move, and the event says so."""

from tigerex_core.fees import charge
from tigerex_core.jit import kernel
from tigerex_core.layout import Balance, Ledger, Market, Order, State
from tigerex_core.ledger import change_available
from tigerex_core.output import Out, begin_event
from tigerex_core.records import Event, EventKind, Rows, Side
from tigerex_core.worth import holding


@kernel
def _pay(ledger: Ledger, orders: Rows, order: int, amount: int, held: int) -> None:
    """Take `amount` out of the `held` units that the order held for it; the rest is released, or
    what it lacks is taken from what is available."""
    row = orders[order, Order.PAYS]
    orders[order, Order.HELD] -= held
    ledger.balances[row, Balance.HELD] -= held
    if held != amount:
        change_available(ledger, row, held - amount)


@kernel
def _held_by_taker(markets: Rows, orders: Rows, taker: int, lots: int) -> int:
    """What a taker holds for so many lots; an order for an amount of quote units holds nothing."""
    if orders[taker, Order.QUANTITY] == 0:
        return 0
    market, side = orders[taker, Order.MARKET], orders[taker, Order.SIDE]
    return holding(markets, market, side, orders[taker, Order.PRICE], lots)


@kernel
def parties_event(out: Out, kind: int, orders: Rows, taker: int, maker: int, lots: int) -> int:
    """A TRADED or SELF_TRADE_PREVENTED, but for money: both orders as they were, less these
    lots."""
    at = begin_event(out, kind)
    events = out.events
    events[at, Event.ACCOUNT] = orders[taker, Order.ACCOUNT]
    events[at, Event.MARKET] = orders[taker, Order.MARKET]
    events[at, Event.ORDER_ID] = orders[taker, Order.ID]
    events[at, Event.SIDE] = orders[taker, Order.SIDE]
    events[at, Event.PRICE] = orders[maker, Order.PRICE]
    events[at, Event.QUANTITY] = lots
    events[at, Event.REMAINING] = orders[maker, Order.REMAINING] - lots
    events[at, Event.OTHER_ACCOUNT] = orders[maker, Order.ACCOUNT]
    events[at, Event.OTHER_ORDER] = orders[maker, Order.ID]
    events[at, Event.AUX] = orders[taker, Order.REMAINING] - lots
    return at


@kernel
def settle(state: State, out: Out, taker: int, maker: int, lots: int) -> None:
    """Trade lots at the maker's price: the taker's rest is counted down, the maker's is not."""
    orders, ledger, markets = state.books.orders, state.ledger, state.registry.markets
    market, price = orders[maker, Order.MARKET], orders[maker, Order.PRICE]
    notional = price * lots * markets[market, Market.UNIT]
    base = lots * markets[market, Market.LOT]
    taker_gives, taker_gets = base, notional
    if orders[taker, Order.SIDE] == Side.BUY:
        taker_gives, taker_gets = notional, base
    held = _held_by_taker(markets, orders, taker, lots)
    _pay(ledger, orders, taker, taker_gives, held)
    _pay(ledger, orders, maker, taker_gets, taker_gets)
    at = parties_event(out, EventKind.TRADED, orders, taker, maker, lots)
    out.events[at, Event.AMOUNT] = notional
    taker_gets, maker_gets = (
        charge(state, out, at, taker, taker_gets, notional, 0),
        charge(state, out, at, maker, taker_gives, notional, 1),
    )
    change_available(ledger, orders[taker, Order.GETS], taker_gets)
    change_available(ledger, orders[maker, Order.GETS], maker_gets)
    trade = markets[market, Market.LAST_TRADE_ID] + 1
    markets[market, Market.LAST_TRADE_ID] = trade
    markets[market, Market.LAST_PRICE] = price
    out.events[at, Event.TRADE_ID] = trade
    orders[taker, Order.EXECUTED] += lots
    if orders[taker, Order.QUANTITY] == 0:
        orders[taker, Order.AMOUNT] -= notional
        out.events[at, Event.AUX] = orders[taker, Order.AMOUNT]
    else:
        orders[taker, Order.REMAINING] -= lots
