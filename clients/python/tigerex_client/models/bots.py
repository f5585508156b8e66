"""Trading bots, and what their stream tells."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tigerex_client.models.market import Side
from tigerex_client.parsing import UnixNs

BotStatus = Literal["created", "starting", "running", "paused", "stopped", "completed", "failed"]
BotState = Literal["running", "paused", "stopped"]
BotTypeName = Literal["spot-grid", "dca"]


@dataclass(frozen=True, slots=True)
class SpotGridConfig:
    """Buys low and sells high on a ladder of `levels` prices; money in quote asset."""

    lower_price: Decimal
    upper_price: Decimal
    levels: int
    investment: Decimal
    spacing: Literal["arithmetic", "geometric"] = "arithmetic"


@dataclass(frozen=True, slots=True)
class DcaConfig:
    """Buys for `amount` of quote asset at a fixed interval."""

    amount: Decimal
    interval_seconds: int
    max_purchases: int
    max_price: Decimal | None = None


BotConfig = SpotGridConfig | DcaConfig


@dataclass(frozen=True, slots=True)
class Performance:
    """Values in quote asset, at the market's last price; rates are fractions."""

    total_value: Decimal
    profit_loss: Decimal
    roi: Decimal
    trades: int
    win_rate: Decimal | None
    max_drawdown: Decimal | None
    sharpe_ratio: Decimal | None
    time_ns: UnixNs | None


@dataclass(frozen=True, slots=True)
class Bot:
    """`managed`: made by a Kubernetes resource, and changed there only."""

    bot_id: str
    name: str
    type: BotTypeName
    market: str
    config: SpotGridConfig | DcaConfig
    account: str
    isolation: Literal["shared", "dedicated"]
    status: BotStatus
    status_reason: str | None
    desired_state: BotState | None
    managed: bool
    generation: int
    observed_generation: int
    performance: Performance | None
    created_at_ns: UnixNs | None
    updated_at_ns: UnixNs | None
    started_at_ns: UnixNs | None
    stopped_at_ns: UnixNs | None


@dataclass(frozen=True, slots=True)
class Bots:
    """A page; `next_page_token` is None on the last one."""

    bots: tuple[Bot, ...]
    next_page_token: str | None


@dataclass(frozen=True, slots=True)
class BotTrade:
    """`profit_loss` against the average cost of the position; 0 for opening trades."""

    trade_id: int
    order_id: int
    market: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    profit_loss: Decimal
    time_ns: UnixNs | None


@dataclass(frozen=True, slots=True)
class BotTypeField:
    name: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True)
class BotType:
    type: str
    description: str
    fields: tuple[BotTypeField, ...]


@dataclass(frozen=True, slots=True)
class BotTraded:
    bot_id: str
    trade: BotTrade
    event: Literal["trade"] = "trade"


@dataclass(frozen=True, slots=True)
class BotChanged:
    bot: Bot
    event: Literal["bot"] = "bot"


@dataclass(frozen=True, slots=True)
class BotRemoved:
    bot_id: str
    event: Literal["removed"] = "removed"


# In this order: what is told of a removed bot is part of what is told of a trade.
BotEvent = BotTraded | BotChanged | BotRemoved
