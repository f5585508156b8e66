"""The circuit breaker: a market halts before a trade too far from where prices were."""

from tests.support.reference.state import PPM, Market

from tigerex_core.records import MarketLimit


def reference_at(market: Market, price: int, time_ns: int) -> tuple[int, int]:
    """The price that a trade at `price` would be compared with, and when its window began."""
    if not market.reference:
        return price, time_ns
    if time_ns - market.reference_ns >= market.limits[MarketLimit.BREAKER_WINDOW_NS]:
        return market.last, time_ns
    return market.reference, market.reference_ns


def too_far(market: Market, price: int, reference: int) -> bool:
    return abs(price - reference) * PPM > reference * market.limits[MarketLimit.BREAKER_PPM]


def halts(market: Market, price: int, time_ns: int) -> bool:
    if not market.limits[MarketLimit.BREAKER_PPM]:
        return False
    market.reference, market.reference_ns = reference_at(market, price, time_ns)
    return too_far(market, price, market.reference)
