"""The edge over a real exchange: orders, bots, streams, and refusals that create nothing."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from tests.support.exchange_stack import ExchangeStack
from tests.support.gateway_client import Client
from tests.support.otlp import Collector, Span
from tests.support.socket_schema import check
from tigerex.bots.v1 import bots_pb2, bots_pb2_grpc
from websockets.asyncio.client import connect

from tigerex_platform.auth.hmac_signature import sign

pytestmark = pytest.mark.integration

WAIT_S = 30.0
GRID = {
    "type": "spot-grid",
    "name": "my-grid",
    "market": "btc-usdt",
    "config": {
        "lower_price": "59000.00",
        "upper_price": "61000.00",
        "levels": 5,
        "investment": "1000",
    },
}


SUBMIT = "tigerex.exchange.v1.TradingService/SubmitBatch"
NAMES = ("bot.decide", "bot.submit", SUBMIT, "bot.accepted", "bot.filled")


def order(side: str, price: str, quantity: str = "0.01") -> dict[str, Any]:
    return {"market": "btc-usdt", "side": side, "price": price, "quantity": quantity}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - asks over the network
            await asyncio.sleep(0.1)


async def money(*clients: Client) -> dict[str, Decimal]:
    """Everything that the users own together, by asset."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for client in clients:
        answer = (await client.request("GET", "/api/v1/accounts")).json()
        for account in answer["accounts"]:
            for row in account["balances"]:
                total[row["asset"]] += Decimal(row["available"]) + Decimal(row["held"])
    return dict(total)


async def test_two_users_trade_and_only_fees_leave_them(ann: Client, bob: Client) -> None:
    before = await money(ann, bob)
    made = await ann.request("POST", "/api/v1/orders", json=order("sell", "60000.00"))
    assert made.status_code == 201, made.text
    taken = await bob.request("POST", "/api/v1/orders", json=order("buy", "60000.00"))
    assert taken.json()["order"]["status"] == "filled", taken.text
    (fill,) = taken.json()["fills"]
    assert (fill["price"], fill["fee_asset"], fill["maker"]) == ("60000", "BTC", False)
    after = await money(ann, bob)
    assert before["BTC"] - after["BTC"] == Decimal(fill["fee"])
    # The maker, a seller, pays 0.05 % of the 600 USDT that it received.
    assert before["USDT"] - after["USDT"] == Decimal("0.3")

    async def has_trade() -> bool:
        trades = (await ann.http.get("/api/v1/markets/btc-usdt/trades")).json()["trades"]
        return any(trade["trade_id"] == fill["trade_id"] for trade in trades)

    await until(has_trade)
    candles = await ann.http.get("/api/v1/markets/btc-usdt/candles?interval=1s")
    assert candles.json()["candles"]


