"""A Market's filters, circuit breaker and self-trade prevention as the exchange's `MarketLimits`.

What a spec leaves out is no limit: every field is given, so that a filter that was taken out of the
spec is taken off the market.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from tigerex.exchange.v1 import types_pb2 as pb

from tigerex_operator.models.market import FiltersSpec, MarketSpec, PercentPriceSpec

NONE = "0"
NS_PER_S = 1_000_000_000
WINDOW_SECONDS = 60  # of a market without a circuit breaker, as the exchange makes it
PERCENT = Decimal(100)
SELF_TRADE_MODES = {
    "None": pb.SELF_TRADE_MODE_NONE,
    "ExpireTaker": pb.SELF_TRADE_MODE_EXPIRE_TAKER,
    "ExpireMaker": pb.SELF_TRADE_MODE_EXPIRE_MAKER,
    "ExpireBoth": pb.SELF_TRADE_MODE_EXPIRE_BOTH,
    "Decrement": pb.SELF_TRADE_MODE_DECREMENT,
}


def build_limits(spec: MarketSpec) -> pb.MarketLimits:
    """All limits that the market shall have."""
    filters, breaker = spec.filters or FiltersSpec.model_validate({}), spec.circuit_breaker
    price = filters.percent_price or PercentPriceSpec()
    return pb.MarketLimits(
        min_price=filters.min_price or spec.tick_size,
        min_quantity=filters.min_quantity or spec.lot_size,
        min_notional=filters.min_notional or spec.min_notional,
        max_notional=filters.max_notional or NONE,
        notional_of_market_orders=filters.apply_to_market_orders,
        max_market_quantity=filters.max_market_quantity or NONE,
        max_orders=filters.max_orders or 0,
        max_stop_orders=filters.max_stop_orders or 0,
        max_iceberg_orders=filters.max_iceberg_orders or 0,
        max_position=filters.max_position or NONE,
        bid_multiplier_up=price.bid_up or NONE,
        bid_multiplier_down=price.bid_down or NONE,
        ask_multiplier_up=price.ask_up or NONE,
        ask_multiplier_down=price.ask_down or NONE,
        breaker_move=share_of(breaker.move_percent) if breaker else NONE,
        breaker_window_ns=(breaker.window_seconds if breaker else WINDOW_SECONDS) * NS_PER_S,
        self_trade_mode=SELF_TRADE_MODES[spec.self_trade_prevention],
    )


def share_of(percent: str) -> str:
    """A percentage as a plain decimal share of one: "2.5" is "0.025"."""
    return format((Decimal(percent) / PERCENT).normalize(), "f")


def differing(wanted: pb.MarketLimits, actual: pb.MarketLimits) -> list[str]:
    """Names of the limits that differ, however their decimals are written."""
    return [
        field.name
        for field in pb.MarketLimits.DESCRIPTOR.fields
        if _value(getattr(wanted, field.name)) != _value(getattr(actual, field.name))
    ]


def _value(given: Any) -> Any:  # noqa: ANN401 - whatever the field holds
    if not isinstance(given, str):
        return given
    try:
        return Decimal(given or NONE)
    except InvalidOperation:
        return given
