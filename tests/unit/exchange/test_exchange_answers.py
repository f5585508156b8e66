"""Answers to order commands: told by their events, around which other orders live on."""

from typing import Any

import numpy as np
import pytest
from tests.support.reference import Reference
from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2 as t

from tigerex_core import Capacity
from tigerex_core.records import (
    COMMAND_WIDTH,
    EVENT_WIDTH,
    WORLD_ACCOUNT,
    Command,
    MarketLimit,
    SelfTrade,
)
from tigerex_platform.errors import InvalidField, Refused
from tigerex_services.exchange import commands
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.refusals import find_refusal
from tigerex_services.exchange.servicers import order_messages, order_rows
from tigerex_services.order_messages import list_message

pytestmark = pytest.mark.unit

ADA, BOB = 4, 5
SIDES = {"buy": t.SIDE_BUY, "sell": t.SIDE_SELL}
MESSAGES = {
    pb.PlaceOrderRequest: "placed",
    pb.PlaceOcoRequest: "oco_placed",
    pb.CancelOrderRequest: "canceled",
    pb.AmendOrderRequest: "amended",
}


class Exchange:
    """The reference behind the translation of requests and answers; ADA and BOB have money."""

    def __init__(self) -> None:
        self.reference = Reference(Capacity.small())
        self.committed = Committed()
        self.time_ns = self.requests = 0
        new = self.new_id
        for row in (
            commands.create_asset(new(), "BTC", 8),
            commands.create_asset(new(), "USDT", 6),
            commands.create_asset(new(), "TGX", 2),
            commands.create_market(
                new(), "btc-usdt", base=1, quote=2, tick=10_000, lot=10_000, max_price=10**8,
                max_quantity=10**6, min_notional=0,
            ),
            commands.create_user(new(), "ada"),
            commands.create_user(new(), "bob"),
            commands.set_fee_tier(new(), 0, 1_000, 2_000),
            *(
                commands.transfer(new(), WORLD_ACCOUNT, account, asset, 10**13)
                for account in (ADA, BOB)
                for asset in (1, 2, 3)
            ),
        ):  # fmt: skip
            self.run(row)

    def new_id(self) -> bytes:
        self.requests += 1
        return self.requests.to_bytes(16, "big")

    def run(self, row: bytes) -> Answer:
        """The answer to one command; raises its refusal."""
        self.time_ns += 1
        array = np.frombuffer(bytearray(row), "<i8").reshape(1, COMMAND_WIDTH)
        array[0, Command.TIME_NS] = self.time_ns
        rows = self.reference.apply(array, self.time_ns)
        self.committed.apply(np.array(rows, np.int64).reshape(-1, EVENT_WIDTH), rows)
        answer = Answer(self.time_ns, self.time_ns, rows)
        error = find_refusal(rows, self.committed.directory)
        if error is not None:
            raise error
        return answer

    def place(self, account: int, side: str, price: str, quantity: str, **more: Any) -> Any:
        return self.send(
            pb.PlaceOrderRequest(
                account_id=account, market="btc-usdt", side=SIDES[side], type=t.ORDER_TYPE_LIMIT,
                price=price, quantity=quantity,
            ),
            **more,
        )  # fmt: skip

    def send(self, request: Any, **more: Any) -> Any:
        """The message of the answer; as an item of a batch it is the same."""
        for name, value in more.items():
            setattr(request, name, value)
        directory, request_id = self.committed.directory, self.new_id()
        match request:
            case pb.PlaceOrderRequest():
                row = order_rows.place_row(request_id, request, directory)
            case pb.PlaceOcoRequest():
                row = order_rows.oco_row(request_id, request, directory)
            case pb.CancelOrderRequest():
                row = order_rows.cancel_row(request_id, request, directory)
            case _:
                row = order_rows.amend_row(request_id, request, self.committed)
        self.answer = self.run(row)
        result = order_messages.batch_result(self.answer, self.committed)
        assert result.WhichOneof("result") == MESSAGES[type(request)]
        return getattr(result, MESSAGES[type(request)])

    def order(self, order_id: int) -> t.Order:
        record = self.committed.orders.find(order_id)
        assert record is not None
        return order_messages.known_order(record, self.committed)

    def oco(self, account: int, **fields: Any) -> Any:
        return self.send(
            pb.PlaceOcoRequest(
                account_id=account, market="btc-usdt", side=t.SIDE_SELL, quantity="1",
                limit=pb.OcoLimit(price="120", client_order_id="gain"),
                stop=pb.OcoStop(stop_price="90", client_order_id="loss"),
                client_list_id="both",
            ),
            **fields,
        )  # fmt: skip


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def test_fees_are_named_for_both_sides(exchange: Exchange) -> None:
    exchange.place(ADA, "sell", "100", "1")
    [fill] = exchange.place(BOB, "buy", "100", "1").fills
    assert (fill.fee, fill.fee_asset, fill.maker) == ("0.002", "BTC", False)

    exchange.place(ADA, "buy", "100", "1")
    [fill] = exchange.place(BOB, "sell", "100", "1").fills
    assert (fill.fee, fill.fee_asset) == ("0.2", "USDT")


