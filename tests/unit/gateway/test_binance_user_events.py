"""Changes of an account as Binance's events: each field of each execution, worked by hand."""

from typing import Any

import pytest
from tests.support.gateway_upstreams import MARKET
from tigerex.exchange.v1 import types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_services.gateway.binance.user_events import (
    EXECUTIONS,
    encode,
    event_of,
    position,
    terminated,
)

pytestmark = pytest.mark.unit

MS = 10**6
NOW_MS = 1_700_000_000_500


def limit_order(**changes: Any) -> types_pb2.Order:
    terms: dict[str, Any] = {
        "order_id": 7,
        "client_order_id": "mine",
        "account_id": 5,
        "market": "btc-usdt",
        "side": types_pb2.SIDE_BUY,
        "type": types_pb2.ORDER_TYPE_LIMIT,
        "time_in_force": types_pb2.TIME_IN_FORCE_GTC,
        "price": "60000",
        "quantity": "0.002",
        "filled_quantity": "0",
        "filled_notional": "0",
        "status": types_pb2.ORDER_STATUS_NEW,
        "created_ns": 1_700_000_000_000 * MS,
        "remaining_quantity": "0.002",
    }
    return types_pb2.Order(**(terms | changes))


def event(**change: Any) -> dict[str, Any] | None:
    update = pb.AccountUpdate(account_id=5, seq=41, time_ns=1_700_000_000_400 * MS, **change)
    return event_of(update, MARKET, "BTCUSDT", NOW_MS)


def report(
    execution: "pb.Execution.ValueType", order: types_pb2.Order, **more: Any
) -> dict[str, Any]:
    change = pb.OrderChange(execution=execution, order=order, **more)
    found = event(order=change)
    assert found is not None
    return found


NEW = {
    "e": "executionReport",
    "E": NOW_MS,
    "s": "BTCUSDT",
    "c": "mine",
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "0.00200000",
    "p": "60000.00000000",
    "P": "0.00000000",
    "F": "0.00000000",
    "g": -1,
    "C": "",
    "x": "NEW",
    "X": "NEW",
    "r": "NONE",
    "i": 7,
    "l": "0.00000000",
    "z": "0.00000000",
    "L": "0.00000000",
    "n": "0",
    "N": None,
    "T": 1_700_000_000_400,
    "t": -1,
    "I": 41,
    "w": True,
    "m": False,
    "M": False,
    "O": 1_700_000_000_000,
    "Z": "0.00000000",
    "Y": "0.00000000",
    "Q": "0.00000000",
    "V": "EXPIRE_TAKER",  # the market's
    "W": 1_700_000_000_000,
}


def test_a_new_order() -> None:
    assert report(pb.EXECUTION_NEW, limit_order()) == NEW


def test_a_trade() -> None:
    order = limit_order(
        status=types_pb2.ORDER_STATUS_PARTIALLY_FILLED,
        filled_quantity="0.0015",
        filled_notional="89.9",
    )
    fill = types_pb2.Fill(
        trade_id=3, price="59900", quantity="0.001", fee="0.000001", fee_asset="BTC", maker=True
    )
    side = pb.AccountFill(fill=fill, account_id=5, order_id=7, notional="59.9")
    assert report(pb.EXECUTION_TRADE, order, fill=side) == NEW | {
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "l": "0.00100000",
        "L": "59900.00000000",
        "z": "0.00150000",
        "Z": "89.90000000",
        "Y": "59.90000000",
        "n": "0.00000100",
        "N": "BTC",
        "t": 3,
        "m": True,
    }


