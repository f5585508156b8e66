"""Binance's table of errors, number by number: a request that meets each, over both carriers."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.binance_raw import (
    ED25519_KEY,
    HMAC_KEY,
    Binance,
    Params,
    ask,
    heard,
    serving_binance,
    signed_params,
    signed_query,
)
from tests.support.gateway_upstreams import order
from tigerex.exchange.v1 import trading_pb2

from tigerex_platform.errors import (
    DeadlineExceeded,
    NotFound,
    RateLimited,
    Refused,
    TigerExError,
    Unauthenticated,
    Unavailable,
)
from tigerex_services.gateway.binance import ws_state
from tigerex_services.gateway.binance.endpoints import ENDPOINTS, Endpoint, Proof
from tigerex_services.gateway.binance.errors import MESSAGES
from tigerex_services.gateway.binance.limits import RateLimit
from tigerex_services.gateway.binance.ws_api import METHODS

pytestmark = [pytest.mark.unit, pytest.mark.timeout(60)]

ORDER: Params = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "50000",
}
ONE: Params = {"symbol": "BTCUSDT", "orderId": 7}
REPLACE: Params = ORDER | {"cancelOrderId": 7, "cancelReplaceMode": "STOP_ON_FAILURE"}


@dataclass(frozen=True)
class Case:
    """What is sent, while the services behind answer like this."""

    code: int
    method: str  # as sockets call it
    params: Params
    status: int = 400
    errors: Mapping[str, TigerExError] = field(default_factory=dict)
    key: str = HMAC_KEY
    late_ms: int = 0
    changed: Params = field(default_factory=dict)  # after it was signed

    def __str__(self) -> str:
        return f"{self.code} {self.method}"

    @property
    def endpoint(self) -> Endpoint:
        return METHODS[self.method]


def but(base: Params, **changes: Any) -> Params:
    """None takes a parameter away."""
    return {name: each for name, each in (base | changes).items() if each is not None}


UNKNOWN_ORDER = NotFound("open order", 7)
CASES = [
    Case(-1000, "order.status", ONE | {"orderId": 9}, 500),
    Case(-1001, "order.place", ORDER, 503, {"PlaceOrder": Unavailable()}),
    Case(-1003, "order.place", ORDER, 429, {"PlaceOrder": RateLimited()}),
    Case(-1007, "order.place", ORDER, 504, {"PlaceOrder": DeadlineExceeded()}),
    Case(-1013, "order.place", ORDER, 400, {"PlaceOrder": Refused("MIN_NOTIONAL", "more")}),
    Case(-1021, "order.place", ORDER, late_ms=5_500),
    Case(-1021, "order.place", ORDER, late_ms=-2_000),
    Case(
        -1021,
        "order.place",
        ORDER,
        errors={"PlaceOrder": Unauthenticated("late", code="TIMESTAMP_OUTSIDE_WINDOW")},
    ),
    Case(-1022, "order.place", ORDER, changed={"price": "1"}),
    Case(-1022, "order.place", ORDER, key=ED25519_KEY, changed={"price": "1"}),
    Case(-1100, "order.place", but(ORDER, price="1e5")),
    Case(-1102, "order.place", but(ORDER, symbol=None)),
    Case(-1102, "order.place", but(ORDER, price=None)),
    Case(-1102, "order.cancelReplace", but(REPLACE, cancelOrderId=None)),
    Case(-1104, "order.place", but(ORDER, colour="red")),
    Case(-1105, "order.place", but(ORDER, newClientOrderId="")),
    Case(-1106, "order.place", but(ORDER, stopPrice="1")),
    Case(-1111, "order.place", but(ORDER, quantity="0.123456789")),
    Case(-1115, "order.place", but(ORDER, timeInForce="GTX")),
    Case(-1116, "order.place", but(ORDER, type="PEGGED")),
    Case(-1117, "order.place", but(ORDER, side="HOLD")),
    Case(-1120, "klines", {"symbol": "BTCUSDT", "interval": "7m"}),
    Case(-1121, "order.place", but(ORDER, symbol="ETHUSDT")),
    Case(-1127, "allOrders", {"symbol": "BTCUSDT", "startTime": 0, "endTime": 86_400_001}),
    Case(-1128, "ticker", {}),
    Case(-1130, "order.place", but(ORDER, selfTradePreventionMode="MAYBE")),
    Case(-1131, "order.place", but(ORDER, recvWindow=60_001)),
    Case(-1139, "order.place", but(ORDER, newOrderRespType="ALL")),
    Case(-1145, "order.cancel", but(ONE, cancelRestrictions="ONLY_OLD")),
    Case(-1145, "order.cancelReplace", but(REPLACE, cancelRestrictions="ONLY_OLD")),
    Case(-2010, "order.place", ORDER, errors={"PlaceOrder": Refused("WOULD_TAKE", "no")}),
    Case(-2011, "order.cancel", ONE, errors={"CancelOrder": UNKNOWN_ORDER}),
    Case(-2011, "order.cancel", ONE, errors={"GetOrder": UNKNOWN_ORDER}),
    Case(
        -2011,
        "orderList.cancel",
        {"symbol": "BTCUSDT", "orderListId": 3},
        errors={"GetOrderList": NotFound("open or recently closed list", 3)},
    ),
    Case(-2013, "order.status", ONE, errors={"GetOrder": UNKNOWN_ORDER}),
    Case(-2013, "order.amend.keepPriority", ONE | {"newQty": "1"},
         errors={"GetOrder": UNKNOWN_ORDER}),
    Case(-2014, "order.place", ORDER, 401, key="k" * 129),
    Case(-2015, "order.place", ORDER, 401, key="nobody"),
    Case(-2015, "order.place", ORDER, 401, key="eve-key"),
    Case(-2018, "orderList.status", {"orderListId": 3},
         errors={"GetOrderList": NotFound("open or recently closed list", 3)}),
    Case(-2021, "order.cancelReplace", REPLACE, 409, {"PlaceOrder": Refused("WOULD_TAKE", "no")}),
    Case(-2022, "order.cancelReplace", REPLACE, 400, {"CancelOrder": UNKNOWN_ORDER}),
    Case(-2038, "order.amend.keepPriority", ONE | {"newQty": "1"}),
    Case(-2039, "order.status", ONE | {"origClientOrderId": "another"}),
]  # fmt: skip
# What only one of both can say, or only in its own way. -1125 needs Redis: see the listen keys.
ONLY_HTTP = {-1020, -1101, -1125, -1015}
ONLY_SOCKETS = {-1135, -1191, -1194, -2035, -2036, -2042, -4056}


@pytest.fixture
async def binance() -> AsyncIterator[Binance]:
    async with serving_binance() as served:
        broken = order()
        broken.type = 99  # type: ignore[assignment]
        served.upstreams.answers["GetOrder 9"] = trading_pb2.GetOrderResponse(order=broken)
        yield served


def test_every_number_has_a_case() -> None:
    assert {case.code for case in CASES} | ONLY_HTTP | ONLY_SOCKETS == MESSAGES.keys()


def prepare(binance: Binance, case: Case) -> None:
    binance.upstreams.errors.update(case.errors)
    if case.code == -1000:
        binance.upstreams.answers["GetOrder"] = binance.upstreams.answers["GetOrder 9"]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_over_http(binance: Binance, case: Case) -> None:
    prepare(binance, case)
    endpoint = case.endpoint
    if endpoint.proof is Proof.SIGNED:
        sent = signed_query_of(case)
    else:
        sent = "&".join(f"{name}={value}" for name, value in case.params.items())
    answer = await binance.call(endpoint.method, endpoint.path, sent, case.key)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (case.status, case.code)
    assert "%" not in told["msg"]
    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) >= endpoint.weight
    if case.status in (429, 503, 504):
        assert int(answer.headers["Retry-After"]) >= 1
    check_nothing_was_done(binance, case)


def signed_query_of(case: Case) -> str:
    query = signed_query(case.params, case.key, late_ms=case.late_ms)
    for name, value in case.changed.items():
        query = query.replace(f"{name}={case.params[name]}", f"{name}={value}")
    return query


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_over_a_socket(binance: Binance, case: Case) -> None:
    prepare(binance, case)
    params = case.params
    if case.endpoint.proof is Proof.SIGNED:
        params = signed_params(params, case.key, late_ms=case.late_ms) | case.changed
    async with binance.socket() as socket:
        answer = await ask(socket, case.method, params)
        assert (answer["status"], answer["error"]["code"]) == (case.status, case.code)
        assert "%" not in answer["error"]["msg"]
        assert (await ask(socket, "ping"))["status"] == 200
    check_nothing_was_done(binance, case)


def check_nothing_was_done(binance: Binance, case: Case) -> None:
    """No command was sent on but the one that the exchange refused."""
    commands = {"PlaceOrder", "CancelOrder", "AmendOrder", "PlaceOco", "SubmitBatch"}
    sent = {call.method for call in binance.upstreams.calls} & commands
    allowed = set(case.errors)
    if case.code == -2021:
        allowed.add("CancelOrder")
    assert sent <= allowed


# Only over HTTP


async def test_a_path_that_is_not_there(binance: Binance) -> None:
    answer = await binance.call("GET", "/api/v3/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, -1020)


async def test_a_parameter_twice(binance: Binance) -> None:
    twice = await binance.call("GET", "/api/v3/depth", "symbol=BTCUSDT&symbol=BTCUSDT")
    assert twice.json()["code"] == -1101


async def test_too_many_orders(binance: Binance) -> None:
    counts = binance.app.state.gateway.binance.order_counts
    clock = binance.app.state.gateway.binance.clock
    counts.__init__(clock, (RateLimit("ORDERS", "DAY", 1, 1),))
    placed = await binance.signed("POST", "/api/v3/order", ORDER)
    assert placed.headers["X-MBX-ORDER-COUNT-1D"] == "1"
    oco = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER",
        "abovePrice": "61000", "belowType": "STOP_LOSS", "belowStopPrice": "59000",
    }  # fmt: skip
    for path, params in (
        ("order", ORDER),
        ("orderList/oco", oco),
        ("order/cancelReplace", REPLACE),
    ):
        answer = await binance.signed("POST", f"/api/v3/{path}", params)
        assert (answer.status_code, answer.json()["code"]) == (429, -1015)
        assert answer.headers["X-MBX-ORDER-COUNT-1D"] == "1"
    assert len(binance.upstreams.called("PlaceOrder")) == 1
    assert not binance.upstreams.called("CancelOrder")


# Only over sockets


async def test_what_is_no_request(binance: Binance) -> None:
    async with binance.socket() as socket:
        await socket.send("ping")
        assert (await heard(socket))["error"]["code"] == -1135


async def test_a_session_needs_an_ed25519_key(binance: Binance) -> None:
    async with binance.socket() as socket:
        answer = await ask(socket, "session.logon", signed_params({}))
        assert answer["error"]["code"] == -4056
        assert (await ask(socket, "session.status"))["result"]["apiKey"] is None


async def test_subscriptions(binance: Binance, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribe = "userDataStream.subscribe.signature"
    async with binance.socket() as socket:
        assert (await ask(socket, subscribe, signed_params({})))["status"] == 200
        codes = [(await ask(socket, subscribe, signed_params({})))["error"]["code"]]
        unknown = await ask(socket, "userDataStream.unsubscribe", {"subscriptionId": 5})
        codes.append(unknown["error"]["code"])
        for name in ("SUBSCRIPTIONS_MAX", "SUBSCRIPTION_IDS_MAX"):
            with monkeypatch.context() as patch:
                patch.setattr(ws_state, name, 1)
                answer = await ask(socket, subscribe, signed_params({}, "eve-key"))
                codes.append(answer["error"]["code"])
    assert codes == [-2035, -2036, -1191, -2042]


def test_the_cases_name_endpoints_of_both() -> None:
    paths = {each.ws for each in ENDPOINTS if each.path}
    assert {case.method for case in CASES} <= paths
