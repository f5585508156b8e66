"""Average cost worked by hand, and its sums on random trades."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_services.bots.accounting import CONTEXT, Position, plain, value_at

pytestmark = pytest.mark.unit

D = Decimal


def test_a_round_trip_by_hand() -> None:
    position = Position(cash=D(1_000))
    position = position.buy(D(100), D(2), D("0.002"))
    assert (position.cash, position.base, position.cost) == (D(800), D("1.998"), D(200))
    position = position.buy(D(110), D(1), D("0.001"))
    # 310 paid for 2.997: sold 0.999 is a third of it.
    position, profit = position.sell(D(120), D("0.999"), D("0.11988"))
    assert profit.quantize(D("1e-9")) == D("119.76012") - (D(310) / 3).quantize(D("1e-9"))
    position, profit = position.sell(D(90), D("1.998"), D("0.17982"))
    assert profit < 0
    assert position.base == 0
    assert position.cost == 0
    assert position.win_rate == D("0.5")
    assert position.profit == position.cash - 1_000


trades = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 100)), max_size=30
)


@given(trades, trades)
def test_profit_cash_and_position_always_add_up(
    buys: list[tuple[int, int, int]], sells: list[tuple[int, int, int]]
) -> None:
    position = Position(cash=D(0))
    for price, quantity, fee in buys:
        position = position.buy(D(price), D(quantity), D(min(fee, quantity)))
    for price, quantity, fee in sells:
        if D(quantity) <= position.base:
            position, _ = position.sell(D(price), D(quantity), D(fee))
    with localcontext(CONTEXT):
        assert position.cash + position.cost == position.profit
    assert position.base >= 0


def test_value_counts_earlier_runs_and_falls_from_the_peak() -> None:
    value = value_at(
        D(50), cash=D(10), base=D(1), cost=D(80), investment=D(100), past_profit=D(5),
        peak_value=D(120), max_drawdown=D("0.1"),
    )  # fmt: skip
    assert value.total_value == 60
    assert value.profit_loss == -35
    assert value.roi == D("-0.35")
    assert value.max_drawdown == D("0.5")


def test_without_a_price_a_position_counts_at_cost() -> None:
    value = value_at(
        None, cash=D(20), base=D(1), cost=D(80), investment=D(100), past_profit=D(0),
        peak_value=D(100), max_drawdown=D(0),
    )  # fmt: skip
    assert value.profit_loss == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("0E-8", "0"), ("100", "100"), ("1E+3", "1000"), ("-0.500", "-0.5")],
)
def test_decimals_are_written_plainly(value: str, text: str) -> None:
    assert plain(D(value)) == text
