"""What is traded: an asset, and a market with its sizes and limits, as numbers of the core.

Both turn decimals into units, ticks and lots, and back.
"""

from dataclasses import dataclass

from tigerex_core.records import MarketState, Reason, SelfTrade
from tigerex_platform.errors import InvalidField
from tigerex_services.decimals import from_units, to_units

WINDOW_NS_FIRST = 60 * 10**9


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """One asset; `scale` is the number of decimals of its smallest unit."""

    asset_id: int
    code: str
    scale: int

    def to_units(self, amount: str, field: str = "amount") -> int:
        """Units of an amount; raises InvalidField when it is finer than the asset's scale."""
        return to_units(amount, self.scale, field)

    def from_units(self, units: int) -> str:
        return from_units(units, self.scale)


@dataclass(frozen=True, slots=True)
class Limits:
    """What SET_MARKET_LIMIT sets, by the names of MarketLimit, at first what a new market has.

    Beside them MarketInfo has `min_notional`, which a market is made with.
    """

    price_min: int = 1
    quantity_min: int = 1
    notional_max: int = 0
    notional_of_market_orders: int = 0
    market_quantity_max: int = 0
    orders_max: int = 0
    stops_max: int = 0
    icebergs_max: int = 0
    position_max: int = 0
    bid_up_ppm: int = 0
    bid_down_ppm: int = 0
    ask_up_ppm: int = 0
    ask_down_ppm: int = 0
    breaker_ppm: int = 0
    breaker_window_ns: int = WINDOW_NS_FIRST
    self_trade: int = SelfTrade.NONE


FIRST_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class MarketInfo:
    """One market: `tick` in quote units per whole base, `lot` in base units.

    Maxima are in ticks (`max_price`) and lots (`max_quantity`), `min_notional` in quote units;
    `halt_reason` says why the exchange itself halted the market.
    """

    market_id: int
    symbol: str
    base: AssetInfo
    quote: AssetInfo
    tick: int
    lot: int
    max_price: int
    max_quantity: int
    min_notional: int
    state: MarketState
    limits: Limits = FIRST_LIMITS
    halt_reason: int = Reason.NONE

    def price_to_ticks(self, price: str, field: str = "price") -> int:
        """Ticks of a price; raises InvalidField when it is not a multiple of the tick size."""
        return _in_steps(self.quote, price, self.tick, field, "tick size")

    def ticks_to_price(self, ticks: int) -> str:
        return self.quote.from_units(ticks * self.tick)

    def quantity_to_lots(self, quantity: str, field: str = "quantity") -> int:
        """Lots of a quantity; raises InvalidField when it is not a multiple of the lot size."""
        return _in_steps(self.base, quantity, self.lot, field, "lot size")

    def lots_to_quantity(self, lots: int) -> str:
        return self.base.from_units(lots * self.lot)

    def notional(self, ticks: int, lots: int) -> int:
        """Quote units of price times quantity: exact, by the rule that market creation checks."""
        return int(ticks) * self.tick * int(lots) * self.lot // int(10**self.base.scale)


def _in_steps(asset: AssetInfo, text: str, step: int, field: str, step_name: str) -> int:
    units = asset.to_units(text, field)
    steps, rest = divmod(units, step)
    if rest:
        raise InvalidField(field, text, f"a multiple of the {step_name} {asset.from_units(step)}")
    return steps