def test_a_fee_in_the_discount_asset(exchange: Exchange) -> None:
    """Here it is the quote asset: 0.2 % of 100, a quarter let off."""
    exchange.run(commands.set_fee_discount(exchange.new_id(), 2, 250_000))
    exchange.run(commands.set_fee_payment(exchange.new_id(), BOB, discounted=True))
    assert exchange.committed.directory.account(BOB).pays_discounted_fees
    exchange.place(ADA, "sell", "100", "1")
    [fill] = exchange.place(BOB, "buy", "100", "1").fills
    assert (fill.fee, fill.fee_asset) == ("0.15", "USDT")


def test_the_caller_s_other_orders_are_told(exchange: Exchange) -> None:
    """BOB's purchase triggers a stop of his own, which sells to ADA; her stop stays hers."""
    exchange.place(ADA, "sell", "100", "1")
    exchange.place(ADA, "buy", "99", "5")
    stop = exchange.place(BOB, "sell", "", "2", type=t.ORDER_TYPE_TAKE_PROFIT, stop_price="100")
    hers = exchange.place(
        ADA, "sell", "90", "1", type=t.ORDER_TYPE_TAKE_PROFIT_LIMIT, stop_price="100"
    )
    assert stop.order.status == t.ORDER_STATUS_WAITING
    assert (stop.order.stop_price, stop.order.price) == ("100", "")

    bought = exchange.place(BOB, "buy", "100", "1")
    assert bought.order.status == t.ORDER_STATUS_FILLED
    [fill] = bought.fills
    assert fill.price == "100"
    [other] = bought.others
    assert other.order_id == stop.order.order_id
    assert other.status == t.ORDER_STATUS_FILLED
    assert other.remaining_quantity == "0"
    assert [(f.price, f.quantity, f.maker) for f in other.fills] == [("99", "2", False)]
    assert exchange.order(stop.order.order_id).triggered_price == "100"
    assert exchange.order(hers.order.order_id).status != t.ORDER_STATUS_WAITING


def test_an_order_that_a_triggered_stop_trades_with_is_a_maker(exchange: Exchange) -> None:
    exchange.place(ADA, "sell", "100", "1")
    exchange.place(ADA, "sell", "", "1", type=t.ORDER_TYPE_TAKE_PROFIT, stop_price="100")
    # BOB takes all at 100; what is left rests, and ADA's stop sells to it.
    placed = exchange.place(BOB, "buy", "100", "3")
    assert [fill.maker for fill in placed.fills] == [False, True]
    assert placed.fills[1].fee == "0.001"
    assert placed.order.filled_quantity == "2"
    assert (placed.order.remaining_quantity, placed.order.visible_quantity) == ("1", "1")
    assert placed.order.status == t.ORDER_STATUS_PARTIALLY_FILLED
    assert list(placed.others) == []


