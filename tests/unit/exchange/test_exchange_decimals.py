"""Decimal strings become integers exactly, or are refused by name."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_platform.errors import InvalidField
from tigerex_services.decimals import MAX_UNITS, from_units, to_units

pytestmark = pytest.mark.unit


@given(units=st.integers(0, MAX_UNITS), scale=st.integers(0, 8))
def test_there_and_back(units: int, scale: int) -> None:
    text = from_units(units, scale)
    assert to_units(text, scale, "amount") == units
    assert Decimal(text) == Decimal(units).scaleb(-scale)


@pytest.mark.parametrize(
    ("text", "units"),
    [("1", 100), ("0.01", 1), ("00.10", 10), ("1.500", 150), ("0", 0), ("12.3", 1230)],
)
def test_accepted(text: str, units: int) -> None:
    assert to_units(text, 2, "amount") == units


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".5", "-1", "+1", "1e3", "1E-3", " 1", "1 ", "1,5", "0x1", "NaN", "inf",
     "1.2.3", "\u0661", "²", "0.001", "9" * 41, "99999999999999999999"],
)  # fmt: skip
def test_refused_naming_the_field(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        to_units(text, 2, "price")
    assert caught.value.field == "price"
    assert caught.value.allowed


def test_negative_units_are_shown() -> None:
    assert from_units(-5, 2) == "-0.05"
