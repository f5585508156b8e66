"""Trading bots: what a user sends and what is answered."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tigerex_services.gateway.models.common import (
    AccountName,
    Answer,
    Body,
    BotId,
    DecimalString,
    Id,
    Int32,
    Query,
    Symbol,
    Timestamp,
)
from tigerex_services.gateway.models.market import SideName

PAGE_SIZE_MAX = 500
TRADES_PAGE_SIZE_MAX = 500

BotTypeName = Literal["spot-grid", "dca"]
StateName = Literal["running", "paused", "stopped"]
StatusName = Literal["created", "starting", "running", "paused", "stopped", "completed", "failed"]

BotName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=63),
    Field(description="Your name for the bot.", examples=["my-grid"]),
]


class SpotGridConfig(Body):
    """Buys low and sells high on a ladder of price levels between two bounds."""

    lower_price: DecimalString = Field(
        description="In quote asset, a multiple of the tick size.", examples=["59000"]
    )
    upper_price: DecimalString = Field(
        description="Above lower_price, a multiple of the tick size.", examples=["61000"]
    )
    levels: Int32 = Field(
        description="Number of price levels, both bounds included: 2 to 200.", examples=[21]
    )
    spacing: Literal["arithmetic", "geometric"] = "arithmetic"
    investment: DecimalString = Field(
        description="Quote asset moved into the bot's own account at the start.",
        examples=["1000"],
    )


class DcaConfig(Body):
    """Buys for a fixed amount at a fixed interval."""

    amount: DecimalString = Field(
        description="Quote asset spent at each purchase.", examples=["25"]
    )
    interval_seconds: Int32 = Field(description="1 to 31,536,000.", examples=[3600])
    max_purchases: Int32 = Field(
        description="The bot completes after so many purchases: 1 to 10,000.", examples=[100]
    )
    max_price: DecimalString | None = Field(
        default=None, description="No purchase above this price.", examples=["70000"]
    )


class NewSpotGrid(Body):
    type: Literal["spot-grid"]
    name: BotName
    market: Symbol
    config: SpotGridConfig
    account: AccountName = "main"
    start: bool = Field(default=False, description="Start at once.")


class NewDca(Body):
    type: Literal["dca"]
    name: BotName
    market: Symbol
    config: DcaConfig
    account: AccountName = "main"
    start: bool = Field(default=False, description="Start at once.")


NewBot = Annotated[NewSpotGrid | NewDca, Field(discriminator="type")]


class SpotGridChange(Body):
    type: Literal["spot-grid"]
    name: BotName
    config: SpotGridConfig


class DcaChange(Body):
    type: Literal["dca"]
    name: BotName
    config: DcaConfig


BotChange = Annotated[SpotGridChange | DcaChange, Field(discriminator="type")]


class Performance(Answer):
    total_value: str = Field(description="In quote asset, at the market's last price.")
    profit_loss: str = Field(description="In quote asset.")
    roi: str = Field(description="Fraction of the investment.")
    trades: int
    win_rate: str | None = Field(description="Fraction of closing trades with a profit.")
    max_drawdown: str | None
    sharpe_ratio: str | None = Field(
        description="Annualised from hourly values; null with fewer than 3 of them."
    )
    time: Timestamp | None


class Bot(Answer):
    bot_id: BotId
    name: str
    type: BotTypeName
    market: Symbol
    config: SpotGridConfig | DcaConfig
    account: str = Field(description="Account it is funded from.")
    isolation: Literal["shared", "dedicated"]
    status: StatusName
    status_reason: str | None
    desired_state: StateName | None
    managed: bool = Field(
        description="Made by a Kubernetes resource: change it there, here it answers 409."
    )
    generation: int
    observed_generation: int = Field(description="Generation that is in force.")
    performance: Performance | None
    created_at: Timestamp | None
    updated_at: Timestamp | None
    started_at: Timestamp | None
    stopped_at: Timestamp | None


class Bots(Answer):
    bots: list[Bot]
    next_page_token: str | None = Field(description="Null on the last page.")


class BotTrade(Answer):
    trade_id: int
    order_id: int
    market: Symbol
    side: SideName
    price: DecimalString
    quantity: DecimalString
    fee: str
    fee_asset: str
    profit_loss: str = Field(
        description="Against the average cost of the position, in quote asset; "
        '"0" for opening trades.'
    )
    time: Timestamp | None


class BotTrades(Answer):
    trades: list[BotTrade] = Field(description="Newest first.")


class PerformanceHistory(Answer):
    points: list[Performance]


class BotTypeField(Answer):
    name: str
    description: str
    required: bool


class BotType(Answer):
    type: str
    description: str
    fields: list[BotTypeField]


class BotTypes(Answer):
    types: list[BotType]


class BotsQuery(Query):
    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = 100
    page_token: Annotated[str, Field(max_length=256)] = ""


class BotTradesQuery(Query):
    before: Annotated[Id, Field(description="Trades older than this id; 0: newest.")] = 0
    limit: Annotated[int, Field(ge=1, le=TRADES_PAGE_SIZE_MAX)] = 100


class PerformanceQuery(Query):
    limit: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = 100