async def test_an_order_repeated_under_one_key_is_placed_once(ann: Client) -> None:
    key = {"Idempotency-Key": "once"}
    body = order("buy", "50000.00")
    answers = [
        await ann.request("POST", "/api/v1/orders", json=body, headers=key) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    reused = await ann.request("POST", "/api/v1/orders", json=order("buy", "50001.00"), headers=key)
    assert reused.status_code == 409
    order_id = answers[0].json()["order"]["order_id"]
    listed = (await ann.request("GET", "/api/v1/orders?market=btc-usdt")).json()["orders"]
    assert [each["order_id"] for each in listed] == [order_id]
    gone = await ann.request("DELETE", f"/api/v1/orders/{order_id}")
    assert gone.json()["order"]["status"] == "canceled"


async def test_orders_of_others_are_out_of_reach(ann: Client, bob: Client) -> None:
    placed = await ann.request("POST", "/api/v1/orders", json=order("buy", "50000.00"))
    order_id = placed.json()["order"]["order_id"]
    for method in ("GET", "DELETE"):
        answer = await bob.request(method, f"/api/v1/orders/{order_id}")
        assert answer.status_code in {403, 404, 409}, answer.text
    assert (await ann.request("GET", f"/api/v1/orders/{order_id}")).json()["status"] == "new"
    await ann.request("DELETE", f"/api/v1/orders/{order_id}")


def grid(**changes: object) -> dict[str, Any]:
    return GRID | {"config": GRID["config"] | changes}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/v1/bots/create", grid(upper_price="59000.00"), "config.upper_price"),
        ("/api/v1/bots/create", grid(upper_price="58000.00"), "config.upper_price"),
        ("/api/v1/bots/create", grid(levels=1), "config.levels"),
        ("/api/v1/bots/create", grid(levels=201), "config.levels"),
        ("/api/v1/bots/create", grid(lower_price="59000.001"), "config.lower_price"),
        ("/api/v1/bots/create", grid(investment="1.123456789"), "config.investment"),
        ("/api/v1/bots/create", grid(leverage="3"), "config.leverage"),
        ("/api/v1/bots/create", GRID | {"market": "doge-usdt"}, "market"),
        ("/api/v1/bots/create", GRID | {"account": "savings"}, "account"),
        ("/api/v1/orders", order("buy", "60000.001"), "price"),
        ("/api/v1/orders", order("buy", "60000.00", "0.000001"), "quantity"),
        ("/api/v1/orders", order("buy", "0"), "price"),
        ("/api/v1/orders", order("buy", "60000.00") | {"post_onyl": True}, "post_onyl"),
    ],
)
async def test_bad_input_names_its_field_and_creates_nothing(
    ann: Client, path: str, body: dict[str, Any], field: str
) -> None:
    before = await money(ann)
    response = await ann.request("POST", path, json=body)
    problem = response.json()
    assert (response.status_code, problem.get("field")) == (400, field), response.text
    assert problem["allowed"]
    assert "Traceback" not in response.text
    assert not (await ann.request("GET", "/api/v1/bots/list")).json()["bots"]
    assert not (await ann.request("GET", "/api/v1/orders")).json()["orders"]
    assert await money(ann) == before


async def test_what_the_state_does_not_allow_is_409(ann: Client) -> None:
    poor = await ann.request("POST", "/api/v1/orders", json=order("buy", "60000.00", "900"))
    assert (poor.status_code, poor.json()["code"]) == (409, "INSUFFICIENT_BALANCE")
    unknown = await ann.request(
        "POST", "/api/v1/orders", json=order("buy", "60000.00") | {"market": "doge-usdt"}
    )
    assert unknown.status_code in {400, 404}


async def test_signatures_and_permissions_against_the_real_keys(ann: Client, eve: Client) -> None:
    forged = Client(ann.http, ann.key, "not the secret")
    unknown = Client(ann.http, "nobody", ann.secret)
    late = ann.timestamp_ms() - 120_000
    stamp = ann.timestamp_ms()
    answers = [
        await ann.http.post("/api/v1/bots/create", json=GRID),
        await forged.request("POST", "/api/v1/bots/create", json=GRID),
        await unknown.request("POST", "/api/v1/bots/create", json=GRID),
        await ann.request("POST", "/api/v1/bots/create", json=GRID, timestamp_ms=late),
        await ann.request("POST", "/api/v1/bots/create", json=grid(levels=1), timestamp_ms=stamp),
        await ann.request("POST", "/api/v1/bots/create", json=grid(levels=1), timestamp_ms=stamp),
        await eve.request("POST", "/api/v1/bots/create", json=GRID),
        await eve.request("POST", "/api/v1/orders", json=order("buy", "50000.00")),
        await ann.request("POST", "/api/v1/bots/create", content=b"x" * 10 * 1024 * 1024),
    ]
    assert [answer.status_code for answer in answers] == [
        401, 401, 401, 401, 400, 401, 403, 403, 413,
    ]  # fmt: skip
    assert not (await ann.request("GET", "/api/v1/bots/list")).json()["bots"]
    assert not (await eve.request("GET", "/api/v1/bots/list")).json()["bots"]


