"""Average cost worked by hand, and its sums on random trades."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_services.bot_trades import split_fee
from tigerex_services.bots.accounting import CONTEXT, Position, plain, value_at

pytestmark = pytest.mark.unit

D = Decimal


def test_a_round_trip_by_hand() -> None:
    position = Position(cash=D(1_000))
    position = position.buy(D(100), D(2), base_fee=D("0.002"))
    assert (position.cash, position.base, position.cost) == (D(800), D("1.998"), D(200))
    position = position.buy(D(110), D(1), base_fee=D("0.001"))
    # 310 paid for 2.997: sold 0.999 is a third of it.
    position, profit = position.sell(D(120), D("0.999"), quote_fee=D("0.11988"))
    assert profit.quantize(D("1e-9")) == D("119.76012") - (D(310) / 3).quantize(D("1e-9"))
    position, profit = position.sell(D(90), D("1.998"), quote_fee=D("0.17982"))
    assert profit < 0
    assert position.base == 0
    assert position.cost == 0
    assert position.win_rate == D("0.5")
    assert position.profit == position.cash - 1_000


def test_a_fee_counts_where_it_was_taken_from() -> None:
    """The discount asset is the quote asset, then the base asset, then one of neither."""
    position = Position(cash=D(1_000)).buy(D(100), D(2), quote_fee=D(1))
    assert (position.cash, position.base, position.cost) == (D(799), D(2), D(201))
    # 0.5 sold and 0.5 paid as the fee: half of the position's cost for 60.
    position, profit = position.sell(D(120), D("0.5"), base_fee=D("0.5"))
    assert (position.base, position.cost, profit) == (D(1), D("100.5"), D("-40.5"))
    position, profit = position.sell(D(110), D(1))
    assert (position.base, position.cost, profit) == (D(0), D(0), D("9.5"))
    assert position.profit == position.cash - 1_000 == -31


def test_a_fee_of_a_trade_is_split_by_its_source() -> None:
    def split(side: str, source: pb.FeeSource.ValueType) -> tuple[Decimal, Decimal]:
        return split_fee(pb.BotTrade(side=side, fee_source=source), D(3))

    assert split("buy", pb.FEE_SOURCE_UNSPECIFIED) == split("buy", pb.FEE_SOURCE_RECEIVED) == (3, 0)
    assert split("sell", pb.FEE_SOURCE_RECEIVED) == split("buy", pb.FEE_SOURCE_PAID) == (0, 3)
    assert split("sell", pb.FEE_SOURCE_PAID) == (3, 0)
    assert split("buy", pb.FEE_SOURCE_OTHER) == split("sell", pb.FEE_SOURCE_OTHER) == (0, 0)


trades = st.lists(
    st.tuples(
        st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 100), st.integers(0, 100)
    ),
    max_size=30,
)


@given(trades, trades)
def test_profit_cash_and_position_always_add_up(
    buys: list[tuple[int, int, int, int]], sells: list[tuple[int, int, int, int]]
) -> None:
    position = Position(cash=D(0))
    for price, quantity, base_fee, quote_fee in buys:
        fees = {"base_fee": D(min(base_fee, quantity)), "quote_fee": D(quote_fee)}
        position = position.buy(D(price), D(quantity), **fees)
    for price, quantity, base_fee, quote_fee in sells:
        if D(quantity + base_fee) <= position.base:
            fees = {"base_fee": D(base_fee), "quote_fee": D(quote_fee)}
            position, _ = position.sell(D(price), D(quantity), **fees)
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