def test_an_order_for_an_amount(exchange: Exchange) -> None:
    exchange.place(ADA, "sell", "100", "1")
    placed = exchange.place(BOB, "buy", "", "", type=t.ORDER_TYPE_MARKET, quote_amount="50.005")
    assert placed.order.status == t.ORDER_STATUS_FILLED
    assert (placed.order.quote_amount, placed.order.quantity) == ("50.005", "0")
    assert (placed.order.filled_quantity, placed.order.filled_notional) == ("0.5", "50")


def test_a_list_and_its_end(exchange: Exchange) -> None:
    placed = exchange.oco(ADA)
    listed = placed.list
    assert listed.status == t.ORDER_LIST_STATUS_EXECUTING
    assert [order.status for order in listed.orders] == [
        t.ORDER_STATUS_NEW,
        t.ORDER_STATUS_WAITING,
    ]
    assert [order.client_order_id for order in listed.orders] == ["gain", "loss"]
    assert {order.list_id for order in listed.orders} == {listed.list_id}
    assert {order.client_list_id for order in listed.orders} == {"both"}

    bought = exchange.place(BOB, "buy", "120", "0.4")
    assert list(bought.others) == []  # ADA's, not BOB's
    limit, stop = (exchange.order(order.order_id) for order in listed.orders)
    assert limit.status == t.ORDER_STATUS_PARTIALLY_FILLED
    assert (stop.status, stop.end_reason) == (t.ORDER_STATUS_CANCELED, "OTHER_LEG")

    canceled = exchange.send(pb.CancelOrderRequest(account_id=ADA, order_id=limit.order_id))
    assert canceled.order.status == t.ORDER_STATUS_CANCELED
    assert canceled.order.filled_quantity == "0.4"
    assert list(canceled.others) == []
    found = exchange.committed.orders.find_list_by_name(ADA, "both")
    assert found is not None
    records = [exchange.committed.orders.find(o.order_id) for o in listed.orders]
    market = exchange.committed.directory.market("btc-usdt")
    message = list_message(found, [r for r in records if r], market)
    assert message.status == t.ORDER_LIST_STATUS_ALL_DONE


def test_canceling_one_order_of_a_list_tells_the_other(exchange: Exchange) -> None:
    limit, stop = exchange.oco(ADA).list.orders
    canceled = exchange.send(pb.CancelOrderRequest(account_id=ADA, order_id=stop.order_id))
    assert canceled.order.order_id == stop.order_id
    [other] = canceled.others
    assert (other.order_id, other.end_reason) == (limit.order_id, "OTHER_LEG")
    assert other.status == t.ORDER_STATUS_CANCELED


@pytest.mark.parametrize(("quantity", "kept"), [("2", True), ("5", False)])
def test_amending(exchange: Exchange, quantity: str, kept: bool) -> None:
    placed = exchange.place(ADA, "sell", "100", "3")
    exchange.place(BOB, "buy", "100", "1")
    request = pb.AmendOrderRequest(
        account_id=ADA, order_id=placed.order.order_id, quantity=quantity
    )
    amended = exchange.send(request)
    assert amended.kept_priority is kept
    assert amended.order.quantity == quantity
    assert amended.order.remaining_quantity == str(int(quantity) - 1)
    assert amended.order.status == t.ORDER_STATUS_PARTIALLY_FILLED
    first = exchange.answer
    exchange.place(BOB, "buy", "100", "1")
    assert order_messages.amended(first, exchange.committed) == amended, "a repetition"
    assert exchange.order(placed.order.order_id).amendments == 1


def test_amending_a_waiting_stop(exchange: Exchange) -> None:
    stop = exchange.place(BOB, "sell", "", "2", type=t.ORDER_TYPE_STOP_LOSS, stop_price="90")
    request = pb.AmendOrderRequest(account_id=BOB, order_id=stop.order.order_id, quantity="1")
    assert exchange.send(request).order.status == t.ORDER_STATUS_WAITING


