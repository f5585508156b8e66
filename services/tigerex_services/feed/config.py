"""`TIGEREX_FEED`: one market's feed as the Market resource describes it, checked field by field."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from tigerex_platform.errors import InvalidField
from tigerex_services.decimals import to_units
from tigerex_services.feed.simulated import ROOM_GAPS, Plan
from tigerex_services.feed.steps import DECIMALS, ONE, Steps

VARIABLE = "TIGEREX_FEED"
FRACTION_MAX_E8 = ONE // 10
SPEED_MAX = 1000

PlainDecimal = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?$")]


class Model(BaseModel):
    """Names as in the resource; an unknown one is refused: a typing error is not a default."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class SimulatedConfig(Model):
    """A seeded random walk, quoted and traded by house accounts."""

    seed: int = Field(1, ge=0, lt=2**31)
    reference_price: PlainDecimal
    volatility: PlainDecimal = "0.0002"
    """Standard deviation of the relative change in one second, at most 0.1."""
    spread: PlainDecimal = "0.0002"
    """Distance of best bid and best ask as a fraction of the price, above 0, up to 0.1."""
    levels: int = Field(10, ge=1, le=50)
    orders_per_second: int = Field(5, ge=1, le=500)
    """Takers and refreshed levels together; re-quotes that follow the price come on top."""
    level_notional: PlainDecimal = "2000"
    """Average size of a maker's best level, in quote asset."""

    def plan(self, steps: Steps, *, run: int, last_ticks: int = 0) -> Plan:
        """The simulation for a market; `last_ticks` is its last price, 0 before the first trade.

        Raises InvalidField for what does not fit the market's increments and limits.
        """
        spread_e8 = _fraction(self.spread, "simulated.spread")
        if spread_e8 == 0:
            raise InvalidField("simulated.spread", self.spread, "above 0 and at most 0.1")
        reference = steps.floor_ticks(
            to_units(self.reference_price, DECIMALS, "simulated.referencePrice")
        )
        room = max(1, reference * spread_e8 // (2 * ONE)) * (self.levels + ROOM_GAPS)
        if not room < reference < steps.max_ticks - room:
            raise InvalidField(
                "simulated.referencePrice",
                self.reference_price,
                f"a price that leaves room for {self.levels} levels above 0 and below the largest",
            )
        price_e8 = reference * steps.tick_e8
        notional_e8 = to_units(self.level_notional, DECIMALS, "simulated.levelNotional")
        # The price may halve on its walk, so the smallest order must be worth enough there too.
        least = -(-2 * steps.min_notional_e16 // (price_e8 * steps.lot_e8))
        return Plan(
            symbol=steps.symbol,
            seed=self.seed,
            run=run,
            reference_ticks=reference,
            start_ticks=last_ticks or reference,
            volatility_e8=_fraction(self.volatility, "simulated.volatility"),
            spread_e8=spread_e8,
            levels=self.levels,
            orders_per_second=self.orders_per_second,
            level_lots=min(max(1, notional_e8 * ONE // price_e8 // steps.lot_e8), steps.max_lots),
            min_lots=max(1, least),
            max_lots=steps.max_lots,
            max_ticks=steps.max_ticks,
        )


class ReplayConfig(Model):
    """A recorded capture; its quotes and trades become orders at the pace it has times `speed`."""

    claim_name: str = ""
    path: Path
    speed: PlainDecimal = "1"

    @property
    def speed_factor(self) -> float:
        """Raises InvalidField unless above 0 and at most SPEED_MAX."""
        factor = float(self.speed)
        if not 0 < factor <= SPEED_MAX:
            raise InvalidField("replay.speed", self.speed, f"above 0 and at most {SPEED_MAX}")
        return factor


class FeedConfig(Model):
    """Which feed, and its part of the description."""

    symbol: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    type: Literal["simulated", "replay"] = "simulated"
    simulated: SimulatedConfig | None = None
    replay: ReplayConfig | None = None

    @model_validator(mode="after")
    def _has_its_part(self) -> "FeedConfig":
        for name, part in (("simulated", self.simulated), ("replay", self.replay)):
            if (part is not None) != (self.type == name):
                raise ValueError(
                    f"{name} is for type {name}: required there, not allowed elsewhere"
                )
        return self


def read_config(text: str, symbol: str = "") -> FeedConfig:
    """The feed that the JSON text describes. Raises InvalidField naming the field.

    `symbol` is the market of the command line; the description may repeat it, not contradict it.
    """
    try:
        config = FeedConfig.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=True)[0]
        where = ".".join(str(part) for part in first["loc"]) or "feed"
        raise InvalidField(f"{VARIABLE}.{where}", first["input"], first["msg"]) from None
    if symbol and config.symbol != symbol:
        raise InvalidField(f"{VARIABLE}.symbol", config.symbol, f"the market {symbol}")
    return config


def _fraction(text: str, field: str) -> int:
    fraction_e8 = to_units(text, DECIMALS, field)
    if fraction_e8 > FRACTION_MAX_E8:
        raise InvalidField(field, text, "a fraction of at most 0.1")
    return fraction_e8
