"""The sample's exchange: every kind of order, its tools, and a standby that takes over."""

import json
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import grpc
import pytest
from tests.support.live import CALL_DEADLINE_S, Demo, kubectl, kubectl_json
from tigerex.exchange.v1 import accounts_pb2, trading_pb2, types_pb2

pytestmark = pytest.mark.e2e

NAMESPACE, MARKET = "demo", "btc-usdt"
READY_WITHIN_S = 90
DAY_NS = 86_400_000_000_000

# Further away than the sample's prices go, and within its filters, so that none of them trades.
LOW, HIGH = "40000.00", "200000.00"
BUY, SELL = types_pb2.SIDE_BUY, types_pb2.SIDE_SELL


def kinds() -> dict[str, dict[str, Any]]:
    limit, stop = types_pb2.ORDER_TYPE_LIMIT, types_pb2.ORDER_TYPE_STOP_LOSS
    in_a_day = time.time_ns() + DAY_NS
    dated = {"time_in_force": types_pb2.TIME_IN_FORCE_GTD, "expire_ns": in_a_day}
    return {
        "post-only": {"type": limit, "side": BUY, "price": LOW, "post_only": True},
        "good till date": {"type": limit, "side": BUY, "price": LOW, **dated},
        "iceberg": {"type": limit, "side": SELL, "price": HIGH, "display_quantity": "0.001"},
        "stop loss": {"type": stop, "side": SELL, "stop_price": LOW},
        "stop loss limit": {
            "type": types_pb2.ORDER_TYPE_STOP_LOSS_LIMIT,
            "side": SELL,
            "stop_price": LOW,
            "price": LOW,
        },
        "take profit": {
            "type": types_pb2.ORDER_TYPE_TAKE_PROFIT,
            "side": SELL,
            "stop_price": HIGH,
        },
        "take profit limit": {
            "type": types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT,
            "side": BUY,
            "stop_price": LOW,
            "price": LOW,
        },
        "trailing stop": {"type": stop, "side": SELL, "trailing_bps": 9_000},
    }


@pytest.fixture(scope="module")
def demo(sample_env: None) -> Demo:
    return Demo.connect()


@pytest.fixture(scope="module")
def account_id(demo: Demo) -> int:
    answer = demo.accounts.ListAccounts(accounts_pb2.ListAccountsRequest(), timeout=CALL_DEADLINE_S)
    return next(a.account_id for a in answer.accounts if a.kind == types_pb2.ACCOUNT_KIND_MAIN)


def cancel_all(demo: Demo, account_id: int) -> trading_pb2.CancelAllResponse:
    request = trading_pb2.CancelAllRequest(
        request_id=uuid.uuid4().bytes, account_id=account_id, market=MARKET
    )
    return demo.trading.CancelAll(request, timeout=CALL_DEADLINE_S)


def balances(demo: Demo, account_id: int) -> dict[str, tuple[Decimal, Decimal]]:
    request = accounts_pb2.GetBalancesRequest(account_id=account_id)
    answer = demo.accounts.GetBalances(request, timeout=CALL_DEADLINE_S)
    return {b.asset: (Decimal(b.available), Decimal(b.held)) for b in answer.balances}


def test_every_kind_of_order_can_be_placed_amended_and_canceled(
    demo: Demo, account_id: int
) -> None:
    cancel_all(demo, account_id)
    before = balances(demo, account_id)
    placed = {}
    for name, fields in kinds().items():
        request = trading_pb2.PlaceOrderRequest(
            request_id=uuid.uuid4().bytes,
            account_id=account_id,
            market=MARKET,
            quantity="0.002",
            **fields,
        )
        order = demo.trading.PlaceOrder(request, timeout=CALL_DEADLINE_S).order
        repeated = demo.trading.PlaceOrder(request, timeout=CALL_DEADLINE_S).order
        assert repeated.order_id == order.order_id
        placed[name] = order.order_id
    pair = trading_pb2.PlaceOcoRequest(
        request_id=uuid.uuid4().bytes,
        account_id=account_id,
        market=MARKET,
        side=SELL,
        quantity="0.002",
        limit=trading_pb2.OcoLimit(price=HIGH),
        stop=trading_pb2.OcoStop(stop_price=LOW, limit_price=LOW),
    )
    listed = demo.trading.PlaceOco(pair, timeout=CALL_DEADLINE_S).list
    ids = {*placed.values(), *(order.order_id for order in listed.orders)}
    assert ids == {order.order_id for order in demo.open_orders(account_id)}
    amend = trading_pb2.AmendOrderRequest(
        request_id=uuid.uuid4().bytes,
        account_id=account_id,
        order_id=placed["post-only"],
        quantity="0.001",
    )
    assert demo.trading.AmendOrder(amend, timeout=CALL_DEADLINE_S).kept_priority
    assert balances(demo, account_id) != before
    answer = cancel_all(demo, account_id)
    assert set(answer.order_ids) == ids
    assert answer.remaining == 0
    assert demo.open_orders(account_id) == []
    assert balances(demo, account_id) == before


