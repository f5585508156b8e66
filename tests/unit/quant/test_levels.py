"""Grid levels in whole ticks."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_quant.levels import arithmetic_levels, geometric_levels

pytestmark = pytest.mark.unit

bounds = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)


def test_levels_worked_by_hand() -> None:
    assert arithmetic_levels(100, 140, 5) == [100, 110, 120, 130, 140]
    assert arithmetic_levels(100, 101, 3) == [100, 101, 101]  # half a tick rounds up
    assert geometric_levels(100, 1_600, 5) == [100, 200, 400, 800, 1_600]
    assert geometric_levels(100, 200, 3) == [100, 141, 200]  # 141.42…


@given(bounds, st.integers(2, 60))
def test_levels_keep_their_bounds_and_order(bound: tuple[int, int], levels: int) -> None:
    for build in (arithmetic_levels, geometric_levels):
        prices = build(*bound, levels)
        assert len(prices) == levels
        assert (prices[0], prices[-1]) == bound
        assert prices == sorted(prices)


@given(bounds, st.integers(2, 30))
def test_a_geometric_level_is_the_nearest_tick(bound: tuple[int, int], levels: int) -> None:
    lower, upper = bound
    n = levels - 1
    for i, price in enumerate(geometric_levels(lower, upper, levels)):
        exact = lower ** (n - i) * upper**i
        assert Fraction(2 * price - 1, 2) ** n <= exact <= Fraction(2 * price + 1, 2) ** n
