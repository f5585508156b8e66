"""What is refused, by which problem, and that nothing reaches a service."""

from typing import Any

import pytest
from tests.support.gateway_client import Client
from tests.support.gateway_upstreams import BOT_ID, Upstreams
from tests.unit.gateway.test_gateway_rest import DCA, GRID, ORDER

pytestmark = pytest.mark.unit

MUTATIONS = ("CreateBot", "UpdateBot", "DeleteBot", "SetDesiredState", "PlaceOrder", "CancelOrder")


def nothing_was_done(upstreams: Upstreams) -> bool:
    return not any(upstreams.called(method) for method in MUTATIONS)


def with_config(body: dict[str, Any], **changes: object) -> dict[str, Any]:
    return body | {"config": body["config"] | changes}


BAD_BODIES = [
    ("/api/v1/bots/create", GRID | {"colour": "red"}, "colour", "only type, name, market"),
    ("/api/v1/bots/create", with_config(GRID, leverage="2"), "config.leverage", "lower_price"),
    ("/api/v1/bots/create", with_config(GRID, levels="21"), "config.levels", "integer"),
    ("/api/v1/bots/create", with_config(GRID, levels=2**31), "config.levels", "2147483647"),
    ("/api/v1/bots/create", with_config(GRID, levels=2.5), "config.levels", "integer"),
    ("/api/v1/bots/create", with_config(GRID, upper_price=61000), "config.upper_price", "string"),
    ("/api/v1/bots/create", with_config(GRID, upper_price="6e4"), "config.upper_price", "decimal"),
    ("/api/v1/bots/create", with_config(GRID, investment="-1"), "config.investment", "decimal"),
    ("/api/v1/bots/create", with_config(GRID, spacing="cubic"), "config.spacing", "geometric"),
    ("/api/v1/bots/create", with_config(DCA, amount="1" * 41), "config.amount", "40"),
    ("/api/v1/bots/create", GRID | {"type": "martingale"}, "type", "'spot-grid' or 'dca'"),
    ("/api/v1/bots/create", {"name": "x"}, "type", "'spot-grid' or 'dca'"),
    ("/api/v1/bots/create", GRID | {"market": "BTC/USDT"}, "market", "lower case"),
    ("/api/v1/bots/create", GRID | {"name": ""}, "name", "at least 1"),
    ("/api/v1/bots/create", [], "body", "a JSON object"),
    ("/api/v1/orders", ORDER | {"side": "long"}, "side", "'buy' or 'sell'"),
    ("/api/v1/orders", ORDER | {"quantity": ""}, "quantity", "decimal"),
    ("/api/v1/orders", ORDER | {"client_order_id": "ä"}, "client_order_id", "ASCII"),
    ("/api/v1/orders", {k: ORDER[k] for k in ("market", "side")}, "quantity", "required"),
]


@pytest.mark.parametrize(("path", "body", "field", "allowed"), BAD_BODIES)
async def test_a_wrong_body_is_refused_naming_field_and_what_is_allowed(
    client: Client, upstreams: Upstreams, path: str, body: object, field: str, allowed: str
) -> None:
    response = await client.request("POST", path, json=body)
    problem = response.json()
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["field"] == field
    assert allowed in problem["allowed"]
    assert problem["errors"][0]["field"] == field
    assert nothing_was_done(upstreams)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"null",
        b'"text"',
        b'{"type": "dca", "type"',
        b"[" * 500_000,
        b'{"\\ud800": 1}',
        b'{"type": "\\ud800", "side": "\\ud800"}',
        b'{"type": "dca", "name": "\\ud800", "market": "\\ud800", "side": "\\ud800"}',
        b"\xff\xfe",
        b'{"type": "dca", "name": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"colour": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
        b'{"type": "dca", "name": 1' + b"0" * 4_000 + b"}",
        b'{"a":' * 100_000,
    ],
)
async def test_what_is_not_a_json_object_is_refused_without_a_trace(
    client: Client, upstreams: Upstreams, content: bytes
) -> None:
    for path in ("/api/v1/bots/create", "/api/v1/orders"):
        response = await client.request("POST", path, content=content)
        assert response.status_code == 400, response.text
        assert response.json()["status"] == 400
        assert "Traceback" not in response.text
        assert len(response.content) < 4_000
    assert nothing_was_done(upstreams)


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("/api/v1/markets/btc-usdt/trades?limit=0", "limit"),
        ("/api/v1/markets/btc-usdt/trades?limit=1001", "limit"),
        ("/api/v1/markets/btc-usdt/trades?limit=ten", "limit"),
        ("/api/v1/markets/btc-usdt/trades?colour=red", "colour"),
        (f"/api/v1/markets/btc-usdt/trades?before={2**63}", "before"),
        (f"/api/v1/markets/btc-usdt/candles?start_ms={10**13}", "start_ms"),
        ("/api/v1/markets/btc-usdt/candles?interval=7m", "interval"),
        ("/api/v1/markets/btc-usdt/book?levels=-1", "levels"),
        ("/api/v1/markets/BTC%2FUSDT", None),
        ("/api/v1/markets/BTCUSDT", "symbol"),
    ],
)
async def test_a_wrong_query_names_the_parameter(
    client: Client, target: str, field: str | None
) -> None:
    response = await client.http.get(target)
    assert response.status_code == (400 if field else 404)
    assert response.json().get("field") == field