async def test_a_bot_trades_is_watched_and_gives_the_money_back(
    ann: Client, bob: Client, stack: ExchangeStack
) -> None:
    """From creation to deletion, with its fills on the socket, and the money adding up."""
    before = await money(ann, bob)
    await make_market(bob)
    created = await ann.request("POST", "/api/v1/bots/create", json=GRID)
    assert created.status_code == 201, created.text
    assert created.json()["status"] == "created"
    bot_id = created.json()["bot_id"]
    target = f"/api/v1/bots/{bot_id}"
    assert (await bob.request("GET", target)).status_code == 404

    events: list[dict[str, Any]] = []
    async with connect(stack.url.replace("http", "ws", 1) + "/api/v1/ws") as ws:
        timestamp = ann.timestamp_ms()
        auth = {
            "op": "auth",
            "id": 1,
            "key": ann.key,
            "timestamp": timestamp,
            "signature": sign(ann.secret, timestamp, "GET /api/v1/ws", b""),
        }
        for message in (
            auth,
            {"op": "subscribe", "id": 2, "channel": "bots"},
            {"op": "subscribe", "id": 3, "channel": "trades", "market": "btc-usdt"},
            {"op": "subscribe", "id": 4, "channel": "book", "market": "btc-usdt"},
        ):
            await ws.send(json.dumps(message))

        async def listen() -> None:
            async for text in ws:  # as they come, so not in one go
                events.append(json.loads(text))  # noqa: PERF401

        listener = asyncio.create_task(listen())

        def seen(subscription: str, event: str = "") -> list[dict[str, Any]]:
            found = [each["data"] for each in events if each.get("subscription") == subscription
                     and each["type"] == "data"]  # fmt: skip
            return [data for data in found if not event or data.get("event") == event]

        assert (await ann.request("POST", f"{target}/start")).status_code == 200

        async def has_status(status: str) -> bool:
            return (await ann.request("GET", target)).json()["status"] == status

        # Through the grid and back: a price to begin at, and then hits above and below.
        await until(lambda: _swing(bob, lambda: len(seen("bots", "trade")) >= 2))
        await until(lambda: has_status("running"))
        listener.cancel()
    assert not [each for each in events if each["type"] == "error"]
    for each in events:
        check(each)
    assert seen("trades:btc-usdt")
    assert seen("book:btc-usdt")
    assert {data["bot"]["status"] for data in seen("bots", "bot")} >= {"running"}
    ids = [(data["trade"]["trade_id"], data["trade"]["order_id"]) for data in seen("bots", "trade")]
    assert len(set(ids)) == len(ids)
    kept = (await ann.request("GET", f"{target}/trades?limit=500")).json()["trades"]
    assert {(trade["trade_id"], trade["order_id"]) for trade in kept} >= set(ids)

    assert (await ann.request("POST", f"{target}/pause")).status_code == 200
    await until(lambda: has_status("paused"))
    assert (await ann.request("POST", f"{target}/stop")).status_code == 200
    await until(lambda: has_status("stopped"))
    change = {"type": "spot-grid", "name": "renamed", "config": GRID["config"]}
    assert (await ann.request("PUT", target, json=change)).json()["name"] == "renamed"
    assert (await ann.request("DELETE", target)).status_code == 204
    assert (await ann.request("GET", target)).status_code == 404
    for client in (ann, bob):
        for each in (await client.request("GET", "/api/v1/orders")).json()["orders"]:
            await client.request("DELETE", f"/api/v1/orders/{each['order_id']}")
    after = await money(ann, bob)
    # Nothing but fees has left the two, and nothing is held any more.
    assert all(after[asset] <= before[asset] for asset in before)
    assert before["BTC"] - after["BTC"] < Decimal("0.1")
    accounts = (await ann.request("GET", "/api/v1/accounts")).json()["accounts"]
    assert all(row["held"] in {"0", "0.00000000"} for a in accounts for row in a["balances"])


async def make_market(client: Client) -> None:
    """Somebody to buy from and to sell to."""
    for side, price in (("sell", "60010.00"), ("buy", "59990.00")):
        answer = await client.request("POST", "/api/v1/orders", json=order(side, price, "1"))
        assert answer.status_code == 201, answer.text


async def _swing(client: Client, done: Callable[[], bool]) -> bool:
    for side, price in (("buy", "60600.00"), ("sell", "59400.00")):
        body = order(side, price, "0.05") | {"time_in_force": "ioc"}
        await client.request("POST", "/api/v1/orders", json=body)
    await asyncio.sleep(0.5)
    return done()


