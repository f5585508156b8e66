"""The circuit breaker: a market halts before a trade too far from its reference price."""

from tigerex_core.chains import set_state
from tigerex_core.jit import kernel, routine
from tigerex_core.layout import Head, Market, State
from tigerex_core.money import share
from tigerex_core.output import Out, begin_event
from tigerex_core.records import Event, EventKind, MarketLimit, MarketState, Reason, Rows

_PPM = Market.LIMIT + MarketLimit.BREAKER_PPM
_WINDOW_NS = Market.LIMIT + MarketLimit.BREAKER_WINDOW_NS


@kernel
def reference_price(head: Rows, markets: Rows, market: int, price: int) -> int:
    """What a trade at this price, now, is measured by: where no window runs, the last price, or the
    trade's own."""
    if markets[market, Market.BREAKER_PRICE] == 0:
        return price
    if head[Head.TIME_NS] - markets[market, Market.BREAKER_TIME_NS] >= markets[market, _WINDOW_NS]:
        return markets[market, Market.LAST_PRICE]
    return markets[market, Market.BREAKER_PRICE]


@kernel
def too_far(markets: Rows, market: int, reference: int, price: int) -> bool:
    return abs(price - reference) > share(reference, markets[market, _PPM])


@routine
def _halts(state: State, out: Out, market: int, price: int) -> bool:
    head, markets = state.head, state.registry.markets
    begin = markets[market, Market.BREAKER_TIME_NS]
    if (
        markets[market, Market.BREAKER_PRICE] == 0
        or head[Head.TIME_NS] - begin >= markets[market, _WINDOW_NS]
    ):
        markets[market, Market.BREAKER_PRICE] = reference_price(head, markets, market, price)
        markets[market, Market.BREAKER_TIME_NS] = head[Head.TIME_NS]
    if not too_far(markets, market, markets[market, Market.BREAKER_PRICE], price):
        return False
    set_state(head, markets, market, MarketState.HALTED)
    at = begin_event(out, EventKind.MARKET_STATE_SET)
    out.events[at, Event.MARKET] = market
    out.events[at, Event.VALUE] = MarketState.HALTED
    out.events[at, Event.REASON] = Reason.CIRCUIT_BREAKER
    return True


@kernel
def breaker_halts(state: State, out: Out, market: int, price: int) -> bool:
    """Whether the market halts instead of trading at this price; then it has."""
    return state.registry.markets[market, _PPM] != 0 and _halts(state, out, market, price)
