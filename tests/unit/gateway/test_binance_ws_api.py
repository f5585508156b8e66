"""The WebSocket API: the same endpoints, messages, sessions, bounds."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.binance_raw import (
    ED25519_KEY,
    HMAC_KEY,
    Binance,
    Params,
    ask,
    heard,
    now_ms,
    serving_binance,
    signature_of,
    signed_params,
)
from tests.support.gateway_upstreams import Follow, order
from tigerex.exchange.v1 import trading_pb2, types_pb2
from tigerex.history.v1 import history_pb2
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tigerex_platform.errors import NotFound, Refused, Unavailable
from tigerex_services.gateway.binance import limits, ws_api, ws_state
from tigerex_services.gateway.binance.endpoints import ENDPOINTS, Endpoint, Proof
from tigerex_services.gateway.binance.execution import Outcome
from tigerex_services.gateway.binance.limits import RateLimit, Weights

pytestmark = [pytest.mark.unit, pytest.mark.timeout(60)]

ORDER: Params = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "50000",
}


@pytest.fixture
async def binance() -> AsyncIterator[Binance]:
    async with serving_binance() as served:
        yield served


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# The same endpoints

MINIMAL: dict[str, Params] = {
    "depth": {"symbol": "BTCUSDT", "limit": 5},
    "trades.recent": {"symbol": "BTCUSDT"},
    "trades.historical": {"symbol": "BTCUSDT", "fromId": 1},
    "klines": {"symbol": "BTCUSDT", "interval": "1m"},
    "uiKlines": {"symbol": "BTCUSDT", "interval": "1m"},
    "ticker.book": {"symbols": ["BTCUSDT"]},
    "order.place": ORDER,
    "order.test": ORDER,
    "order.status": {"symbol": "BTCUSDT", "orderId": 7},
    "order.cancel": {"symbol": "BTCUSDT", "orderId": 7, "newClientOrderId": "gone"},
    "openOrders.status": {"symbol": "BTCUSDT"},
    "orderList.status": {"orderListId": 3},
}
BOTH = [each for each in ENDPOINTS if each.ws and each.path]
CLOCKS = {"serverTime", "updateTime", "time", "clientOrderId"}  # or random


def _without_clocks(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: _without_clocks(each) for name, each in answer.items() if name not in CLOCKS}
    return [_without_clocks(each) for each in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("endpoint", BOTH, ids=lambda each: each.ws)
async def test_a_socket_and_http_give_the_same_answer(binance: Binance, endpoint: Endpoint) -> None:
    """Also where something is wrong: parameters that are missing are missing in both."""
    params = MINIMAL.get(endpoint.ws, {})
    query = {k: json.dumps(v) if isinstance(v, list) else v for k, v in params.items()}
    if endpoint.proof is Proof.SIGNED:
        http = await binance.signed(endpoint.method, endpoint.path, query)
    else:
        http = await binance.call(endpoint.method, endpoint.path, urlencode(query))
    async with binance.socket() as socket:
        if endpoint.proof is Proof.SIGNED:
            params = signed_params(params)
        elif endpoint.proof is Proof.KEY:
            params = params | {"apiKey": HMAC_KEY}
        answer = await ask(socket, endpoint.ws, params)
    assert answer["status"] == http.status_code
    if answer["status"] == 200:
        content = answer["result"]
    else:
        content = {name: answer["error"][name] for name in ("code", "msg")}
    assert _without_clocks(content) == _without_clocks(http.json())


def test_methods_are_the_tables() -> None:
    names = [each.ws for each in ENDPOINTS if each.ws]
    assert len(names) == len(set(names))
    assert {"order.place", "order.cancelReplace", "session.logon", "ticker.24hr"} <= set(names)


# Messages

ECHOED = [1, -5, 2**63 - 1, "one-1_A", "x" * 36, None]


@pytest.mark.parametrize("number", ECHOED, ids=str)
async def test_an_answer_has_the_id_of_its_request(binance: Binance, number: Any) -> None:
    async with binance.socket() as socket:
        answer = await ask(socket, "v3/ping", None, number)
        assert answer["id"] == number
        assert answer["status"] == 200
        refused = await ask(socket, "no.such.method", {}, number)
        assert (refused["id"], refused["error"]["code"]) == (number, -1020)


BAD_MESSAGES: list[tuple[str, int]] = [
    ("", -1135),
    ("ping", -1135),
    ("[]", -1135),
    ('"ping"', -1135),
    ('{"id":1,"method":"ping"', -1135),
    ('{"id":1,"method":"ping","params":{"x":NaN}}', -1135),
    ('{"id":1,"method":"ping","params":{"x":"\\ud800"}}', -1135),
    ("[" * 4_000, -1135),
    ('{"id":1,"method":"depth","params":' + '{"a":' * 900 + "1" + "}" * 901, -1130),
    ('{"id":1,"method":"ping","params":[]}', 200),  # nothing is nothing
    ('{"id":1,"method":"ping","params":["symbol"]}', -1135),
    ('{"id":1}', -1102),
    ('{"id":1,"method":7}', -1102),
    ('{"id":1,"method":""}', -1102),
    ('{"id":1,"method":"ping","id":2}', -1101),
    ('{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","symbol":"ETHUSDT"}}', -1101),
    ('{"id":1,"method":"ping","jsonrpc":"2.0"}', -1104),
    ('{"id":1,"method":"ping","params":{"colour":"red"}}', -1104),
    ('{"id":1,"method":"depth","params":{"symbol":{"name":"BTCUSDT"}}}', -1130),
    ('{"id":1,"method":"depth","params":{"symbol":[1]}}', -1130),
    ('{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","limit":5e0}}', -1100),
    ('{"id":1.5,"method":"ping"}', -1100),
    ('{"id":9223372036854775808,"method":"ping"}', -1100),
    ('{"id":{},"method":"ping"}', -1100),
    ('{"id":"no blanks","method":"ping"}', -1100),
    ('{"id":1,"method":"' + "x" * 9_000 + '"}', -1020),
]


@pytest.mark.parametrize(("text", "code"), BAD_MESSAGES, ids=lambda value: str(value)[:60])
async def test_a_bad_message_is_answered_and_ends_nothing(
    binance: Binance, text: str, code: int
) -> None:
    async with binance.socket() as socket:
        await socket.send(text)
        answer = await heard(socket)
        assert answer.get("error", {}).get("code", 200) == code
        assert (await ask(socket, "ping"))["result"] == {}


async def test_binary_frames_are_answered_too(binance: Binance) -> None:
    async with binance.socket() as socket:
        await socket.send(b'{"id":1,"method":"ping"}')
        assert (await heard(socket))["error"]["code"] == -1135


async def test_rate_limits_are_told_unless_they_are_not_wanted(binance: Binance) -> None:
    async with binance.socket() as socket:
        told = (await ask(socket, "ping"))["rateLimits"]
        assert [each["rateLimitType"] for each in told] == ["REQUEST_WEIGHT"]
        assert told[0]["count"] >= 3  # connecting weighs two
        placed = await ask(socket, "order.place", signed_params(ORDER))
        assert [(each["rateLimitType"], each["count"]) for each in placed["rateLimits"][:2]] == [
            ("ORDERS", 1),
            ("ORDERS", 1),
        ]
        assert "rateLimits" not in await ask(socket, "ping", {"returnRateLimits": False})
    async with binance.socket("?returnRateLimits=false") as socket:
        assert "rateLimits" not in await ask(socket, "ping")
        assert "rateLimits" in await ask(socket, "ping", {"returnRateLimits": True})


# Who calls

SPELLINGS: list[Params] = [
    {"quantity": "0.001", "price": "50000"},
    {"quantity": 0.001, "price": 50000},
    {"quantity": 0.0010, "price": 50000.5},
]


@pytest.mark.parametrize("key", [HMAC_KEY, ED25519_KEY])
@pytest.mark.parametrize("terms", SPELLINGS, ids=str)
async def test_values_are_texts_or_numbers(binance: Binance, key: str, terms: Params) -> None:
    async with binance.socket() as socket:
        answer = await ask(socket, "order.place", signed_params(ORDER | terms, key))
    assert answer["status"] == 200, answer
    [call] = binance.upstreams.called("PlaceOrder")
    assert (call.request.quantity, call.request.price) == ("0.001", str(terms["price"]))
    assert call.user == "ann"


async def test_numbers_are_signed_as_they_are_spelled(binance: Binance) -> None:
    """1.0 and 1.00 are the same number, and not the same text."""
    now = now_ms()
    fields = {"apiKey": HMAC_KEY, **ORDER, "price": "50000.00", "timestamp": now}
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    for price, status in (("50000.00", 200), ("50000.0", 400)):
        params = json.dumps(fields | {"signature": signature_of(HMAC_KEY, text)})
        params = params.replace('"50000.00"', price)
        async with binance.socket() as socket:
            await socket.send('{"id":1,"method":"order.place","params":' + params + "}")
            assert (await heard(socket))["status"] == status
    [call] = binance.upstreams.called("PlaceOrder")
    assert call.request.price == "50000"


async def test_a_percent_encoded_text_may_be_signed(binance: Binance) -> None:
    params = {"apiKey": HMAC_KEY, "symbol": "BTC USDT", "timestamp": now_ms()}
    for text in (urlencode(sorted(params.items())), urlencode(params).replace("+", " ")):
        signed = params | {"signature": signature_of(HMAC_KEY, text)}
        async with binance.socket() as socket:
            answer = await ask(socket, "openOrders.status", signed)
        assert answer["error"]["code"] == -1100  # the symbol is wrong, and nothing else


async def test_the_exchange_is_told_until_when_a_request_may_be_done(binance: Binance) -> None:
    async with binance.socket() as socket:
        params = signed_params(ORDER | {"recvWindow": 700})
        await ask(socket, "order.place", params)
        await ask(socket, "order.status", signed_params({"symbol": "BTCUSDT", "orderId": 7}))
    [placed] = binance.upstreams.called("PlaceOrder")
    assert placed.valid_until_ms == params["timestamp"] + 700
    [asked] = binance.upstreams.called("GetOrder")
    assert asked.valid_until_ms == 0


async def test_a_session_speaks_for_who_logged_on(binance: Binance) -> None:
    async with binance.socket() as socket:
        nobody = await ask(socket, "session.status")
        assert nobody["result"]["apiKey"] is None
        assert (await ask(socket, "order.place", ORDER | {"timestamp": now_ms()}))["error"][
            "code"
        ] == -1102
        on = await ask(socket, "session.logon", signed_params({}, ED25519_KEY))
        assert on["result"]["apiKey"] == ED25519_KEY
        assert on["result"]["authorizedSince"] >= on["result"]["connectedSince"]
        for _ in range(2):  # equal requests are two, as nothing signs them
            placed = await ask(socket, "order.place", ORDER | {"timestamp": now_ms()})
            assert placed["status"] == 200
        first, second = binance.upstreams.called("PlaceOrder")
        assert first.request.request_id != second.request.request_id
        assert first.valid_until_ms >= now_ms() + 1_000
        late = await ask(socket, "order.place", ORDER | {"timestamp": now_ms() - 6_000})
        assert late["error"]["code"] == -1021
        other = signed_params({"symbol": "BTCUSDT", "orderId": 7}, "eve-key")
        assert (await ask(socket, "order.status", other))["status"] == 200
        assert binance.upstreams.called("GetOrder")[-1].user == "eve"
        off = await ask(socket, "session.logout")
        assert off["result"]["apiKey"] is None
        gone = await ask(socket, "account.status", {"timestamp": now_ms()})
        assert gone["error"]["code"] == -1102


async def test_a_revoked_key_ends_what_a_session_may(binance: Binance) -> None:
    async with binance.socket() as socket:
        await ask(socket, "session.logon", signed_params({}, ED25519_KEY))
        del binance.app.state.gateway.binance.signatures._keys.keys[ED25519_KEY]
        answer = await ask(socket, "account.status", {"timestamp": now_ms()})
        assert answer["error"]["code"] == -2015


# User data


def update(seq: int, name: str = "") -> history_pb2.AccountUpdate:
    found = order()
    found.client_order_id = name
    change = history_pb2.OrderChange(execution=history_pb2.EXECUTION_NEW, order=found)
    return history_pb2.AccountUpdate(account_id=5, seq=seq, time_ns=seq, order=change)


async def follow(binance: Binance, number: int = 0) -> Follow:
    await until(lambda: len(binance.upstreams.follows) > number)
    return binance.upstreams.follows[number]


@pytest.mark.parametrize("key", [HMAC_KEY, ED25519_KEY])
async def test_a_signed_subscription(binance: Binance, key: str) -> None:
    async with binance.socket() as socket:
        answer = await ask(socket, "userDataStream.subscribe.signature", signed_params({}, key))
        assert answer["result"] == {"subscriptionId": 0}
        (await follow(binance)).tell(update(11))
        event = await heard(socket)
        assert event["subscriptionId"] == 0
        assert (event["event"]["e"], event["event"]["I"]) == ("executionReport", 11)
        again = await ask(socket, "userDataStream.subscribe.signature", signed_params({}, key))
        assert again["error"]["code"] == -2035
        assert (await ask(socket, "session.subscriptions"))["result"] == [{"subscriptionId": 0}]
        wrong = await ask(socket, "userDataStream.unsubscribe", {"subscriptionId": 1})
        assert wrong["error"]["code"] == -2036
        gone = await ask(socket, "userDataStream.unsubscribe", {"subscriptionId": 0})
        assert gone["result"] == {}
        await until(lambda: not binance.upstreams.follows[0].open)
        assert (await ask(socket, "session.status"))["result"]["userDataStream"] is False
        new = await ask(socket, "userDataStream.subscribe.signature", signed_params({}, key))
        assert new["result"] == {"subscriptionId": 1}


async def test_a_sessions_subscription_ends_with_it(binance: Binance) -> None:
    async with binance.socket() as socket:
        refused = await ask(socket, "userDataStream.subscribe")
        assert refused["error"]["code"] == -2015
        await ask(socket, "session.logon", signed_params({}, ED25519_KEY))
        assert (await ask(socket, "userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        eve = signed_params({}, "eve-key")
        signed = await ask(socket, "userDataStream.subscribe.signature", eve)
        assert signed["result"] == {"subscriptionId": 1}
        await ask(socket, "session.logout")
        assert (await ask(socket, "session.subscriptions"))["result"] == [{"subscriptionId": 1}]


async def test_the_end_of_a_stream_is_an_event(binance: Binance) -> None:
    async with binance.socket() as socket:
        subscribe = "userDataStream.subscribe.signature"
        await ask(socket, subscribe, signed_params({}))
        (await follow(binance)).end(Unavailable("restarting"))
        event = await heard(socket)
        assert (event["subscriptionId"], event["event"]["e"]) == (0, "eventStreamTerminated")
        assert (await ask(socket, "session.subscriptions"))["result"] == []
        assert (await ask(socket, subscribe, signed_params({})))["status"] == 200


async def test_a_revoked_key_ends_its_subscription(
    binance: Binance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws_api, "KEY_CHECK_S", 0.02)
    async with binance.socket() as socket:
        await ask(socket, "userDataStream.subscribe.signature", signed_params({}))
        del binance.app.state.gateway.binance.signatures._keys.keys[HMAC_KEY]
        assert (await heard(socket))["event"]["e"] == "eventStreamTerminated"
        await until(lambda: not binance.upstreams.follows[0].open)


async def test_a_closed_socket_leaves_its_streams(binance: Binance) -> None:
    async with binance.socket() as socket:
        await ask(socket, "userDataStream.subscribe.signature", signed_params({}))
    await until(lambda: not binance.upstreams.follows[0].open)


# Bounds


async def test_too_much_weight_is_429_then_the_end(binance: Binance) -> None:
    parts = binance.app.state.gateway.binance
    parts.weights.__init__(parts.clock, RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 10))
    async with binance.socket() as socket:
        for _ in range(7):
            answer = await ask(socket, "ping")
        assert answer["status"] == 200
        told = [await ask(socket, "ping") for _ in range(2)]
        while told[-1]["status"] == 200:  # a minute may have begun
            told.append(await ask(socket, "ping"))
        refused = told[-1]
        assert (refused["status"], refused["error"]["code"]) == (429, -1003)
        data = refused["error"]["data"]
        assert 0 < data["retryAfter"] - data["serverTime"] <= 60_000
        for _ in range(20):
            refused = await ask(socket, "ping")
            if refused["status"] == 418:
                break
        with pytest.raises(ConnectionClosed) as closed:
            await heard(socket)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
            1008,
            "too much request weight used",
        )


async def test_too_many_orders_are_429(binance: Binance) -> None:
    counts = binance.app.state.gateway.binance.order_counts
    counts.__init__(counts._windows[0]._clock, (RateLimit("ORDERS", "DAY", 1, 2),))
    async with binance.socket() as socket:
        for quantity in (1, 2):
            placed = await ask(socket, "order.place", signed_params(ORDER | {"quantity": quantity}))
            assert placed["status"] == 200
        refused = await ask(socket, "order.place", signed_params(ORDER))
        assert (refused["status"], refused["error"]["code"]) == (429, -1015)
        http = await binance.signed("POST", "/api/v3/order", ORDER)
        assert (http.status_code, http.json()["code"]) == (429, -1015)
        assert http.headers["X-MBX-ORDER-COUNT-1D"] == "2"
        assert int(http.headers["Retry-After"]) > 0
        assert (await ask(socket, "order.test", signed_params(ORDER)))["status"] == 200
    assert len(binance.upstreams.called("PlaceOrder")) == 2


async def test_a_flood_of_messages_ends_the_socket(
    binance: Binance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws_api, "MESSAGES_PER_SECOND_MAX", 20)
    async with binance.socket() as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await _flood(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason == "more than 20 messages a second"


async def _flood(socket: ClientConnection) -> None:
    for _ in range(200):
        await socket.send('{"id":1,"method":"ping"}')
        await asyncio.sleep(0)
    while True:
        await socket.recv()


async def test_a_large_message_ends_the_socket(binance: Binance) -> None:
    async with binance.socket() as socket:
        await socket.send('{"id":1,"method":"' + "x" * 17_000 + '"}')
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_requests_wait_for_those_before_them(
    binance: Binance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws_api, "REQUESTS_AT_ONCE_MAX", 3)
    at_once, most, go_on = 0, 0, asyncio.Event()

    async def slow(*_: Any) -> Outcome:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await go_on.wait()
        at_once -= 1
        return Outcome(content={})

    monkeypatch.setattr(ws_api, "execute", slow)
    async with binance.socket() as socket:
        for number in range(12):
            await socket.send(json.dumps({"id": number, "method": "ping"}))
        await until(lambda: at_once == 3)
        go_on.set()
        ids = {(await heard(socket))["id"] for _ in range(12)}
    assert ids == set(range(12))
    assert most == 3


async def test_a_slow_reader_is_ended_and_nobody_else(binance: Binance) -> None:
    async with binance.socket(max_queue=1) as slow, binance.socket() as fast:
        for socket in (slow, fast):
            await ask(socket, "userDataStream.subscribe.signature", signed_params({}))
        stream = await follow(binance)
        received = 0

        async def read_all() -> None:
            nonlocal received
            while True:
                await fast.recv()
                received += 1

        reading = asyncio.create_task(read_all())
        told = 0
        feeds = binance.app.state.gateway.binance.user_feeds
        while len(feeds._feeds["ann"].sinks) == 2 and told < 10_000:
            for _ in range(50):
                stream.tell(update(11 + told, "x" * 4_000))
                told += 1
            async with asyncio.timeout(10):
                while received < told:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        assert len(feeds._feeds["ann"].sinks) == 1, "the slow one is still told"
        reading.cancel()


@pytest.mark.parametrize(
    ("name", "code"), [("SUBSCRIPTIONS_MAX", -1191), ("SUBSCRIPTION_IDS_MAX", -2042)]
)
async def test_subscriptions_are_bounded(
    binance: Binance, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    monkeypatch.setattr(ws_state, name, 1)
    async with binance.socket() as socket:
        subscribe = "userDataStream.subscribe.signature"
        assert (await ask(socket, subscribe, signed_params({})))["status"] == 200
        answer = await ask(socket, subscribe, signed_params({}, "eve-key"))
        assert answer["error"]["code"] == code


async def test_microseconds_are_not_pretended(binance: Binance) -> None:
    async with binance.socket("?timeUnit=MICROSECOND") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await heard(socket)
    assert closed.value.rcvd is not None
    assert "time unit" in closed.value.rcvd.reason


# Cancel and replace

REPLACE = ORDER | {"cancelOrderId": 7}


@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
@pytest.mark.parametrize("cancels", [True, False], ids=["cancels", "does not"])
@pytest.mark.parametrize("places", [True, False], ids=["places", "does not"])
async def test_cancel_replace(binance: Binance, mode: str, cancels: bool, places: bool) -> None:
    if not cancels:
        binance.upstreams.errors["CancelOrder"] = NotFound("open order", 7)
    if not places:
        binance.upstreams.errors["PlaceOrder"] = Refused("WOULD_TAKE", "no")
    sent = REPLACE | {"cancelReplaceMode": mode}
    http = await binance.signed("POST", "/api/v3/order/cancelReplace", sent)
    attempted = cancels or mode == "ALLOW_FAILURE"
    succeeded = [cancels, attempted and places]
    status = 200 if all(succeeded) else 409 if any(succeeded) else 400
    assert http.status_code == status
    body = http.json()
    if status != 200:
        assert body["code"] == (-2021 if status == 409 else -2022)
        body = body["data"]
    assert body["cancelResult"] == ("SUCCESS" if cancels else "FAILURE")
    result = "SUCCESS" if places else "FAILURE"
    assert body["newOrderResult"] == (result if attempted else "NOT_ATTEMPTED")
    assert body["cancelResponse"].get("code") == (None if cancels else -2011)
    if attempted:
        assert body["newOrderResponse"].get("code") == (None if places else -2010)
    else:
        assert body["newOrderResponse"] is None
    calls = binance.upstreams.called("PlaceOrder")
    assert len(calls) == int(attempted)
    # What was begun is finished; what was not must not begin too late.
    assert all(bool(call.valid_until_ms) is not cancels for call in calls)


@pytest.mark.parametrize(
    ("restriction", "status", "code"),
    [
        ("ONLY_NEW", types_pb2.ORDER_STATUS_NEW, None),
        ("ONLY_NEW", types_pb2.ORDER_STATUS_WAITING, None),
        ("ONLY_NEW", types_pb2.ORDER_STATUS_PARTIALLY_FILLED, -2011),
        ("ONLY_PARTIALLY_FILLED", types_pb2.ORDER_STATUS_PARTIALLY_FILLED, None),
        ("ONLY_PARTIALLY_FILLED", types_pb2.ORDER_STATUS_NEW, -2011),
    ],
)
async def test_cancel_restrictions(
    binance: Binance, restriction: str, status: Any, code: int | None
) -> None:
    found = order()
    found.status = status
    binance.upstreams.answers["GetOrder"] = trading_pb2.GetOrderResponse(order=found)
    sent = {"symbol": "BTCUSDT", "orderId": 7, "cancelRestrictions": restriction}
    answer = await binance.signed("DELETE", "/api/v3/order", sent)
    assert answer.json().get("code") == code
    assert len(binance.upstreams.called("CancelOrder")) == (0 if code else 1)


async def test_exchange_info_names_the_limits(binance: Binance) -> None:
    told = (await binance.call("GET", "/api/v3/exchangeInfo")).json()["rateLimits"]
    assert told == [limit.told() for limit in (limits.WEIGHT, *limits.ORDERS)]
    used = await binance.signed("GET", "/api/v3/rateLimit/order", {})
    assert [each["count"] for each in used.json()] == [0, 0]
    assert isinstance(binance.app.state.gateway.binance.weights, Weights)
