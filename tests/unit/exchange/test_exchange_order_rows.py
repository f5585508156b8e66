"""Order requests become command rows, or are refused by the name of the wrong field."""

import numpy as np
import pytest
from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2 as t

from tigerex_core.order_life import OrderState
from tigerex_core.records import (
    COMMAND_DTYPE,
    CommandKind,
    MarketState,
    OrderType,
    SelfTrade,
    TimeInForce,
)
from tigerex_platform.errors import InvalidField, NotFound
from tigerex_services.directory import Directory
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.orders import OrderBook, OrderBookState
from tigerex_services.exchange.servicers import order_rows
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.order_records import OrderRecord

pytestmark = pytest.mark.unit

REQUEST = bytes(range(16))
NOW_NS = 1_700_000_000_000_000_000


@pytest.fixture
def directory() -> Directory:
    """btc-usdt with ticks of 0.01, lots of 0.0001, up to 1,000,000 and 100; eth-usdt beside it."""
    directory = Directory()
    btc, usdt = AssetInfo(1, "BTC", 8), AssetInfo(2, "USDT", 6)
    for number, symbol in ((1, "btc-usdt"), (2, "eth-usdt")):
        directory.put_market(
            MarketInfo(
                number, symbol, btc, usdt, 10_000, 10_000, 100_000_000, 1_000_000, 0,
                MarketState.OPEN,
            )
        )  # fmt: skip
    return directory


def order(**fields: object) -> pb.PlaceOrderRequest:
    """A limit order to buy one at 100, but for these fields; None: not there."""
    usual: dict[str, object] = {
        "account_id": 10,
        "market": "btc-usdt",
        "side": t.SIDE_BUY,
        "type": t.ORDER_TYPE_LIMIT,
        "price": "100",
        "quantity": "1",
    }
    given = {name: value for name, value in (usual | fields).items() if value is not None}
    return pb.PlaceOrderRequest(**given)


def at_market(**fields: object) -> pb.PlaceOrderRequest:
    return order(**({"type": t.ORDER_TYPE_MARKET, "price": None} | fields))


def stop(**fields: object) -> pb.PlaceOrderRequest:
    return order(**({"type": t.ORDER_TYPE_STOP_LOSS, "price": None, "stop_price": "110"} | fields))


def stop_limit(**fields: object) -> pb.PlaceOrderRequest:
    return order(**({"type": t.ORDER_TYPE_STOP_LOSS_LIMIT, "stop_price": "110"} | fields))


def read(row: bytes) -> dict[str, int]:
    """The columns of a row that are not zero."""
    values = np.frombuffer(row, dtype=COMMAND_DTYPE)[0]
    names = values.dtype.names or ()
    return {name: values[name].item() for name in names if values[name]}


def placed(request: pb.PlaceOrderRequest, directory: Directory) -> dict[str, int]:
    return read(order_rows.place_row(REQUEST, request, directory))


