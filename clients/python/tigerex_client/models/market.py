"""Markets and their public data."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tigerex_client.parsing import UnixNs

Interval = Literal[
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w",
    "1M",
]  # fmt: skip
StreamInterval = Literal["1s", "1m"]
Side = Literal["buy", "sell"]
MarketState = Literal["open", "halted", "cancel-only", "delisting"]
SelfTradeMode = Literal["none", "expire-taker", "expire-maker", "expire-both", "decrement"]


@dataclass(frozen=True, slots=True)
class Filters:
    """What orders must keep to; None: no limit."""

    min_price: Decimal
    min_quantity: Decimal
    min_notional: Decimal | None
    max_notional: Decimal | None
    applies_to_market_orders: bool
    max_market_quantity: Decimal | None
    max_orders: int | None
    max_stop_orders: int | None
    max_iceberg_orders: int | None
    max_position: Decimal | None
    bid_multiplier_up: Decimal | None
    bid_multiplier_down: Decimal | None
    ask_multiplier_up: Decimal | None
    ask_multiplier_down: Decimal | None


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """`move` as a share of the reference price: 0.1 is 10 %."""

    move: Decimal
    window_seconds: Decimal


@dataclass(frozen=True, slots=True)
class Market:
    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal
    lot_size: Decimal
    max_price: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    state: MarketState
    halt_reason: str | None
    last_price: Decimal | None
    filters: Filters | None
    circuit_breaker: CircuitBreaker | None
    self_trade_prevention: SelfTradeMode


@dataclass(frozen=True, slots=True)
class Trade:
    """`trade_id` grows within a market."""

    market: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    taker_side: Side
    time_ns: UnixNs


@dataclass(frozen=True, slots=True)
class Candle:
    """`closed`: no trade can change it any more."""

    market: str
    interval: Interval
    open_time_ns: UnixNs
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a window that ends now and begins with a full minute; prices are None without a trade."""

    market: str
    open_time_ns: UnixNs
    close_time_ns: UnixNs
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    last: Decimal | None
    volume: Decimal
    quote_volume: Decimal
    trades: int


@dataclass(frozen=True, slots=True)
class Level:
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Best levels first, as of journal entry `seq`."""

    market: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    seq: int
    time_ns: UnixNs | None


@dataclass(frozen=True, slots=True)
class BookChanges:
    """Levels changed by updates `first_update_id` to `last_update_id`; quantity 0: gone."""

    market: str
    first_update_id: int
    last_update_id: int
    time_ns: UnixNs | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class TopOfBook:
    """None while a side is empty."""

    market: str
    bid: Level | None
    ask: Level | None
    seq: int
    time_ns: UnixNs | None


@dataclass(frozen=True, slots=True)
class ServerTime:
    time_ns: UnixNs
