"""What the bots service keeps: a bot, the work on it, and the words for their states."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

SHARDS: Final = 256


class Status(StrEnum):
    """What a reader sees."""

    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"


class Desired(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class Isolation(StrEnum):
    SHARED = "shared"
    DEDICATED = "dedicated"


class Outcome(StrEnum):
    """How a run ended by itself; NONE while it has not."""

    NONE = ""
    COMPLETED = "completed"
    FAILED = "failed"


class Stage(StrEnum):
    """How far the work on a bot has come; see `service.decide`."""

    IDLE = "idle"  # nothing in the bot's account
    FUNDING = "funding"  # the run is chosen, the money may be on its way
    FUNDED = "funded"
    ACTIVE = "active"  # started: the strategy is at work, or paused
    FENCED = "fenced"  # the strategy may not act any more; orders may be open
    COLLECTING = "collecting"  # no order is open; fills may not be recorded yet
    RETURNING = "returning"  # every fill is recorded; money may be in the account


class Signal:
    """Numbers of tigerex.exchange.v1.Signal."""

    TAKEOVER: Final = 1
    START: Final = 2
    PAUSE: Final = 3
    RESUME: Final = 4
    STOP: Final = 5


@dataclass(frozen=True, slots=True)
class BotRow:
    """A row of trading_bots. Money in quote asset, `position_base` in base asset."""

    id: UUID
    user_id: int
    user_name: str
    account_name: str
    bot_type: str
    name: str
    symbol: str
    config: dict[str, Any]
    isolation: str
    shard: str
    desired_state: str
    managed: bool
    deleting: bool
    generation: int
    config_version: int
    observed_generation: int
    revision: int
    status: str
    status_reason: str
    outcome: str
    investment: Decimal
    cash: Decimal
    position_base: Decimal
    position_cost: Decimal
    close_price: Decimal | None
    past_profit: Decimal
    total_profit: Decimal
    total_trades: int
    closing_trades: int
    winning_trades: int
    win_rate: Decimal
    peak_value: Decimal
    max_drawdown: Decimal
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None

    @property
    def wants_to_run(self) -> bool:
        """Whether money is to be at work: running or paused."""
        return not self.deleting and not self.outcome and self.desired_state != Desired.STOPPED


@dataclass(frozen=True, slots=True)
class RunRow:
    """A row of bot_runs: the present or last run of a bot."""

    bot_id: UUID
    stage: str
    run: int
    run_version: int
    config: dict[str, Any] | None
    investment: str
    quote_asset: str
    funding_try: int
    funding_account_id: int
    account_id: int
    epoch: int
    signal: int
    signalled: bool
    paused: bool
    fenced_for: str
    start_seq: int
    collected_seq: int
    settled_revision: int
    attempts: int


def shard_of(bot_id: UUID, isolation: str) -> str:
    """The lease that a bot's runner holds."""
    if isolation == Isolation.DEDICATED:
        return f"bot:{bot_id}"
    return str(int.from_bytes(sha256(bot_id.bytes).digest()[:8], "big") % SHARDS)


def bot_account_name(bot_id: UUID) -> str:
    """The name of the bot's own sub-account; 40 characters, the longest allowed."""
    return f"bot-{bot_id}"
