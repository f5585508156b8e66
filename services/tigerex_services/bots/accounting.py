"""Profit and loss of a bot by average cost.

A purchase adds its price, and what it received after the fee, to the position. A sale takes its
share of the position's cost out; what it yields after the fee beyond that is its profit. A fee
counts where it was taken from: in quote asset it is part of the price, in base asset it leaves the
position, and one in another asset costs the investment nothing. Sums are exact; a share of the cost
is rounded half to even at 18 decimals.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

ZERO: Final = Decimal(0)
CONTEXT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
COST_STEP: Final = Decimal("1e-18")
RATE_STEP: Final = Decimal("1e-6")
MONEY_STEP: Final = Decimal("1e-8")  # the finest scale of an asset


@dataclass(frozen=True, slots=True)
class Position:
    """What a run has done with its investment so far."""

    cash: Decimal = ZERO  # quote asset
    base: Decimal = ZERO
    cost: Decimal = ZERO  # of the base asset, in quote asset
    profit: Decimal = ZERO  # realised, in quote asset
    closing_trades: int = 0
    winning_trades: int = 0

    def buy(
        self,
        price: Decimal,
        quantity: Decimal,
        *,
        base_fee: Decimal = ZERO,
        quote_fee: Decimal = ZERO,
    ) -> "Position":
        """After a purchase."""
        with localcontext(CONTEXT):
            paid = price * quantity + quote_fee
            received = quantity - base_fee
            return replace(
                self, cash=self.cash - paid, base=self.base + received, cost=self.cost + paid
            )

    def sell(
        self,
        price: Decimal,
        quantity: Decimal,
        *,
        base_fee: Decimal = ZERO,
        quote_fee: Decimal = ZERO,
    ) -> tuple["Position", Decimal]:
        """After a sale, and its profit."""
        with localcontext(CONTEXT):
            received = price * quantity - quote_fee
            given = quantity + base_fee
            share = self.cost
            if given < self.base:
                share = (self.cost * given / self.base).quantize(COST_STEP)
            profit = received - share
            after = Position(
                cash=self.cash + received,
                base=self.base - given,
                cost=self.cost - share,
                profit=self.profit + profit,
                closing_trades=self.closing_trades + 1,
                winning_trades=self.winning_trades + (profit > 0),
            )
            return after, profit

    @property
    def win_rate(self) -> Decimal:
        """Fraction of closing trades with a profit, 0 without any."""
        if self.closing_trades == 0:
            return ZERO
        return (Decimal(self.winning_trades) / self.closing_trades).quantize(RATE_STEP)


@dataclass(frozen=True, slots=True)
class Valuation:
    """What a run is worth at a price; money in quote asset, rates as fractions."""

    total_value: Decimal
    profit_loss: Decimal
    roi: Decimal
    peak_value: Decimal
    max_drawdown: Decimal


def value_at(
    price: Decimal | None,
    *,
    cash: Decimal,
    base: Decimal,
    cost: Decimal,
    investment: Decimal,
    past_profit: Decimal,
    peak_value: Decimal,
    max_drawdown: Decimal,
) -> Valuation:
    """The value of a run; where there is no price yet, the position counts at its cost.

    Profit and loss includes that of earlier runs, and so does the return on the investment.
    """
    with localcontext(CONTEXT):
        total = cash + (cost if price is None else base * price)
        profit = past_profit + total - investment
        roi = (profit / investment).quantize(RATE_STEP) if investment > 0 else ZERO
        peak = max(peak_value, total)
        fall = ((peak - total) / peak).quantize(RATE_STEP) if peak > 0 else ZERO
        return Valuation(total, profit, roi, peak, max(max_drawdown, fall))


def plain(value: Decimal) -> str:
    """The shortest plain decimal string."""
    if value == 0:
        return "0"
    with localcontext(CONTEXT):
        return format(value.normalize(), "f")


def money(value: Decimal) -> str:
    """A value or profit as shown: rounded half to even at the finest scale of an asset."""
    with localcontext(CONTEXT):
        return plain(value.quantize(MONEY_STEP))
