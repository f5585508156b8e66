"""Markets and their public data."""

from typing import Annotated, Literal

from pydantic import Field

from tigerex_services.gateway.models.common import (
    Answer,
    DecimalString,
    Id,
    Query,
    Symbol,
    Timestamp,
    UnixMillis,
)

TRADES_LIMIT_MAX = 1_000
CANDLES_LIMIT_MAX = 1_000
BOOK_LEVELS_MAX = 5_000

Interval = Literal[
    "1s",
    "1m",
    "3m",
    "5m",
    "15m",
    "30m",
    "1h",
    "2h",
    "4h",
    "6h",
    "8h",
    "12h",
    "1d",
    "3d",
    "1w",
    "1M",
]
StreamInterval = Literal["1s", "1m"]
SideName = Literal["buy", "sell"]
MarketStateName = Literal["open", "halted", "cancel-only", "delisting"]


SelfTradeName = Literal["none", "expire-taker", "expire-maker", "expire-both", "decrement"]


class Filters(Answer):
    """What orders must keep to; null: no limit."""

    min_price: DecimalString
    min_quantity: DecimalString
    min_notional: DecimalString | None = Field(description="In quote asset.")
    max_notional: DecimalString | None = Field(description="In quote asset.")
    applies_to_market_orders: bool = Field(
        description="The notionals apply to orders at market too, at the last price."
    )
    max_market_quantity: DecimalString | None = Field(description="Of an order at market.")
    max_orders: int | None = Field(description="Open orders of an account in the market.")
    max_stop_orders: int | None = Field(description="Of them waiting for a price.")
    max_iceberg_orders: int | None
    max_position: DecimalString | None = Field(
        description="Base asset that an account may own or be buying."
    )
    bid_multiplier_up: DecimalString | None = Field(
        description="A buy order's price is at most so many times the last price."
    )
    bid_multiplier_down: DecimalString | None
    ask_multiplier_up: DecimalString | None
    ask_multiplier_down: DecimalString | None


class CircuitBreaker(Answer):
    """The market halts before a trade whose price moved further within a window."""

    move: DecimalString = Field(description="As a share of the reference price: 0.1 is 10 %.")
    window_seconds: float


class Market(Answer):
    symbol: Symbol
    base_asset: str = Field(examples=["BTC"])
    quote_asset: str = Field(examples=["USDT"])
    tick_size: DecimalString = Field(description="Smallest price step, in quote asset.")
    lot_size: DecimalString = Field(description="Smallest quantity step, in base asset.")
    max_price: DecimalString
    max_quantity: DecimalString
    min_notional: DecimalString = Field(
        description='Smallest price times quantity of a limit order, in quote asset; "0" for none.'
    )
    state: MarketStateName
    halt_reason: str | None = Field(
        description='Why the exchange itself halted the market: "CIRCUIT_BREAKER".'
    )
    last_price: DecimalString | None = Field(description="Price of the newest trade.")
    filters: Filters | None
    circuit_breaker: CircuitBreaker | None
    self_trade_prevention: SelfTradeName = Field(
        description="Between orders of one user, where the taking order names no other mode."
    )


class Markets(Answer):
    markets: list[Market]


class Trade(Answer):
    market: Symbol
    trade_id: int
    price: DecimalString
    quantity: DecimalString
    taker_side: SideName
    time: Timestamp


class Trades(Answer):
    trades: list[Trade] = Field(description="Newest first.")


class Candle(Answer):
    market: Symbol
    interval: Interval
    open_time: Timestamp = Field(description="Start of the interval.")
    open: DecimalString
    high: DecimalString
    low: DecimalString
    close: DecimalString
    volume: DecimalString = Field(description="In base asset.")
    quote_volume: DecimalString = Field(description="In quote asset.")
    trades: int
    closed: bool = Field(description="No trade can change it any more.")


class Candles(Answer):
    candles: list[Candle] = Field(
        description="Oldest first; intervals without a trade are left out."
    )


class Level(Answer):
    price: DecimalString
    quantity: DecimalString


class Book(Answer):
    market: Symbol
    bids: list[Level] = Field(description="Best first.")
    asks: list[Level] = Field(description="Best first.")
    seq: int = Field(description="Journal entry that the book reflects.")
    time: Timestamp | None


class TopOfBook(Answer):
    market: Symbol
    bid: Level | None = Field(description="Null while the side is empty.")
    ask: Level | None = Field(description="Null while the side is empty.")
    seq: int = Field(description="Journal entry that it reflects.")
    time: Timestamp | None


class BookChanges(Answer):
    """What changed in a book from one update to the next."""

    market: Symbol
    first_update_id: int = Field(description="last_update_id of the message before it, plus one.")
    last_update_id: int = Field(description="Journal entry that the book then reflects.")
    time: Timestamp | None
    bids: list[Level] = Field(description='Levels as they are now; quantity "0": gone.')
    asks: list[Level]


class TradesQuery(Query):
    before: Annotated[Id, Field(description="Trades older than this id; 0: newest.")] = 0
    limit: Annotated[int, Field(ge=1, le=TRADES_LIMIT_MAX)] = 100


class CandlesQuery(Query):
    interval: Interval = "1m"
    start_ms: UnixMillis = 0
    end_ms: Annotated[UnixMillis, Field(description="Exclusive; 0: now.")] = 0
    limit: Annotated[int, Field(ge=1, le=CANDLES_LIMIT_MAX)] = 500


class BookQuery(Query):
    levels: Annotated[
        int, Field(ge=1, le=BOOK_LEVELS_MAX, description="Price levels of each side.")
    ] = 50
