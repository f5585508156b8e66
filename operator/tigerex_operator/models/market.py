"""`Market.spec`, field by field as in the resource's schema."""

from typing import Literal

from pydantic import Field

from tigerex_operator.models.common import AssetCode, Decimal, Model


class SimulatedFeedSpec(Model):
    """A seeded random walk, quoted and traded by house accounts."""

    seed: int = Field(1, ge=0, le=2**31 - 1)
    reference_price: Decimal
    volatility: Decimal = "0.0002"
    spread: Decimal = "0.0002"
    levels: int = Field(10, ge=1, le=50)
    orders_per_second: int = Field(5, ge=1, le=500)
    level_notional: Decimal = "2000"


class ReplayFeedSpec(Model):
    """A recorded capture on a volume of the namespace."""

    claim_name: str = Field(min_length=1, max_length=253)
    path: str = Field(min_length=1, max_length=255)
    speed: Decimal = "1"


class FeedSpec(Model):
    """What keeps the market alive."""

    type: Literal["none", "simulated", "replay"] = "simulated"
    simulated: SimulatedFeedSpec | None = None
    replay: ReplayFeedSpec | None = None


class PercentPriceSpec(Model):
    """Multiples of the last price that limit prices stay within."""

    bid_up: Decimal | None = None
    bid_down: Decimal | None = None
    ask_up: Decimal | None = None
    ask_down: Decimal | None = None


class FiltersSpec(Model):
    """What orders must keep to beside the increments; None: no limit."""

    min_price: Decimal | None = None
    min_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    apply_to_market_orders: bool = False
    max_market_quantity: Decimal | None = None
    max_orders: int | None = Field(None, ge=1, le=1_000_000)
    max_stop_orders: int | None = Field(None, ge=1, le=1_000_000)
    max_iceberg_orders: int | None = Field(None, ge=1, le=1_000_000)
    max_position: Decimal | None = None
    percent_price: PercentPriceSpec | None = None


class CircuitBreakerSpec(Model):
    """The largest move of the price within a window."""

    move_percent: Decimal
    window_seconds: int = Field(60, ge=1, le=86_400)


class MarketSpec(Model):
    """One market of the tenant. Prices in quote per base asset, quantities in base asset."""

    symbol: str | None = None
    base_asset: AssetCode
    quote_asset: AssetCode
    tick_size: Decimal
    lot_size: Decimal
    max_price: Decimal
    max_quantity: Decimal
    min_notional: Decimal = "0"
    filters: FiltersSpec | None = None
    circuit_breaker: CircuitBreakerSpec | None = None
    self_trade_prevention: Literal[
        "None", "ExpireTaker", "ExpireMaker", "ExpireBoth", "Decrement"
    ] = "None"
    state: Literal["Open", "Halted", "CancelOnly", "Delisting"] = "Open"
    feed: FeedSpec | None = None

    @property
    def feed_type(self) -> str:
        """`none` where no feed is asked for."""
        return self.feed.type if self.feed else "none"
