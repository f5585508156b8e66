"""Limits of a market: to and from messages, and as the directory folds them."""

import numpy as np
import pytest
from tigerex.exchange.v1 import types_pb2 as t

from tigerex_core.records import (
    EVENT_WIDTH,
    AccountKind,
    Event,
    EventKind,
    MarketLimit,
    MarketState,
    Reason,
    SelfTrade,
)
from tigerex_platform.errors import InvalidField
from tigerex_services.directory import AccountInfo, Directory, FeeDiscount, market_from_proto
from tigerex_services.exchange.servicers.translate import market_message
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.market_limits import (
    asked_limits,
    limit_of,
    limits_message,
    show_limit,
    with_limits,
)

pytestmark = pytest.mark.unit

BTC, USDT = AssetInfo(1, "BTC", 8), AssetInfo(2, "USDT", 6)
MARKET = MarketInfo(
    1, "btc-usdt", BTC, USDT, 10_000, 10_000, 100_000_000, 1_000_000, 5_000_000, MarketState.OPEN
)
FULL = t.MarketLimits(
    min_price="0.5", min_quantity="0.001", min_notional="10", max_notional="900000.25",
    notional_of_market_orders=True, max_market_quantity="2", max_orders=200, max_stop_orders=5,
    max_iceberg_orders=10, max_position="50", bid_multiplier_up="1.2", bid_multiplier_down="0.2",
    ask_multiplier_up="5", ask_multiplier_down="0.8", breaker_move="0.1",
    breaker_window_ns=60_000_000_000, self_trade_mode=t.SELF_TRADE_MODE_EXPIRE_MAKER,
)  # fmt: skip


def event(kind: EventKind, **columns: int) -> list[int]:
    row = [0] * EVENT_WIDTH
    row[Event.KIND] = kind
    for column, value in columns.items():
        row[Event[column]] = value
    return row


def test_every_limit_has_a_field() -> None:
    asked = asked_limits(MARKET, FULL, "limits")
    assert set(asked) == set(MarketLimit)
    assert asked[MarketLimit.PRICE_MIN] == 50
    assert asked[MarketLimit.QUANTITY_MIN] == 10
    assert asked[MarketLimit.NOTIONAL_MAX] == 900_000_250_000
    assert asked[MarketLimit.BID_UP_PPM] == 1_200_000
    assert asked[MarketLimit.BREAKER_PPM] == 100_000
    assert asked[MarketLimit.SELF_TRADE] == SelfTrade.EXPIRE_MAKER
    limited = with_limits(MARKET, asked)
    assert limits_message(limited) == FULL
    assert {which: limit_of(limited, which) for which in MarketLimit} == asked
    assert limited.min_notional == 10_000_000
    assert show_limit(limited, MarketLimit.BREAKER_PPM) == "0.1"


def test_what_is_not_there_is_not_asked_for() -> None:
    assert asked_limits(MARKET, t.MarketLimits(), "limits") == {}
    none = t.MarketLimits(max_orders=0, max_notional="0")
    assert asked_limits(MARKET, none, "limits") == {
        MarketLimit.ORDERS_MAX: 0,
        MarketLimit.NOTIONAL_MAX: 0,
    }


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"min_price": "0"}, "min_price"),
        ({"min_price": ""}, "min_price"),
        ({"min_price": "1000000.01"}, "min_price"),
        ({"min_price": "0.001"}, "min_price"),
        ({"min_quantity": "0"}, "min_quantity"),
        ({"min_quantity": "101"}, "min_quantity"),
        ({"min_notional": "-1"}, "min_notional"),
        ({"max_notional": "NaN"}, "max_notional"),
        ({"max_notional": "9999999999999999"}, "max_notional"),
        ({"max_market_quantity": "0.00001"}, "max_market_quantity"),
        ({"max_orders": -1}, "max_orders"),
        ({"max_stop_orders": 2**62}, "max_stop_orders"),
        ({"max_iceberg_orders": -5}, "max_iceberg_orders"),
        ({"bid_multiplier_up": "1000.000001"}, "bid_multiplier_up"),
        ({"ask_multiplier_down": "0.0000001"}, "ask_multiplier_down"),
        ({"breaker_move": "1"}, "breaker_move"),
        ({"breaker_window_ns": 0}, "breaker_window_ns"),
        ({"self_trade_mode": t.SELF_TRADE_MODE_UNSPECIFIED}, "self_trade_mode"),
        ({"self_trade_mode": 6}, "self_trade_mode"),
    ],
    ids=str,
)
def test_wrong_limits_are_refused_by_field(limits: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        asked_limits(MARKET, t.MarketLimits(**limits), "limits")
    assert caught.value.field == f"limits.{field}"
    assert caught.value.allowed


@pytest.fixture
def directory() -> Directory:
    directory = Directory()
    directory.put_asset(BTC)
    directory.put_asset(USDT)
    directory.put_market(MARKET)
    directory.put_user(7, "ada")
    directory.put_account(AccountInfo(10, 7, "ada", "main", AccountKind.MAIN))
    return directory


def apply(directory: Directory, *rows: list[int]) -> MarketInfo:
    directory.apply(np.array(rows, np.int64))
    return directory.market("btc-usdt")


def test_the_directory_keeps_limits(directory: Directory) -> None:
    rows = [
        event(EventKind.MARKET_LIMIT_SET, MARKET=1, VALUE=which, AMOUNT=amount)
        for which, amount in asked_limits(MARKET, FULL, "limits").items()
    ]
    market = apply(directory, *rows)
    assert limits_message(market) == FULL
    # A follower that starts in the middle learns the same from the message.
    assert market_from_proto(market_message(market), BTC, USDT) == market


def test_the_directory_keeps_why_a_market_halted(directory: Directory) -> None:
    halted = event(
        EventKind.MARKET_STATE_SET, MARKET=1, VALUE=MarketState.HALTED,
        REASON=Reason.CIRCUIT_BREAKER,
    )  # fmt: skip
    message = market_message(apply(directory, halted))
    assert message.state == t.MARKET_STATE_HALTED
    assert message.halt_reason == "CIRCUIT_BREAKER"
    assert market_from_proto(message, BTC, USDT) == directory.market("btc-usdt")
    resumed = event(EventKind.MARKET_STATE_SET, MARKET=1, VALUE=MarketState.OPEN)
    assert market_message(apply(directory, resumed)).halt_reason == ""


def test_the_directory_keeps_how_fees_are_paid(directory: Directory) -> None:
    apply(
        directory,
        event(EventKind.FEE_DISCOUNT_SET, ASSET=2, AMOUNT=250_000),
        event(EventKind.FEE_PAYMENT_SET, ACCOUNT=10, VALUE=1),
        event(EventKind.FEE_PAYMENT_SET, ACCOUNT=99, VALUE=1),  # of whom nothing is known
    )
    assert directory.fee_discount == FeeDiscount(2, 250_000)
    assert directory.account(10).pays_discounted_fees


def test_unknown_states_of_a_message_are_refused() -> None:
    message = market_message(MARKET)
    message.state = 77  # type: ignore[assignment]
    with pytest.raises(InvalidField) as caught:
        market_from_proto(message, BTC, USDT)
    assert caught.value.field == "market.state"
    message.state, message.halt_reason = t.MARKET_STATE_OPEN, "no reason"
    assert market_from_proto(message, BTC, USDT) == MARKET
