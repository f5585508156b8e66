"""`TradingBot.spec`, field by field as in the resource's schema."""

from typing import Literal

from pydantic import Field

from tigerex_operator.models.common import Decimal, Model, UserName


class SpotGridSpec(Model):
    """Settings of a spot grid. Prices in quote per base asset."""

    lower_price: Decimal
    upper_price: Decimal
    levels: int = Field(ge=2, le=200)
    spacing: Literal["arithmetic", "geometric"] = "arithmetic"
    investment: Decimal


class DcaSpec(Model):
    """Settings of periodic purchases."""

    amount: Decimal
    interval_seconds: int = Field(ge=1, le=31_536_000)
    max_purchases: int = Field(ge=1, le=10_000)
    max_price: Decimal | None = None


class AccountRef(Model):
    """The account that a bot is funded from."""

    user: UserName
    account: str = Field("main", min_length=1, max_length=64)


class TradingBotSpec(Model):
    """One bot on one market."""

    market: str = Field(min_length=1, max_length=32)
    type: Literal["spot-grid", "dca"]
    spot_grid: SpotGridSpec | None = None
    dca: DcaSpec | None = None
    account_ref: AccountRef | None = None
    isolation: Literal["shared", "dedicated"] = "shared"
    state: Literal["Running", "Paused", "Stopped"] = "Running"
