"""A market's limits: as numbers of the core, and as the message `MarketLimits`.

One table says which field of the message is which limit and how it is written; reading a message
checks the ranges that the core would refuse, naming the field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from tigerex.exchange.v1 import types_pb2 as pb

from tigerex_core.records import MarketLimit, SelfTrade
from tigerex_platform.errors import InvalidField
from tigerex_services.decimals import MAX_UNITS, from_units, to_units
from tigerex_services.instruments import MarketInfo

PPM_DECIMALS = 6
ONE_PPM = 10**PPM_DECIMALS  # the whole, in parts per million
MULTIPLIER_PPM_MAX = 10**9


class _Unit(Enum):
    """How a limit is written."""

    PRICE = auto()
    QUANTITY = auto()
    QUOTE = auto()
    RATIO = auto()
    NUMBER = auto()
    FLAG = auto()


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    unit: _Unit
    least: int = 0
    most: int = MAX_UNITS


_FIELDS: Mapping[MarketLimit, _Field] = {
    MarketLimit.PRICE_MIN: _Field("min_price", _Unit.PRICE, least=1),
    MarketLimit.QUANTITY_MIN: _Field("min_quantity", _Unit.QUANTITY, least=1),
    MarketLimit.NOTIONAL_MIN: _Field("min_notional", _Unit.QUOTE),
    MarketLimit.NOTIONAL_MAX: _Field("max_notional", _Unit.QUOTE),
    MarketLimit.NOTIONAL_OF_MARKET_ORDERS: _Field("notional_of_market_orders", _Unit.FLAG),
    MarketLimit.MARKET_QUANTITY_MAX: _Field("max_market_quantity", _Unit.QUANTITY),
    MarketLimit.ORDERS_MAX: _Field("max_orders", _Unit.NUMBER),
    MarketLimit.STOPS_MAX: _Field("max_stop_orders", _Unit.NUMBER),
    MarketLimit.ICEBERGS_MAX: _Field("max_iceberg_orders", _Unit.NUMBER),
    MarketLimit.POSITION_MAX: _Field("max_position", _Unit.QUANTITY),
    MarketLimit.BID_UP_PPM: _Field("bid_multiplier_up", _Unit.RATIO, most=MULTIPLIER_PPM_MAX),
    MarketLimit.BID_DOWN_PPM: _Field("bid_multiplier_down", _Unit.RATIO, most=MULTIPLIER_PPM_MAX),
    MarketLimit.ASK_UP_PPM: _Field("ask_multiplier_up", _Unit.RATIO, most=MULTIPLIER_PPM_MAX),
    MarketLimit.ASK_DOWN_PPM: _Field("ask_multiplier_down", _Unit.RATIO, most=MULTIPLIER_PPM_MAX),
    MarketLimit.BREAKER_PPM: _Field("breaker_move", _Unit.RATIO, most=ONE_PPM - 1),
    MarketLimit.BREAKER_WINDOW_NS: _Field("breaker_window_ns", _Unit.NUMBER, least=1),
    MarketLimit.SELF_TRADE: _Field(
        "self_trade_mode", _Unit.NUMBER, least=min(SelfTrade), most=max(SelfTrade)
    ),
}


def limit_of(market: MarketInfo, which: MarketLimit) -> int:
    """The core's number of one limit."""
    if which is MarketLimit.NOTIONAL_MIN:
        return market.min_notional
    return int(getattr(market.limits, which.name.lower()))


def with_limits(market: MarketInfo, changes: Mapping[MarketLimit, int]) -> MarketInfo:
    """The market with some limits changed."""
    rest = {which.name.lower(): value for which, value in changes.items()}
    notional = rest.pop(MarketLimit.NOTIONAL_MIN.name.lower(), market.min_notional)
    return replace(market, min_notional=notional, limits=replace(market.limits, **rest))


def show_limit(market: MarketInfo, which: MarketLimit) -> str:
    """A limit as people write it."""
    return str(_write(market, _FIELDS[which].unit, limit_of(market, which)))


def limits_message(market: MarketInfo) -> pb.MarketLimits:
    """All limits of a market."""
    return pb.MarketLimits(
        **{
            field.name: _write(market, field.unit, limit_of(market, which))
            for which, field in _FIELDS.items()
        }
    )


def asked_limits(market: MarketInfo, message: pb.MarketLimits, path: str) -> dict[MarketLimit, int]:
    """The limits that a message gives, in the core's numbers.

    Raises InvalidField, naming the field below `path`, for what the core would refuse.
    """
    asked: dict[MarketLimit, int] = {}
    for which, field in _FIELDS.items():
        if message.HasField(field.name):  # type: ignore[arg-type]
            asked[which] = _read(market, field, getattr(message, field.name), path)
    return asked


def _read(market: MarketInfo, field: _Field, given: Any, path: str) -> int:  # noqa: ANN401
    name = f"{path}.{field.name}"
    readers: Mapping[_Unit, Callable[[Any], int]] = {
        _Unit.PRICE: lambda text: market.price_to_ticks(text, name),
        _Unit.QUANTITY: lambda text: market.quantity_to_lots(text, name),
        _Unit.QUOTE: lambda text: market.quote.to_units(text, name),
        _Unit.RATIO: lambda text: to_units(text, PPM_DECIMALS, name),
        _Unit.NUMBER: int,
        _Unit.FLAG: int,
    }
    value = readers[field.unit](given)
    most = field.most
    if field.unit is _Unit.PRICE:
        most = market.max_price
    elif field.unit is _Unit.QUANTITY and field.least:
        most = market.max_quantity
    if not field.least <= value <= most:
        least, greatest = (_write(market, field.unit, bound) for bound in (field.least, most))
        raise InvalidField(name, given, f"from {least} to {greatest}")
    return value


def _write(market: MarketInfo, unit: _Unit, value: int) -> Any:  # noqa: ANN401 - as the field
    match unit:
        case _Unit.PRICE:
            return market.ticks_to_price(value)
        case _Unit.QUANTITY:
            return market.lots_to_quantity(value)
        case _Unit.QUOTE:
            return market.quote.from_units(value)
        case _Unit.RATIO:
            return from_units(value, PPM_DECIMALS)
        case _Unit.FLAG:
            return bool(value)
        case _:
            return value
