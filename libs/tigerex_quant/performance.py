"""Figures of a strategy's record. Statistics, not money: floats are right here."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

HOURS_PER_YEAR: Final = 8_760
SHARPE_VALUES_MIN: Final = 3


def sharpe_ratio(hourly_values: Sequence[float]) -> float | None:
    """Mean over standard deviation of hourly returns, annualised by the root of the hours a year.

    After W. F. Sharpe (1994), without a risk-free rate.

    None with fewer than three values, a value that is not positive, or returns that do not vary.
    """
    if len(hourly_values) < SHARPE_VALUES_MIN or min(hourly_values) <= 0:
        return None
    returns = [b / a - 1.0 for a, b in pairwise(hourly_values)]
    mean = sum(returns) / len(returns)
    variance = sum((r - mean) ** 2 for r in returns) / (len(returns) - 1)
    if variance <= 0.0:
        return None
    return mean / math.sqrt(variance) * math.sqrt(HOURS_PER_YEAR)


def max_drawdown(values: Sequence[float]) -> float:
    """The largest fall from a peak, as a fraction of that peak; 0 when there is none."""
    peak = worst = 0.0
    for value in values:
        peak = max(peak, value)
        if peak > 0:
            worst = max(worst, (peak - value) / peak)
    return worst
