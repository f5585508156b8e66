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
    state: Literal["Open", "Halted"] = "Open"
    feed: FeedSpec | None = None

    @property
    def feed_type(self) -> str:
        """`none` where no feed is asked for."""
        return self.feed.type if self.feed else "none"