ENDED = types_pb2.ORDER_STATUS_CANCELED
EXPIRED = types_pb2.ORDER_STATUS_EXPIRED
IN_MATCH = types_pb2.ORDER_STATUS_EXPIRED_IN_MATCH
WAITING = types_pb2.ORDER_STATUS_WAITING
STOP = {"type": types_pb2.ORDER_TYPE_STOP_LOSS_LIMIT, "stop_price": "61000"}
CASES: list[tuple[str, "pb.Execution.ValueType", dict[str, Any], dict[str, Any]]] = [
    (
        "canceled",
        pb.EXECUTION_CANCELED,
        {"status": ENDED},
        {"x": "CANCELED", "X": "CANCELED", "C": "mine", "w": False},
    ),
    (
        "expired",
        pb.EXECUTION_EXPIRED,
        {"status": EXPIRED, "time_in_force": types_pb2.TIME_IN_FORCE_IOC},
        {"x": "EXPIRED", "X": "EXPIRED", "f": "IOC", "w": False},
    ),
    (
        "ended by self-trade prevention",
        pb.EXECUTION_EXPIRED,
        {"status": IN_MATCH, "prevented_quantity": "0.002"},
        {"x": "EXPIRED", "X": "EXPIRED_IN_MATCH", "w": False, "A": "0.00200000"},
    ),
    (
        "amended",
        pb.EXECUTION_AMENDED,
        {"quantity": "0.001"},
        {"x": "REPLACED", "q": "0.00100000"},
    ),
    (
        "a stop that waits",
        pb.EXECUTION_NEW,
        {"status": WAITING, **STOP},
        {"o": "STOP_LOSS_LIMIT", "P": "61000.00000000", "w": False, "W": None},
    ),
    (
        "a stop that is triggered",
        pb.EXECUTION_TRIGGERED,
        {"triggered_ns": 1_700_000_000_300 * MS, **STOP},
        {"o": "STOP_LOSS_LIMIT", "P": "61000.00000000", "W": 1_700_000_000_300},
    ),
    (
        "a trailing stop",
        pb.EXECUTION_NEW,
        {"status": WAITING, "type": types_pb2.ORDER_TYPE_STOP_LOSS, "price": "",
         "trailing_bps": 200},
        {"o": "STOP_LOSS", "p": "0.00000000", "d": 200, "w": False, "W": None},
    ),
    (
        "at market for an amount",
        pb.EXECUTION_NEW,
        {"type": types_pb2.ORDER_TYPE_MARKET, "price": "", "quantity": "0", "quote_amount": "90",
         "time_in_force": 0},
        {"o": "MARKET", "p": "0.00000000", "q": "0.00000000", "Q": "90.00000000", "w": False},
    ),
    (
        "post-only, an iceberg, of a list",
        pb.EXECUTION_NEW,
        {"post_only": True, "display_quantity": "0.0001", "list_id": 9},
        {"o": "LIMIT_MAKER", "F": "0.00010000", "g": 9},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("execution", "terms", "told"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_other_executions(
    execution: "pb.Execution.ValueType", terms: dict[str, Any], told: dict[str, Any]
) -> None:
    expected = {name: value for name, value in (NEW | told).items() if name != "W"}
    if told.get("W", NEW["W"]) is not None:
        expected["W"] = told.get("W", NEW["W"])
    assert report(execution, limit_order(**terms)) == expected


def test_a_prevented_trade() -> None:
    order = limit_order(prevented_quantity="0.001")
    prevention = pb.Prevention(other_order_id=8, price="60000", quantity="0.001", maker=True)
    assert report(pb.EXECUTION_PREVENTED, order, prevention=prevention) == NEW | {
        "x": "TRADE_PREVENTION",
        "A": "0.00100000",
        "v": 41,
        "U": 8,
        "Cs": "BTCUSDT",
        "B": "0.00100000",
        "pl": "0.00100000",
        "pL": "60000.00000000",
        "pY": "60.00000000",
        "m": True,
    }


def test_every_execution_has_a_name() -> None:
    assert EXECUTIONS.keys() == set(pb.Execution.values()) - {pb.EXECUTION_UNSPECIFIED}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (types_pb2.ORDER_LIST_STATUS_EXECUTING, ("EXEC_STARTED", "EXECUTING")),
        (types_pb2.ORDER_LIST_STATUS_ALL_DONE, ("ALL_DONE", "ALL_DONE")),
    ],
)
def test_lists(status: "types_pb2.OrderListStatus.ValueType", told: tuple[str, str]) -> None:
    found = types_pb2.OrderList(
        list_id=2,
        client_list_id="both",
        market="btc-usdt",
        status=status,
        orders=[limit_order(), limit_order(order_id=8, client_order_id="other")],
    )
    assert event(list=pb.OrderListChange(list=found)) == {
        "e": "listStatus",
        "E": NOW_MS,
        "s": "BTCUSDT",
        "g": 2,
        "c": "OCO",
        "l": told[0],
        "L": told[1],
        "r": "NONE",
        "C": "both",
        "T": 1_700_000_000_400,
        "O": [
            {"s": "BTCUSDT", "i": 7, "c": "mine"},
            {"s": "BTCUSDT", "i": 8, "c": "other"},
        ],
    }


def test_money_that_comes_or_goes() -> None:
    assert event(balance=pb.BalanceChange(asset="USDT", amount="-12.5")) == {
        "e": "balanceUpdate",
        "E": NOW_MS,
        "a": "USDT",
        "d": "-12.50000000",
        "T": 1_700_000_000_400,
    }
    assert event(balance=pb.BalanceChange(asset="USDT", amount="0")) is None


def test_positions_and_the_end() -> None:
    rows = [types_pb2.Balance(asset="BTC", available="1.5", held="0.25")]
    assert position(rows, 1_700_000_000_400 * MS, NOW_MS) == {
        "e": "outboundAccountPosition",
        "E": NOW_MS,
        "u": 1_700_000_000_400,
        "B": [{"a": "BTC", "f": "1.50000000", "l": "0.25000000"}],
    }
    assert encode(terminated(5)) == b'{"e":"eventStreamTerminated","E":5}'


def test_a_market_without_a_symbol_tells_of_no_order() -> None:
    update = pb.AccountUpdate(order=pb.OrderChange(execution=pb.EXECUTION_NEW, order=limit_order()))
    assert event_of(update, None, "", NOW_MS) is None