def test_what_fell_due_before_a_command_is_not_its_answer(exchange: Exchange) -> None:
    """Two of ADA's dated orders expire around BOB's cancel, and one of his own."""
    for _ in range(2):
        exchange.place(ADA, "sell", "130", "1", expire_ns=exchange.time_ns + 3)
    kept = exchange.place(BOB, "buy", "50", "1")
    dated = exchange.place(BOB, "buy", "51", "1", expire_ns=exchange.time_ns + 2)
    exchange.time_ns += 5
    canceled = exchange.send(pb.CancelOrderRequest(account_id=BOB, order_id=kept.order.order_id))
    assert canceled.order.order_id == kept.order.order_id
    [other] = canceled.others
    assert (other.order_id, other.end_reason) == (dated.order.order_id, "TIME")
    assert other.status == t.ORDER_STATUS_EXPIRED


def test_self_trade_prevention_is_told(exchange: Exchange) -> None:
    first = exchange.place(ADA, "sell", "100", "1")
    second = exchange.place(ADA, "buy", "100", "3", self_trade_mode=t.SELF_TRADE_MODE_DECREMENT)
    assert second.fills == []
    assert second.order.prevented_quantity == "1"
    assert second.order.remaining_quantity == "2"
    [other] = second.others
    assert (other.order_id, other.end_reason) == (first.order.order_id, "SELF_TRADE")
    assert other.status == t.ORDER_STATUS_EXPIRED_IN_MATCH


def test_an_iceberg_shows_a_part(exchange: Exchange) -> None:
    placed = exchange.place(ADA, "sell", "100", "3", display_quantity="1")
    assert (placed.order.visible_quantity, placed.order.display_quantity) == ("1", "1")
    exchange.place(BOB, "buy", "100", "1.5")
    order = exchange.order(placed.order.order_id)
    assert (order.visible_quantity, order.remaining_quantity) == ("0.5", "1.5")


def test_refusals_say_the_limit(exchange: Exchange) -> None:
    new = exchange.new_id
    exchange.run(commands.set_market_limit(new(), 1, MarketLimit.NOTIONAL_MAX, 5_000_000))
    exchange.run(commands.set_market_limit(new(), 1, MarketLimit.ORDERS_MAX, 1))
    with pytest.raises(Refused) as caught:
        exchange.place(ADA, "sell", "100", "1")
    assert (caught.value.code, caught.value.field) == ("MAX_NOTIONAL", "quantity")
    assert "largest notional: 5)" in caught.value.message
    exchange.place(ADA, "sell", "100", "0.01")
    with pytest.raises(Refused) as caught:
        exchange.place(ADA, "sell", "100", "0.01")
    assert caught.value.code == "MAX_ORDERS"
    assert "most open orders: 1)" in caught.value.message


def test_the_market_s_self_trade_mode_counts(exchange: Exchange) -> None:
    row = commands.set_market_limit(
        exchange.new_id(), 1, MarketLimit.SELF_TRADE, SelfTrade.EXPIRE_TAKER
    )
    exchange.run(row)
    exchange.place(ADA, "sell", "100", "1")
    taker = exchange.place(ADA, "buy", "100", "1")
    assert taker.order.status == t.ORDER_STATUS_EXPIRED_IN_MATCH
    assert taker.order.self_trade_mode == t.SELF_TRADE_MODE_UNSPECIFIED
    assert list(taker.others) == [], "nothing changed for the maker"


@pytest.mark.parametrize(
    "translate",
    [
        lambda answer, committed: order_messages.placed(answer, committed.directory),
        lambda answer, committed: order_messages.oco_placed(answer, committed.directory),
        order_messages.canceled,
        order_messages.amended,
    ],
)
def test_an_answer_to_something_else_is_no_order(exchange: Exchange, translate: Any) -> None:
    answer = exchange.run(commands.set_fee_tier(exchange.new_id(), 1, 0, 0))
    with pytest.raises(InvalidField):
        translate(answer, exchange.committed)