USUAL = {
    "kind": CommandKind.PLACE_ORDER, "account": 10, "market": 1, "side": 1, "order_type": 1,
    "time_in_force": 1, "price": 10_000, "quantity": 10_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("request_message", "columns"),
    [
        (order(), {}),
        (order(time_in_force=t.TIME_IN_FORCE_FOK), {"time_in_force": TimeInForce.FOK}),
        (order(expire_ns=NOW_NS), {"time_in_force": TimeInForce.GTD, "expire_ns": NOW_NS}),
        (order(post_only=True), {"post_only": 1}),
        (
            order(post_only=True, time_in_force=t.TIME_IN_FORCE_GTD, expire_ns=1),
            {"post_only": 1, "time_in_force": TimeInForce.GTD, "expire_ns": 1},
        ),
        (order(display_quantity="0.01"), {"display": 100}),
        (order(self_trade_mode=t.SELF_TRADE_MODE_DECREMENT), {"self_trade": SelfTrade.DECREMENT}),
        (order(client_order_id="mine", epoch=3, decided_seq=9),
         {"name": b"mine", "epoch": 3, "aux": 9}),
        (at_market(), {"order_type": 2, "time_in_force": TimeInForce.IOC, "price": 0}),
        (
            at_market(quantity=None, quote_amount="12.5"),
            {
                "order_type": 2, "time_in_force": TimeInForce.IOC, "price": 0, "quantity": 0,
                "amount": 12_500_000,
            },
        ),
        (stop(), {"order_type": OrderType.STOP_LOSS, "price": 0, "stop_price": 11_000}),
        (
            stop(stop_price=None, trailing_bps=250),
            {"order_type": OrderType.STOP_LOSS, "price": 0, "trailing": 250},
        ),
        (
            stop(type=t.ORDER_TYPE_TAKE_PROFIT, trailing_bps=9_999),
            {
                "order_type": OrderType.TAKE_PROFIT, "price": 0, "stop_price": 11_000,
                "trailing": 9_999,
            },
        ),
        (
            stop_limit(time_in_force=t.TIME_IN_FORCE_IOC),
            {
                "order_type": OrderType.STOP_LOSS_LIMIT, "stop_price": 11_000,
                "time_in_force": TimeInForce.IOC,
            },
        ),
        (
            stop_limit(type=t.ORDER_TYPE_TAKE_PROFIT_LIMIT, display_quantity="0.5"),
            {"order_type": OrderType.TAKE_PROFIT_LIMIT, "stop_price": 11_000, "display": 5_000},
        ),
    ],
    ids=str,
)  # fmt: skip
def test_orders(
    request_message: pb.PlaceOrderRequest, columns: dict[str, int], directory: Directory
) -> None:
    row = placed(request_message, directory)
    del row["request_hi"], row["request_lo"]
    assert row == {name: value for name, value in (USUAL | columns).items() if value}


