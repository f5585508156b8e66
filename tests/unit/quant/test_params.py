"""What configurations are refused, and with which words."""

import pytest
from tests.support.strategy_world import RULES

from tigerex_quant import (
    DcaParameters,
    ParameterError,
    SpotGridParameters,
    dca_config,
    spot_grid_config,
)
from tigerex_quant.kernel import C_INVESTMENT

pytestmark = pytest.mark.unit


def grid(**changes: int) -> SpotGridParameters:
    values = {"lower_price": 100, "upper_price": 140, "levels": 5, "investment": 100_000}
    return SpotGridParameters(geometric=False, **{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({"levels": 1}, "levels", "from 2 to 200"),
        ({"levels": 201}, "levels", "from 2 to 200"),
        ({"levels": 60}, "levels", "neighbouring levels differ"),
        ({"lower_price": 0}, "lower_price", "greater than zero"),
        ({"upper_price": 100}, "upper_price", "above lower_price 10"),
        ({"upper_price": 99}, "upper_price", "above lower_price 10"),
        ({"upper_price": 100_001}, "upper_price", "at most 10000"),
        ({"investment": 10}, "investment", "from "),
        ({"investment": 2**60}, "investment", " to "),
    ],
)
def test_a_wrong_grid_is_refused(changes: dict[str, int], field: str, allowed: str) -> None:
    with pytest.raises(ParameterError) as caught:
        spot_grid_config(grid(**changes), RULES)
    assert caught.value.field == field
    assert allowed in caught.value.allowed


def test_the_smallest_investment_named_is_accepted() -> None:
    with pytest.raises(ParameterError) as caught:
        spot_grid_config(grid(investment=1), RULES)
    text = caught.value.allowed.split()[1]
    smallest = round(float(text) * 10**RULES.quote_scale)
    assert spot_grid_config(grid(investment=smallest), RULES)[C_INVESTMENT] == smallest
    with pytest.raises(ParameterError):
        spot_grid_config(grid(investment=smallest - 1), RULES)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": 2**60}, "amount"),
        ({"interval_s": 0}, "interval_seconds"),
        ({"interval_s": 31_536_001}, "interval_seconds"),
        ({"max_purchases": 0}, "max_purchases"),
        ({"max_purchases": 10_001}, "max_purchases"),
        ({"max_price": 0}, "max_price"),
        ({"max_price": 100_001}, "max_price"),
    ],
)
def test_a_wrong_dca_is_refused(changes: dict[str, int], field: str) -> None:
    values: dict[str, int] = {"amount": 1_000, "interval_s": 60, "max_purchases": 3}
    with pytest.raises(ParameterError) as caught:
        dca_config(DcaParameters(**{**values, **changes}), RULES)
    assert caught.value.field == field
