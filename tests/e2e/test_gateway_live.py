"""The edge of the running sample exchange, as a user over REST and WebSocket sees it."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.support.gateway_client import Client
from tests.support.live import kubectl_json
from websockets.asyncio.client import ClientConnection, connect

from tigerex_platform.auth.hmac_signature import sign

pytestmark = pytest.mark.e2e

WAIT_S = 60.0
GRID = {
    "type": "spot-grid",
    "name": "edge-grid",
    "market": "btc-usdt",
    "config": {
        "lower_price": "59000.00",
        "upper_price": "61000.00",
        "levels": 21,
        "investment": "1000",
    },
}


@pytest.fixture
async def client(sample_env: None) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=os.environ["TIGEREX_URL"], timeout=30) as http:
        yield Client(http, os.environ["TIGEREX_API_KEY"], os.environ["TIGEREX_API_SECRET"])


async def bots_of(client: Client) -> list[dict[str, Any]]:
    return (await client.request("GET", "/api/v1/bots/list?page_size=500")).json()["bots"]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - asks over the network
            await asyncio.sleep(0.5)


async def test_the_api_page_and_health(client: Client) -> None:
    assert "/api/v1/bots/create" in (await client.http.get("/docs")).text
    assert (await client.http.get("/healthz")).status_code == 200
    assert (await client.http.get("/readyz")).status_code == 200


async def test_the_sample_market_is_alive(client: Client) -> None:
    market = (await client.http.get("/api/v1/markets/btc-usdt")).json()
    assert market["state"] == "open"
    assert float(market["last_price"]) > 0
    book = (await client.http.get("/api/v1/markets/btc-usdt/book?levels=5")).json()
    assert book["bids"]
    assert book["asks"]
    assert float(book["bids"][0]["price"]) < float(book["asks"][0]["price"])
    trades = (await client.http.get("/api/v1/markets/btc-usdt/trades?limit=10")).json()["trades"]
    assert len(trades) == 10
    candles = await client.http.get("/api/v1/markets/btc-usdt/candles?interval=1s&limit=5")
    assert candles.json()["candles"]


async def test_a_bot_of_a_resource_is_listed_and_not_changed_here(client: Client) -> None:
    resource = kubectl_json("-n", "demo", "get", "tradingbot", "demo-grid")
    bot_id = resource["status"]["botId"]
    bot = (await client.request("GET", f"/api/v1/bots/{bot_id}")).json()
    assert bot["managed"] is True
    change = {"type": "spot-grid", "name": "other", "config": GRID["config"]}
    answers = [
        await client.request("PUT", f"/api/v1/bots/{bot_id}", json=change),
        await client.request("DELETE", f"/api/v1/bots/{bot_id}"),
        *[
            await client.request("POST", f"/api/v1/bots/{bot_id}/{verb}")
            for verb in ("start", "pause", "stop")
        ],
    ]
    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["code"] for answer in answers} == {"MANAGED_BY_RESOURCE"}


async def test_a_bot_lives_from_creation_to_deletion(client: Client) -> None:
    """Created, started, paused, stopped, gone; its account is empty again."""
    key = {"Idempotency-Key": f"e2e-{time.time_ns()}"}
    created = await client.request("POST", "/api/v1/bots/create", json=GRID, headers=key)
    assert created.status_code == 201, created.text
    bot_id = created.json()["bot_id"]
    target = f"/api/v1/bots/{bot_id}"

    async def has_status(*wanted: str) -> bool:
        return (await client.request("GET", target)).json()["status"] in wanted

    async def is_deleted() -> bool:
        answer = await client.request("DELETE", target)
        assert answer.status_code in {204, 404, 503}
        return answer.status_code != 503

    try:
        assert (await client.request("POST", f"{target}/start")).status_code == 200
        await until(lambda: has_status("running"))
        assert (await client.request("GET", f"{target}/trades")).status_code == 200
        assert (await client.request("GET", f"{target}/performance")).status_code == 200
        assert (await client.request("POST", f"{target}/pause")).status_code == 200
        await until(lambda: has_status("paused"))
        assert (await client.request("POST", f"{target}/stop")).status_code == 200
        await until(lambda: has_status("stopped"))
    finally:
        await until(is_deleted)
    assert (await client.request("GET", target)).status_code == 404
    accounts = (await client.request("GET", "/api/v1/accounts")).json()["accounts"]
    left = [row for each in accounts if bot_id in each["name"] for row in each["balances"]]
    assert all(float(row["available"]) == float(row["held"]) == 0 for row in left)


async def test_an_order_is_placed_seen_and_cancelled_once(client: Client) -> None:
    body = {"market": "btc-usdt", "side": "buy", "price": "20000.00", "quantity": "0.01"}
    key = {"Idempotency-Key": f"e2e-{time.time_ns()}"}
    first = await client.request("POST", "/api/v1/orders", json=body, headers=key)
    again = await client.request("POST", "/api/v1/orders", json=body, headers=key)
    assert first.status_code == again.status_code == 201
    order_id = first.json()["order"]["order_id"]
    assert again.json()["order"]["order_id"] == order_id
    other = await client.request(
        "POST", "/api/v1/orders", json=body | {"quantity": "0.02"}, headers=key
    )
    assert other.status_code == 409
    listed = (await client.request("GET", "/api/v1/orders")).json()["orders"]
    assert [order["order_id"] for order in listed].count(order_id) == 1
    canceled = await client.request("DELETE", f"/api/v1/orders/{order_id}")
    assert canceled.json()["order"]["status"] == "canceled"


def with_config(**changes: object) -> dict[str, Any]:
    return GRID | {"config": GRID["config"] | changes}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (with_config(upper_price="59000.00"), "config.upper_price"),
        (with_config(upper_price="58000.00"), "config.upper_price"),
        (with_config(levels=1), "config.levels"),
        (with_config(lower_price="59000.001"), "config.lower_price"),
        (with_config(investment="1000.123456789"), "config.investment"),
        (with_config(leverage="3"), "config.leverage"),
        (GRID | {"market": "doge-usdt"}, "market"),
        (GRID | {"colour": "red"}, "colour"),
    ],
)
async def test_bad_bots_are_refused_and_nothing_is_created(
    client: Client, body: dict[str, Any], field: str
) -> None:
    before = {bot["bot_id"] for bot in await bots_of(client)}
    response = await client.request("POST", "/api/v1/bots/create", json=body)
    problem = response.json()
    assert (response.status_code, problem["field"]) == (400, field)
    assert problem["allowed"]
    assert "Traceback" not in response.text
    assert {bot["bot_id"] for bot in await bots_of(client)} == before


async def test_bad_signatures_and_bodies_are_refused_and_nothing_is_created(
    client: Client,
) -> None:
    before = {bot["bot_id"] for bot in await bots_of(client)}
    forged = Client(client.http, client.key, "not the secret")
    late = client.timestamp_ms() - 120_000
    stamp = client.timestamp_ms()
    wrong = with_config(levels=1)
    answers = [
        await client.http.post("/api/v1/bots/create", json=GRID),
        await forged.request("POST", "/api/v1/bots/create", json=GRID),
        await client.request("POST", "/api/v1/bots/create", json=GRID, timestamp_ms=late),
        await client.request("POST", "/api/v1/bots/create", json=wrong, timestamp_ms=stamp),
        await client.request("POST", "/api/v1/bots/create", json=wrong, timestamp_ms=stamp),
        await client.request("POST", "/api/v1/bots/create", content=b"x" * 10 * 1024 * 1024),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 400, 401, 413]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["field"]
        assert "Traceback" not in answer.text
    assert {bot["bot_id"] for bot in await bots_of(client)} == before


async def receive(ws: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        return json.loads(await ws.recv())


async def test_streams_of_the_market_and_of_own_bots(client: Client) -> None:
    address = os.environ["TIGEREX_URL"].replace("http", "ws", 1) + "/api/v1/ws"
    async with connect(address) as ws:
        for number, channel in enumerate(("trades", "book", "top", "candles")):
            message = {"op": "subscribe", "id": number, "channel": channel, "market": "btc-usdt"}
            await ws.send(json.dumps(message))
        timestamp = client.timestamp_ms()
        signature = sign(client.secret, timestamp, "GET /api/v1/ws", b"")
        await ws.send(
            json.dumps(
                {
                    "op": "auth",
                    "id": 8,
                    "key": client.key,
                    "timestamp": timestamp,
                    "signature": signature,
                }
            )
        )
        await ws.send(json.dumps({"op": "subscribe", "id": 9, "channel": "bots"}))
        wanted = {
            "trades:btc-usdt",
            "book:btc-usdt",
            "top:btc-usdt",
            "candles:btc-usdt:1m",
            "bots",
        }
        seen: set[str] = set()
        async with asyncio.timeout(WAIT_S):
            while seen != wanted:
                message = await receive(ws)
                assert message["type"] != "error", message
                if message["type"] == "data":
                    seen.add(message["subscription"])