async def test_a_bot_of_a_resource_is_changed_there_only(ann: Client, stack: ExchangeStack) -> None:
    bot_id = str(uuid4())
    spec = bots_pb2.BotSpec(
        name="declared",
        market="btc-usdt",
        user="ann",
        isolation=bots_pb2.ISOLATION_SHARED,
        desired_state=bots_pb2.DESIRED_STATE_STOPPED,
        config=bots_pb2.BotConfig(
            dca=bots_pb2.DcaConfig(amount="50", interval_seconds=60, max_purchases=10)
        ),
    )
    apply = stack.as_operator("bots", bots_pb2_grpc.BotServiceStub, "ApplyBot")
    remove = stack.as_operator("bots", bots_pb2_grpc.BotServiceStub, "DeleteBot")
    await asyncio.to_thread(apply, bots_pb2.ApplyBotRequest(bot_id=bot_id, generation=1, spec=spec))
    target = f"/api/v1/bots/{bot_id}"
    bot = (await ann.request("GET", target)).json()
    assert (bot["managed"], bot["type"], bot["name"]) == (True, "dca", "declared")
    answers = [
        await ann.request("PUT", target, json={k: GRID[k] for k in ("type", "name", "config")}),
        await ann.request("DELETE", target),
        *[await ann.request("POST", f"{target}/{verb}") for verb in ("start", "pause", "stop")],
    ]
    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["code"] for answer in answers} == {"MANAGED_BY_RESOURCE"}
    unchanged = (await ann.request("GET", target)).json()
    assert unchanged | {"performance": None} == bot | {"performance": None}
    await asyncio.to_thread(remove, bots_pb2.DeleteBotRequest(bot_id=bot_id, managed=True))


async def test_one_order_of_a_bot_is_followed_from_event_to_fill(
    ann: Client, bob: Client, collector: Collector
) -> None:
    """Decision, call at the exchange, acceptance and fill hang together, over process borders."""
    created = await ann.request("POST", "/api/v1/bots/create", json=GRID | {"start": True})
    assert created.status_code == 201, created.text
    bot_id = created.json()["bot_id"]
    target = f"/api/v1/bots/{bot_id}"

    await make_market(bob)

    async def has_traded() -> bool:
        trades = (await ann.request("GET", f"{target}/trades")).json()["trades"]
        return await _swing(bob, lambda: bool(trades))

    await until(has_traded)

    def story(spans: list[Span]) -> list[Span] | None:
        """decide <- submit > call > served; decide <- accepted; decide <- filled."""
        by_name = {name: [span for span in spans if span.name == name] for name in NAMES}
        by_name["bot.decide"] = [
            span for span in by_name["bot.decide"] if span.attributes["tigerex.bot.id"] == bot_id
        ]
        for filled in by_name["bot.filled"]:
            for decided in by_name["bot.decide"]:
                submits = [s for s in by_name["bot.submit"] if decided.trace_id in s.links]
                accepts = [a for a in by_name["bot.accepted"] if decided.trace_id in a.links]
                if decided.trace_id not in filled.links or not submits or not accepts:
                    continue
                calls = [c for c in by_name[SUBMIT] if c.trace_id == submits[0].trace_id]
                if {call.service for call in calls} == {"tigerex-runner", "tigerex-exchange"}:
                    return [decided, submits[0], *calls, accepts[0], filled]
        return None

    decided, *_, accepted, filled = await asyncio.to_thread(collector.wait_for, story)
    assert int(decided.attributes["tigerex.event.seq"]) > 0
    assert accepted.attributes["tigerex.order.id"] == filled.attributes["tigerex.order.id"]

    def request_of_the_user(spans: list[Span]) -> bool:
        """The REST call that created the bot, in the gateway, the bots service and the exchange."""
        roots = [s for s in spans if s.name == "POST /api/v1/bots/create"]
        services = [{s.service for s in spans if s.trace_id == root.trace_id} for root in roots]
        return {"tigerex-gateway", "tigerex-bots", "tigerex-exchange"} in services

    assert await asyncio.to_thread(collector.wait_for, request_of_the_user)
    await ann.request("POST", f"{target}/stop")
    assert (await ann.request("DELETE", target)).status_code == 204


async def test_a_stopped_gateway_says_so_to_sockets_and_ends(
    ann: Client, stack: ExchangeStack
) -> None:
    """Last: it takes the gateway away."""
    async with connect(stack.url.replace("http", "ws", 1) + "/api/v1/ws") as ws:
        await ws.send(json.dumps({"op": "ping", "id": 1}))
        await ws.recv()
        process = stack.processes["gateway"]
        process.terminate()
        await ws.wait_closed()
        assert ws.close_code == 1012
    assert await asyncio.to_thread(process.wait, 20) == 0
    assert "Traceback" not in stack.log("gateway")
