"""A bot's configuration message as the int64 configuration of its strategy's kernel.

Shared by the bots service, which refuses a wrong one, and the runner, which runs it: one reading.
"""

from typing import Final

from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_platform.errors import InvalidField
from tigerex_quant import (
    STRATEGIES,
    DcaParameters,
    MarketRules,
    ParameterError,
    SpotGridParameters,
    Strategy,
    dca_config,
    spot_grid_config,
)
from tigerex_quant.kernel import C_INVESTMENT, Ints
from tigerex_services.instruments import MarketInfo

SPOT_GRID: Final = "spot-grid"
DCA: Final = "dca"
FIELD: Final = "spec.config"


def bot_type(config: pb.BotConfig) -> str:
    """The name of the strategy; raises InvalidField when none is chosen."""
    match config.WhichOneof("config"):
        case "spot_grid":
            return SPOT_GRID
        case "dca":
            return DCA
        case _:
            raise InvalidField(FIELD, "nothing", "spot_grid or dca")


def kernel_config(config: pb.BotConfig, market: MarketInfo) -> tuple[Strategy, Ints]:
    """The strategy and its configuration; raises InvalidField naming the field of the message."""
    name = bot_type(config)
    rules = MarketRules(
        tick=market.tick,
        lot=market.lot,
        base_scale=market.base.scale,
        quote_scale=market.quote.scale,
        max_price=market.max_price,
        max_quantity=market.max_quantity,
        min_notional=market.min_notional,
    )
    prefix = f"{FIELD}.{name.replace('-', '_')}"
    try:
        if name == SPOT_GRID:
            array = spot_grid_config(_spot_grid(config.spot_grid, market, prefix), rules)
        else:
            array = dca_config(_dca(config.dca, market, prefix), rules)
    except ParameterError as error:
        raise InvalidField(f"{prefix}.{error.field}", error.value, error.allowed) from None
    return STRATEGIES[name], array


def investment_text(config: Ints, market: MarketInfo) -> str:
    """What is moved into the bot's account at its start, in quote asset."""
    return market.quote.from_units(int(config[C_INVESTMENT]))


def _spot_grid(grid: pb.SpotGridConfig, market: MarketInfo, prefix: str) -> SpotGridParameters:
    spacings = {pb.GRID_SPACING_ARITHMETIC: False, pb.GRID_SPACING_GEOMETRIC: True}
    # Arithmetic is what the word grid means where nothing else is said.
    spacing = grid.spacing or pb.GRID_SPACING_ARITHMETIC
    if spacing not in spacings:
        raise InvalidField(f"{prefix}.spacing", spacing, "ARITHMETIC or GEOMETRIC")
    return SpotGridParameters(
        lower_price=market.price_to_ticks(grid.lower_price, f"{prefix}.lower_price"),
        upper_price=market.price_to_ticks(grid.upper_price, f"{prefix}.upper_price"),
        levels=grid.levels,
        geometric=spacings[spacing],
        investment=market.quote.to_units(grid.investment, f"{prefix}.investment"),
    )


def _dca(dca: pb.DcaConfig, market: MarketInfo, prefix: str) -> DcaParameters:
    limit = None
    if dca.max_price:
        limit = market.price_to_ticks(dca.max_price, f"{prefix}.max_price")
    return DcaParameters(
        amount=market.quote.to_units(dca.amount, f"{prefix}.amount"),
        interval_s=dca.interval_seconds,
        max_purchases=dca.max_purchases,
        max_price=limit,
    )
