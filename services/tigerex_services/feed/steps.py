"""From prices and sizes of elsewhere to the ticks and lots of a market."""

from dataclasses import dataclass

from tigerex_services.instruments import MarketInfo

DECIMALS = 8
ONE: int = 10**DECIMALS
"""Prices and quantities of elsewhere are integers of 1e-8: what venues print, and exact."""


@dataclass(frozen=True, slots=True)
class Steps:
    """One market's increments and limits as a feed needs them."""

    symbol: str
    tick_e8: int
    lot_e8: int
    max_ticks: int
    max_lots: int
    min_notional_e16: int

    def floor_ticks(self, price_e8: int) -> int:
        """The highest price of the market that is not above: for bids, and for selling at once."""
        return min(price_e8 // self.tick_e8, self.max_ticks)

    def ceil_ticks(self, price_e8: int) -> int:
        """The lowest price of the market that is not below; may exceed max_ticks."""
        return -(-price_e8 // self.tick_e8)

    def lots(self, quantity_e8: int) -> int:
        """Lots of a quantity, rounded down, at most what one order may have."""
        return min(quantity_e8 // self.lot_e8, self.max_lots)

    def placeable(self, ticks: int, lots: int) -> bool:
        """Whether an order of that price and quantity is within the market's limits."""
        notional_e16 = ticks * self.tick_e8 * lots * self.lot_e8
        return 0 < ticks <= self.max_ticks and lots > 0 and notional_e16 >= self.min_notional_e16


def steps_of(market: MarketInfo) -> Steps:
    """The increments of a market; exact, since assets have at most eight decimals."""
    quote_e8 = 10 ** (DECIMALS - market.quote.scale)
    base_e8 = 10 ** (DECIMALS - market.base.scale)
    return Steps(
        symbol=market.symbol,
        tick_e8=market.tick * quote_e8,
        lot_e8=market.lot * base_e8,
        max_ticks=market.max_price,
        max_lots=market.max_quantity,
        min_notional_e16=market.min_notional * quote_e8 * ONE,
    )
