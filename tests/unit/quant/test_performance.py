"""Sharpe ratio and drawdown against values worked by hand."""

import math

import pytest

from tigerex_quant.performance import max_drawdown, sharpe_ratio

pytestmark = pytest.mark.unit


def test_sharpe_by_hand() -> None:
    # Returns 10 % and 20 %: mean 0.15, sample deviation 0.0707…
    expected = 0.15 / (0.1 / math.sqrt(2)) * math.sqrt(8_760)
    assert sharpe_ratio([100.0, 110.0, 132.0]) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
def test_sharpe_is_undefined_where_it_says_nothing(values: list[float]) -> None:
    assert sharpe_ratio(values) is None


def test_drawdown_is_the_worst_fall_from_a_peak() -> None:
    assert max_drawdown([100, 80, 120, 90, 130]) == pytest.approx(0.25)
    assert max_drawdown([]) == 0