def test_a_wrong_order_is_refused_with_the_field(demo: Demo, account_id: int) -> None:
    request = trading_pb2.PlaceOrderRequest(
        request_id=uuid.uuid4().bytes,
        account_id=account_id,
        market=MARKET,
        side=BUY,
        type=types_pb2.ORDER_TYPE_LIMIT,
        price=LOW,
        quantity="0.002",
        display_quantity="0.003",
    )
    with pytest.raises(grpc.RpcError) as caught:
        demo.trading.PlaceOrder(request, timeout=CALL_DEADLINE_S)
    assert "display_quantity" in caught.value.details()
    assert demo.open_orders(account_id) == []


def exchange_tool(*arguments: str) -> str:
    command = ("exec", "deploy/exchange", "--", "tigerex", "exchange", *arguments)
    return kubectl("-n", NAMESPACE, *command)


def test_the_tools_of_the_command_line(demo: Demo, account_id: int) -> None:
    assert exchange_tool("--snapshot").startswith("snapshot of entry")
    first = json.loads(exchange_tool("--export", "1", "1").splitlines()[0])
    assert first["seq"] == 1
    lines = exchange_tool("--statement", str(account_id), "USDT").splitlines()
    available, held = balances(demo, account_id)["USDT"]
    assert lines[-1].startswith("# closing USDT: available ")
    numbers = [Decimal(word.strip(",")) for word in lines[-1].split() if word[0].isdigit()]
    assert numbers == [available, held]


def leaders() -> list[str]:
    pods = kubectl_json("-n", NAMESPACE, "get", "pods", "-l", "app.kubernetes.io/name=exchange")
    return [
        pod["metadata"]["name"]
        for pod in pods["items"]
        if any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod["status"].get("conditions", [])
        )
    ]


def until(what: str, condition: Any) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {READY_WITHIN_S} s"
        time.sleep(0.2)


@pytest.fixture
def standby(sample_env: None) -> Iterator[None]:
    """A second exchange process, for as long as the test."""

    def ask(wanted: bool) -> None:
        patch = json.dumps({"spec": {"standby": wanted}})
        kubectl("patch", "tenant", NAMESPACE, "--type=merge", f"--patch={patch}")

    def running() -> int:
        pods = kubectl_json("-n", NAMESPACE, "get", "pods", "-l", "app.kubernetes.io/name=exchange")
        return sum(pod["status"]["phase"] == "Running" for pod in pods["items"])

    ask(True)
    until("two exchange processes", lambda: running() == 2 and len(leaders()) == 1)
    kubectl("wait", f"tenant/{NAMESPACE}", "--for=condition=Ready", f"--timeout={READY_WITHIN_S}s")
    yield
    ask(False)
    until("one exchange process", lambda: running() == 1 and len(leaders()) == 1)


@pytest.mark.timeout(400)
def test_a_standby_takes_over(standby: None, demo: Demo, account_id: int) -> None:
    before = balances(demo, account_id)
    (leader,) = leaders()
    kubectl("-n", NAMESPACE, "delete", "pod", leader, "--force", "--grace-period=0")

    def served_by_another() -> bool:
        if leader in leaders() or not leaders():
            return False
        try:
            return balances(demo, account_id) == before
        except grpc.RpcError:
            return False

    until("an answer of the standby", served_by_another)
    assert "NOT VERIFIED" not in exchange_tool("--verify")
    kubectl("wait", f"tenant/{NAMESPACE}", "--for=condition=Ready", f"--timeout={READY_WITHIN_S}s")
