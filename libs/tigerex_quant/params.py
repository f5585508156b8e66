"""What a person configures, checked and turned into the int64 configuration of a kernel.

Pure: the service that takes the request and the tests use the same checks. Prices come in ticks and
amounts in units; a refusal names the field, shows the value as a person wrote it, and says what is
allowed.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from tigerex_quant.dca import (
    CONFIG_WIDTH,
    D_AMOUNT,
    D_INTERVAL_NS,
    D_PRICE_LIMIT,
    D_PURCHASES_MAX,
)
from tigerex_quant.kernel import (
    C_INVESTMENT,
    C_LOT,
    C_MAX_PRICE,
    C_MAX_QUANTITY,
    C_MIN_NOTIONAL,
    C_UNIT,
    C_WIDTH,
    Ints,
)
from tigerex_quant.levels import arithmetic_levels, geometric_levels
from tigerex_quant.spot_grid import G_LEVELS, G_PRICES, cost_of

LEVELS_MIN: Final = 2
LEVELS_MAX: Final = 200
INTERVAL_S_MAX: Final = 31_536_000
PURCHASES_MAX: Final = 10_000
NS_PER_S: Final = 1_000_000_000
# Sums of 200 notionals stay below 2^63.
AMOUNT_MAX: Final = 2**54
LOTS_MAX: Final = 2**40


class ParameterError(ValueError):
    """A parameter is refused: which, what it was, what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field} is {value}; allowed: {allowed}")
        self.field = field
        self.value = str(value)
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class MarketRules:
    """What a kernel has to know of a market.

    `tick` in quote units per whole base, `lot` in base units, `max_price` in ticks, `max_quantity`
    in lots, `min_notional` in quote units.
    """

    tick: int
    lot: int
    base_scale: int
    quote_scale: int
    max_price: int
    max_quantity: int
    min_notional: int

    @property
    def unit(self) -> int:
        """Quote units of one lot at a price of one tick; whole, by the rule of market creation."""
        return self.tick * self.lot // int(10**self.base_scale)

    def price_text(self, ticks: int) -> str:
        return _text(ticks * self.tick, self.quote_scale)

    def quote_text(self, units: int) -> str:
        return _text(units, self.quote_scale)


@dataclass(frozen=True, slots=True)
class SpotGridParameters:
    """Bounds in ticks, investment in quote units."""

    lower_price: int
    upper_price: int
    levels: int
    geometric: bool
    investment: int


@dataclass(frozen=True, slots=True)
class DcaParameters:
    """Amount of one purchase in quote units, price limit in ticks; None: no limit."""

    amount: int
    interval_s: int
    max_purchases: int
    max_price: int | None = None


def spot_grid_config(parameters: SpotGridParameters, market: MarketRules) -> Ints:
    """The configuration of a spot grid; raises ParameterError."""
    _within("levels", parameters.levels, LEVELS_MIN, LEVELS_MAX)
    lower, upper = parameters.lower_price, parameters.upper_price
    if lower < 1:
        raise ParameterError("lower_price", market.price_text(lower), "greater than zero")
    if not lower < upper <= market.max_price:
        text = f"above lower_price {market.price_text(lower)}"
        limit = f"at most {market.price_text(market.max_price)}"
        raise ParameterError("upper_price", market.price_text(upper), f"{text}, {limit}")
    build = geometric_levels if parameters.geometric else arithmetic_levels
    prices = build(lower, upper, parameters.levels)
    if any(b <= a for a, b in pairwise(prices)):
        raise ParameterError(
            "levels",
            parameters.levels,
            f"so few that neighbouring levels differ by a tick of {market.price_text(1)}",
        )
    config = np.zeros(G_PRICES + parameters.levels, dtype=np.int64)
    _put_market(config, market)
    config[C_INVESTMENT] = parameters.investment
    config[G_LEVELS] = parameters.levels
    config[G_PRICES:] = prices
    _check_investment(parameters.investment, config, market)
    return config


def dca_config(parameters: DcaParameters, market: MarketRules) -> Ints:
    """The configuration of a DCA bot; raises ParameterError."""
    _within("interval_seconds", parameters.interval_s, 1, INTERVAL_S_MAX)
    _within("max_purchases", parameters.max_purchases, 1, PURCHASES_MAX)
    limit = parameters.max_price if parameters.max_price is not None else market.max_price
    if not 1 <= limit <= market.max_price:
        allowed = f"above zero, at most {market.price_text(market.max_price)}"
        raise ParameterError("max_price", market.price_text(limit), allowed)
    smallest = max(market.min_notional, market.unit)
    largest = AMOUNT_MAX // parameters.max_purchases
    if not smallest <= parameters.amount <= largest:
        allowed = f"from {market.quote_text(smallest)} to {market.quote_text(largest)}"
        raise ParameterError("amount", market.quote_text(parameters.amount), allowed)
    config = np.zeros(CONFIG_WIDTH, dtype=np.int64)
    _put_market(config, market)
    config[C_INVESTMENT] = parameters.amount * parameters.max_purchases
    config[D_AMOUNT] = parameters.amount
    config[D_INTERVAL_NS] = parameters.interval_s * NS_PER_S
    config[D_PURCHASES_MAX] = parameters.max_purchases
    config[D_PRICE_LIMIT] = limit
    return config


def _put_market(config: Ints, market: MarketRules) -> None:
    config[:C_WIDTH] = 0
    config[C_UNIT] = market.unit
    config[C_LOT] = market.lot
    config[C_MAX_PRICE] = market.max_price
    config[C_MAX_QUANTITY] = market.max_quantity
    config[C_MIN_NOTIONAL] = market.min_notional


def _check_investment(investment: int, config: Ints, market: MarketRules) -> None:
    """Refuse an investment that is not enough wherever the price starts, or too large to count."""
    levels = int(config[G_LEVELS])
    lowest, highest = int(config[G_PRICES]), int(config[G_PRICES + levels - 1])
    lots = max(-(-market.min_notional // (lowest * market.unit)), 1)
    largest = min(AMOUNT_MAX, LOTS_MAX * lowest * market.unit)
    if lots * highest * market.unit * levels * 2 > AMOUNT_MAX:
        raise ParameterError("levels", levels, "fewer: the smallest order at each is too large")
    # The cost only grows with the starting price, up to where nothing is left to buy.
    smallest = max(
        int(cost_of(config, vacant, int(config[G_PRICES + min(vacant + 1, levels - 1)]), lots))
        for vacant in range(levels)
    )
    if not smallest <= investment <= largest:
        allowed = f"from {market.quote_text(smallest)} to {market.quote_text(largest)}"
        raise ParameterError("investment", market.quote_text(investment), allowed)


def _within(field: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise ParameterError(field, value, f"from {lowest} to {highest}")


def _text(units: int, scale: int) -> str:
    """The shortest plain decimal string of a number of units of 10^-scale."""
    sign = "-" if units < 0 else ""
    whole, fraction = divmod(abs(units), 10**scale)
    if fraction == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{scale}d}".rstrip("0")