async def test_an_unknown_market_is_not_found(client: Client) -> None:
    response = await client.http.get("/api/v1/markets/doge-usdt")
    assert response.status_code == 404
    assert response.json()["detail"] == "there is no market doge-usdt"


async def test_unsigned_forged_late_early_and_replayed_requests_are_refused(
    client: Client, upstreams: Upstreams
) -> None:
    unsigned = await client.http.post("/api/v1/bots/create", json=GRID)
    assert unsigned.status_code == 401
    assert unsigned.headers["www-authenticate"] == "TigerEx-HMAC"

    forged = Client(client.http, secret="guessed")
    response = await forged.request("POST", "/api/v1/bots/create", json=GRID)
    assert (response.status_code, response.json()["code"]) == (401, "INVALID_SIGNATURE")
    unknown = Client(client.http, key="nobody")
    assert (await unknown.request("GET", "/api/v1/accounts")).status_code == 401

    now_ms = client.timestamp_ms()
    early = await client.request("GET", "/api/v1/accounts", timestamp_ms=now_ms + 30_000)
    assert early.json()["code"] == "TIMESTAMP_OUTSIDE_WINDOW"
    late = await client.request("GET", "/api/v1/accounts", timestamp_ms=now_ms - 60_000)
    assert late.status_code == 401
    assert late.json()["field"] == "x-tigerex-timestamp"
    wide = await client.request("GET", "/api/v1/accounts", recv_window_ms=60_001)
    assert wide.json()["code"] == "INVALID_RECV_WINDOW"

    stamp = client.timestamp_ms()
    first = await client.request("POST", "/api/v1/bots/create", json=GRID, timestamp_ms=stamp)
    again = await client.request("POST", "/api/v1/bots/create", json=GRID, timestamp_ms=stamp)
    assert (first.status_code, again.status_code) == (201, 401)
    assert again.json()["code"] == "REPLAYED_SIGNATURE"
    assert len(upstreams.called("CreateBot")) == 1


async def test_a_signature_covers_method_path_query_and_body(
    client: Client, upstreams: Upstreams
) -> None:
    signed = await client.request("GET", "/api/v1/orders?account=main")
    headers = {k: v for k, v in signed.request.headers.items() if k.startswith("x-tigerex")}
    for method, target in (
        ("GET", "/api/v1/orders"),
        ("GET", "/api/v1/orders?account=maim"),
        ("DELETE", "/api/v1/orders/7?account=main"),
    ):
        other = await client.http.request(method, target, headers=headers)
        assert other.json()["code"] == "INVALID_SIGNATURE"
    stamp = client.timestamp_ms()
    small = await client.request("POST", "/api/v1/orders", json=ORDER, timestamp_ms=stamp)
    headers = {k: v for k, v in small.request.headers.items() if k.startswith("x-tigerex")}
    large = await client.http.post(
        "/api/v1/orders", json=ORDER | {"quantity": "9"}, headers=headers
    )
    assert large.json()["code"] == "INVALID_SIGNATURE"
    assert len(upstreams.called("PlaceOrder")) == 1


async def test_a_missing_permission_is_named(client: Client, upstreams: Upstreams) -> None:
    eve = Client(client.http, key="eve-key")
    assert (await eve.request("GET", "/api/v1/bots/list")).status_code == 200
    response = await eve.request("POST", "/api/v1/bots/create", json=GRID)
    assert (response.status_code, response.json()["code"]) == (403, "MISSING_PERMISSION")
    assert "'bots'" in response.json()["detail"]
    assert nothing_was_done(upstreams)


async def test_unknown_paths_methods_and_ids(client: Client) -> None:
    lost = await client.http.get("/api/v1/nothing")
    assert (lost.status_code, lost.json()["kind"]) == (404, "route")
    wrong = await client.http.patch("/api/v1/markets")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert wrong.json()["code"] == "METHOD_NOT_ALLOWED"
    bad_id = await client.request("GET", "/api/v1/bots/not-a-uuid")
    assert (bad_id.status_code, bad_id.json()["allowed"]) == (400, "a UUID")
    overflow = await client.request("GET", f"/api/v1/orders/{2**63}")
    assert (overflow.status_code, overflow.json()["field"]) == (400, "order_id")
    spaced = await client.request(
        "POST", f"/api/v1/bots/{BOT_ID}/stop", headers={"Idempotency-Key": "a b"}
    )
    assert (spaced.status_code, spaced.json()["field"]) == (400, "Idempotency-Key")


async def test_every_answer_has_a_request_id_and_plain_security_headers(client: Client) -> None:
    response = await client.http.get("/api/v1/nothing", headers={"X-Request-Id": "mine-1"})
    assert response.headers["x-request-id"] == response.json()["request_id"] == "mine-1"
    evil = await client.http.get("/healthz", headers={"X-Request-Id": "a b"})
    assert len(evil.headers["x-request-id"]) == 32
    assert evil.headers["cache-control"] == "no-store"
    assert evil.headers["content-security-policy"].startswith("default-src 'none'")
    assert evil.headers["x-frame-options"] == "DENY"