@pytest.mark.parametrize(
    ("request_message", "field"),
    [
        *((order(price=price), "price") for price in (
            None, "NaN", "-1", "0", "1e2", "100.001", "1000000.01", "9" * 41, "inf", "1,5")),
        *((order(quantity=quantity), "quantity") for quantity in (
            None, "nan", "-1", "0", "0.00001", "100.0001", "99999999999999999999")),
        (order(side=0), "side"),
        (order(side=9), "side"),
        (order(type=0), "type"),
        (order(type=77), "type"),
        (order(time_in_force=77), "time_in_force"),
        (order(self_trade_mode=6), "self_trade_mode"),
        (order(self_trade_mode=-1), "self_trade_mode"),
        (order(quote_amount="5"), "quote_amount"),
        (order(stop_price="90"), "stop_price"),
        (order(trailing_bps=5), "trailing_bps"),
        (order(expire_ns=-1, time_in_force=t.TIME_IN_FORCE_GTD), "expire_ns"),
        (order(time_in_force=t.TIME_IN_FORCE_GTD), "expire_ns"),
        (order(expire_ns=5, time_in_force=t.TIME_IN_FORCE_GTC), "expire_ns"),
        (order(post_only=True, time_in_force=t.TIME_IN_FORCE_IOC), "time_in_force"),
        (order(post_only=True, time_in_force=t.TIME_IN_FORCE_FOK), "time_in_force"),
        (order(display_quantity="1"), "display_quantity"),
        (order(display_quantity="0"), "display_quantity"),
        (order(display_quantity="x"), "display_quantity"),
        (order(display_quantity="0.0099"), "display_quantity"),  # 102 parts
        (order(display_quantity="0.5", time_in_force=t.TIME_IN_FORCE_IOC), "display_quantity"),
        (order(client_order_id="a b"), "client_order_id"),
        (order(epoch=-1), "epoch"),
        (order(decided_seq=2**62 + 1), "decided_seq"),
        (at_market(price="100"), "price"),
        (at_market(post_only=True), "post_only"),
        (at_market(time_in_force=t.TIME_IN_FORCE_GTC), "time_in_force"),
        (at_market(quote_amount="5"), "quote_amount"),  # and a quantity
        (at_market(quantity=None), "quantity"),
        (at_market(quantity=None, quote_amount="0"), "quote_amount"),
        (at_market(quantity=None, quote_amount="0.0000001"), "quote_amount"),
        (at_market(quantity=None, quote_amount="-5"), "quote_amount"),
        (at_market(display_quantity="0.5"), "display_quantity"),
        (at_market(expire_ns=5), "expire_ns"),
        (stop(stop_price=None), "stop_price"),
        (stop(stop_price="0"), "stop_price"),
        (stop(stop_price="-3"), "stop_price"),
        (stop(stop_price="1000000.01"), "stop_price"),
        (stop(trailing_bps=-1), "trailing_bps"),
        (stop(trailing_bps=10_000), "trailing_bps"),
        (stop(price="100"), "price"),
        (stop(post_only=True), "post_only"),
        (stop(time_in_force=t.TIME_IN_FORCE_IOC), "time_in_force"),
        (stop(display_quantity="0.5"), "display_quantity"),
        (stop_limit(price=None), "price"),
        (stop_limit(post_only=True), "post_only"),
        (stop_limit(quote_amount="5"), "quote_amount"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_orders(
    request_message: pb.PlaceOrderRequest, field: str, directory: Directory
) -> None:
    with pytest.raises(InvalidField) as caught:
        order_rows.place_row(REQUEST, request_message, directory)
    assert caught.value.field == field
    assert caught.value.allowed


def test_an_unknown_market(directory: Directory) -> None:
    with pytest.raises(NotFound):
        order_rows.place_row(REQUEST, order(market="no-such"), directory)


def oco(limit: pb.OcoLimit, stop_leg: pb.OcoStop, **fields: object) -> pb.PlaceOcoRequest:
    usual = {"account_id": 10, "market": "btc-usdt", "side": t.SIDE_SELL, "quantity": "1"}
    return pb.PlaceOcoRequest(limit=limit, stop=stop_leg, **(usual | fields))


def test_a_list(directory: Directory) -> None:
    request = oco(
        pb.OcoLimit(price="120", display_quantity="0.5", client_order_id="gain"),
        pb.OcoStop(stop_price="90", limit_price="89", client_order_id="loss", trailing_bps=7),
        client_list_id="both",
        self_trade_mode=t.SELF_TRADE_MODE_EXPIRE_TAKER,
    )
    row = read(order_rows.oco_row(REQUEST, request, directory))
    del row["request_hi"], row["request_lo"]
    assert row == {
        "kind": CommandKind.PLACE_OCO, "account": 10, "market": 1, "side": 2, "quantity": 10_000,
        "price": 12_000, "display": 5_000, "name": b"gain", "stop_price": 9_000, "amount": 8_900,
        "trailing": 7, "other_name": b"loss", "list_name": b"both", "self_trade": 2,
    }  # fmt: skip
    following = oco(pb.OcoLimit(price="120"), pb.OcoStop(trailing_bps=7))
    assert "stop_price" not in read(order_rows.oco_row(REQUEST, following, directory))


@pytest.mark.parametrize(
    ("request_message", "field"),
    [
        (oco(pb.OcoLimit(), pb.OcoStop(stop_price="90")), "limit.price"),
        (oco(pb.OcoLimit(price="x"), pb.OcoStop(stop_price="90")), "limit.price"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop()), "stop.stop_price"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop(stop_price="120")), "stop.stop_price"),
        (oco(pb.OcoLimit(price="80"), pb.OcoStop(stop_price="80"), side=t.SIDE_BUY),
         "stop.stop_price"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop(stop_price="90", limit_price="0")),
         "stop.limit_price"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop(stop_price="90", trailing_bps=10_000)),
         "stop.trailing_bps"),
        (oco(pb.OcoLimit(price="120", display_quantity="2"), pb.OcoStop(stop_price="90")),
         "limit.display_quantity"),
        (oco(pb.OcoLimit(price="120", client_order_id="a"),
             pb.OcoStop(stop_price="90", client_order_id="a")), "stop.client_order_id"),
        (oco(pb.OcoLimit(price="120", client_order_id="ü"), pb.OcoStop(stop_price="90")),
         "limit.client_order_id"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop(stop_price="90"), client_list_id="x" * 41),
         "client_list_id"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop(stop_price="90"), quantity="0"), "quantity"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop(stop_price="90"), side=0), "side"),
        (oco(pb.OcoLimit(price="120"), pb.OcoStop(stop_price="90"), self_trade_mode=9),
         "self_trade_mode"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_lists(request_message: pb.PlaceOcoRequest, field: str, directory: Directory) -> None:
    with pytest.raises(InvalidField) as caught:
        order_rows.oco_row(REQUEST, request_message, directory)
    assert caught.value.field == field


@pytest.fixture
def committed(directory: Directory) -> Committed:
    """Order 5 of account 10, named "mine", in btc-usdt."""
    known = OrderRecord(5, 10, 1, 1, 1, 1, False, 100, 10, "mine", 1, status=OrderState.NEW)
    return Committed(directory, OrderBook.restore(OrderBookState([known], [], {})))


@pytest.mark.parametrize(
    ("request_message", "columns"),
    [
        (pb.AmendOrderRequest(order_id=5), {"order_id": 5}),
        # A known name goes by its id: its market is certain.
        (pb.AmendOrderRequest(client_order_id="mine"), {"order_id": 5}),
        (pb.AmendOrderRequest(client_order_id="mine", market="btc-usdt"), {"order_id": 5}),
        # Placed by the same batch: not known yet.
        (pb.AmendOrderRequest(client_order_id="new", market="btc-usdt"), {"name": b"new"}),
    ],
    ids=str,
)
def test_amendments(
    request_message: pb.AmendOrderRequest, columns: dict[str, object], committed: Committed
) -> None:
    request_message.account_id, request_message.quantity = 10, "0.5"
    row = read(order_rows.amend_row(REQUEST, request_message, committed))
    del row["request_hi"], row["request_lo"]
    usual = {"kind": CommandKind.AMEND_ORDER, "account": 10, "market": 1, "quantity": 5_000}
    assert row == usual | columns


@pytest.mark.parametrize(
    ("request_message", "field"),
    [
        (pb.AmendOrderRequest(quantity="1"), "order_id"),
        (pb.AmendOrderRequest(order_id=-1, quantity="1"), "order_id"),
        (pb.AmendOrderRequest(order_id=5, client_order_id="mine", quantity="1"),
         "client_order_id"),
        (pb.AmendOrderRequest(order_id=5, market="eth-usdt", quantity="1"), "market"),
        (pb.AmendOrderRequest(order_id=5), "quantity"),
        (pb.AmendOrderRequest(order_id=5, quantity="0"), "quantity"),
        (pb.AmendOrderRequest(order_id=5, quantity="0.00001"), "quantity"),
        (pb.AmendOrderRequest(order_id=5, quantity="1", epoch=-1), "epoch"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_amendments(
    request_message: pb.AmendOrderRequest, field: str, committed: Committed
) -> None:
    request_message.account_id = 10
    with pytest.raises(InvalidField) as caught:
        order_rows.amend_row(REQUEST, request_message, committed)
    assert caught.value.field == field


def test_an_amendment_of_what_is_not_known(committed: Committed) -> None:
    for account_id, order_id in ((10, 6), (11, 5)):  # nobody's, another's
        request = pb.AmendOrderRequest(account_id=account_id, order_id=order_id, quantity="1")
        with pytest.raises(NotFound):
            order_rows.amend_row(REQUEST, request, committed)


def test_cancels(directory: Directory) -> None:
    by_id = pb.CancelOrderRequest(account_id=10, order_id=5)
    row = read(order_rows.cancel_row(REQUEST, by_id, directory))
    assert (row["kind"], row["order_id"]) == (CommandKind.CANCEL_ORDER, 5)
    by_name = pb.CancelOrderRequest(account_id=10, client_order_id="a", market="eth-usdt")
    row = read(order_rows.cancel_row(REQUEST, by_name, directory))
    assert (row["name"], row["market"]) == (b"a", 2)
    both = pb.CancelOrderRequest(account_id=10, order_id=5, client_order_id="a")
    with pytest.raises(InvalidField):
        order_rows.cancel_row(REQUEST, both, directory)
    everything = pb.CancelAllRequest(account_id=10, market="eth-usdt", epoch=3)
    row = read(order_rows.cancel_all_row(REQUEST, everything, directory))
    del row["request_hi"], row["request_lo"]
    assert row == {"kind": CommandKind.CANCEL_ALL, "account": 10, "market": 2, "epoch": 3}
