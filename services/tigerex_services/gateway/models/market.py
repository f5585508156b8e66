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
BOOK_LEVELS_MAX = 1_000

Interval = Literal["1s", "1m"]
SideName = Literal["buy", "sell"]
MarketStateName = Literal["open", "halted", "cancel-only", "delisting"]


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
    last_price: DecimalString | None = Field(description="Price of the newest trade.")


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
