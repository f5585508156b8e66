"""Routes: what is sent on for whom, and how answers and errors come back."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.support.gateway_client import Client
from tests.support.gateway_upstreams import BOT_ID, Upstreams, bot
from tigerex.bots.v1 import bots_pb2
from tigerex.exchange.v1 import types_pb2
from tigerex.history.v1 import history_pb2
from tigerex.marketdata.v1 import marketdata_pb2

from tigerex_platform.errors import Conflict, Internal, InvalidField, Refused, Unavailable

pytestmark = pytest.mark.unit

GRID = {
    "type": "spot-grid",
    "name": "my-grid",
    "market": "btc-usdt",
    "config": {
        "lower_price": "59000",
        "upper_price": "61000",
        "levels": 21,
        "investment": "1000",
    },
}
DCA = {
    "type": "dca",
    "name": "my-dca",
    "market": "btc-usdt",
    "config": {"amount": "25", "interval_seconds": 60, "max_purchases": 10},
}
ORDER = {"market": "btc-usdt", "side": "buy", "price": "60000.00", "quantity": "0.001"}


async def test_creating_a_grid_sends_it_on_for_the_signer(
    client: Client, upstreams: Upstreams
) -> None:
    response = await client.request("POST", "/api/v1/bots/create", json=GRID)
    assert response.status_code == 201
    assert response.json()["config"]["upper_price"] == "61000"
    assert response.json()["performance"]["profit_loss"] == "-1.5"
    (call,) = upstreams.called("CreateBot")
    assert call.user == "ann"
    assert call.request.spec.user == "ann"
    assert call.request.spec.config.spot_grid.levels == 21
    assert call.request.spec.isolation == bots_pb2.ISOLATION_SHARED
    assert call.request.spec.desired_state == bots_pb2.DESIRED_STATE_UNSPECIFIED
    assert len(call.request.request_id) == 16


async def test_creating_a_dca_that_starts_at_once(client: Client, upstreams: Upstreams) -> None:
    upstreams.answers["CreateBot"] = bots_pb2.CreateBotResponse(
        bot=bots_pb2.Bot(
            bot_id=BOT_ID,
            status=bots_pb2.BOT_STATUS_STARTING,
            spec=bots_pb2.BotSpec(
                name="my-dca",
                market="btc-usdt",
                config=bots_pb2.BotConfig(
                    dca=bots_pb2.DcaConfig(amount="25", interval_seconds=60, max_purchases=10)
                ),
            ),
            created_at=Timestamp(seconds=1_700_000_000),
        )
    )
    response = await client.request("POST", "/api/v1/bots/create", json=DCA | {"start": True})
    assert response.status_code == 201
    assert response.json()["type"] == "dca"
    assert response.json()["config"]["max_price"] is None
    assert response.json()["created_at"] == "2023-11-14T22:13:20.000000000Z"
    (call,) = upstreams.called("CreateBot")
    assert call.request.spec.desired_state == bots_pb2.DESIRED_STATE_RUNNING


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        ("start", bots_pb2.DESIRED_STATE_RUNNING),
        ("pause", bots_pb2.DESIRED_STATE_PAUSED),
        ("stop", bots_pb2.DESIRED_STATE_STOPPED),
    ],
)
async def test_start_pause_and_stop_are_desired_states(
    client: Client, upstreams: Upstreams, verb: str, state: int
) -> None:
    response = await client.request("POST", f"/api/v1/bots/{BOT_ID}/{verb}")
    assert response.status_code == 200
    (call,) = upstreams.called("SetDesiredState")
    assert (call.request.bot_id, call.request.desired_state, call.user) == (BOT_ID, state, "ann")


async def test_reading_changing_and_deleting_a_bot(client: Client, upstreams: Upstreams) -> None:
    assert (await client.request("GET", "/api/v1/bots/types")).json()["types"][0]["fields"] == []
    listed = await client.request("GET", "/api/v1/bots/list?page_size=5")
    assert listed.json()["next_page_token"] is None
    assert upstreams.called("ListBots")[0].request.page_size == 5
    assert (await client.request("GET", f"/api/v1/bots/{BOT_ID}")).json()["status"] == "created"
    change = {key: GRID[key] for key in ("type", "name", "config")}
    assert (await client.request("PUT", f"/api/v1/bots/{BOT_ID}", json=change)).status_code == 200
    deleted = await client.request("DELETE", f"/api/v1/bots/{BOT_ID}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert not upstreams.called("DeleteBot")[0].request.managed


async def test_trades_and_performance_of_a_bot(client: Client, upstreams: Upstreams) -> None:
    upstreams.answers["ListBotTrades"] = bots_pb2.ListBotTradesResponse(
        trades=[
            bots_pb2.BotTrade(
                trade_id=3,
                order_id=4,
                market="btc-usdt",
                side="sell",
                price="60000.00",
                quantity="0.001",
                fee="0.06",
                fee_asset="USDT",
                profit_loss="-0.2",
            )
        ]
    )
    upstreams.answers["ListBotPerformance"] = bots_pb2.ListBotPerformanceResponse(
        points=[bot().performance]
    )
    trades = (await client.request("GET", f"/api/v1/bots/{BOT_ID}/trades?before=9")).json()
    assert trades["trades"][0]["profit_loss"] == "-0.2"
    assert upstreams.called("ListBotTrades")[0].request.before_trade_id == 9
    points = (await client.request("GET", f"/api/v1/bots/{BOT_ID}/performance")).json()
    assert points["points"][0]["sharpe_ratio"] is None


async def test_market_data_needs_no_signature(client: Client, upstreams: Upstreams) -> None:
    upstreams.answers["ListTrades"] = marketdata_pb2.ListTradesResponse(
        trades=[
            marketdata_pb2.Trade(
                market="btc-usdt",
                trade_id=1,
                price="60000.00",
                quantity="0.001",
                taker_side="buy",
                time_ns=1_700_000_000_123_456_789,
            )
        ]
    )
    upstreams.answers["ListCandles"] = marketdata_pb2.ListCandlesResponse(
        candles=[
            marketdata_pb2.Candle(
                market="btc-usdt",
                interval=marketdata_pb2.CANDLE_INTERVAL_1S,
                open_time_ns=1_700_000_000_000_000_000,
                open="1",
                high="2",
                low="1",
                close="2",
                volume="3",
                quote_volume="5",
                trades=2,
                closed=True,
            )
        ]
    )
    http = client.http
    markets = (await http.get("/api/v1/markets")).json()["markets"]
    assert markets[0]["last_price"] is None
    assert (await http.get("/api/v1/markets/btc-usdt")).json()["tick_size"] == "0.01"
    trades = (await http.get("/api/v1/markets/btc-usdt/trades?limit=1000")).json()["trades"]
    assert trades[0]["time"] == "2023-11-14T22:13:20.123456789Z"
    candles = await http.get("/api/v1/markets/btc-usdt/candles?interval=1s&start_ms=1700000000000")
    assert candles.json()["candles"][0]["closed"] is True
    assert upstreams.called("ListCandles")[0].request.start_ns == 1_700_000_000_000_000_000
    assert (await http.get("/api/v1/markets/btc-usdt/book")).json()["bids"][0]["quantity"] == "0.5"
    top = (await http.get("/api/v1/markets/btc-usdt/top")).json()
    assert (top["bid"], top["ask"]) == ({"price": "59999.99", "quantity": "0.5"}, None)
    assert {call.user for call in upstreams.calls} == {""}


async def test_history_is_asked_for_the_account_that_is_named(
    client: Client, upstreams: Upstreams
) -> None:
    upstreams.answers["ListFills"] = history_pb2.ListFillsResponse(
        fills=[
            history_pb2.AccountFill(
                fill=types_pb2.Fill(
                    trade_id=3, price="1", quantity="2", fee="0.1", fee_asset="BTC", maker=True
                ),
                market="btc-usdt",
                order_id=7,
                side=types_pb2.SIDE_SELL,
                notional="2",
                time_ns=1_700_000_000_123_456_789,
            )
        ]
    )
    asked = "market=btc-usdt&from_id=3&start_ms=1&end_ms=2&limit=9"
    orders = await client.request("GET", f"/api/v1/history/orders?{asked}")
    assert orders.json()["orders"][0]["order_id"] == 7
    (call,) = upstreams.called("ListOrders")
    request = call.request
    assert (call.user, request.account_id, request.market) == ("ann", 5, "btc-usdt")
    assert (request.from_order_id, request.limit) == (3, 9)
    assert (request.start_ns, request.end_ns) == (1_000_000, 2_000_000)
    fills = await client.request("GET", f"/api/v1/history/fills?{asked}&order_id=7")
    assert fills.json()["fills"] == [
        {
            "trade_id": 3,
            "market": "btc-usdt",
            "order_id": 7,
            "side": "sell",
            "price": "1",
            "quantity": "2",
            "notional": "2",
            "fee": "0.1",
            "fee_asset": "BTC",
            "maker": True,
            "time": "2023-11-14T22:13:20.123456789Z",
        }
    ]
    request = upstreams.called("ListFills")[0].request
    assert (request.from_trade_id, request.order_id, request.limit) == (3, 7, 9)
    refused = await client.request("GET", "/api/v1/history/fills?market=btc-usdt&limit=1001")
    assert (refused.status_code, refused.json()["field"]) == (400, "limit")


async def test_orders_use_the_account_that_is_named(client: Client, upstreams: Upstreams) -> None:
    placed = await client.request("POST", "/api/v1/orders", json=ORDER)
    assert placed.status_code == 201, placed.text
    assert placed.json()["order"]["price"] == "60000.00"
    (call,) = upstreams.called("PlaceOrder")
    assert (call.request.account_id, call.request.side) == (5, types_pb2.SIDE_BUY)
    assert (await client.request("GET", "/api/v1/orders")).json()["orders"][0]["order_id"] == 7
    assert (await client.request("GET", "/api/v1/orders/7")).json()["status"] == "new"
    assert (await client.request("DELETE", "/api/v1/orders/7")).json()["seq"] == 13
    assert len(upstreams.called("ListAccounts")) == 1  # remembered after the first order
    unknown = await client.request("POST", "/api/v1/orders", json=ORDER | {"account": "other"})
    assert (unknown.status_code, unknown.json()["kind"]) == (404, "account")
    accounts = (await client.request("GET", "/api/v1/accounts")).json()["accounts"]
    assert accounts[0]["balances"] == [{"asset": "USDT", "available": "1000.5", "held": "0"}]


async def test_a_repeated_idempotency_key_is_the_same_command(
    client: Client, upstreams: Upstreams
) -> None:
    for _ in range(2):
        await client.request(
            "POST", "/api/v1/orders", json=ORDER, headers={"Idempotency-Key": "order-1"}
        )
    for _ in range(2):
        await client.request("POST", "/api/v1/orders", json=ORDER)
    ids = [call.request.request_id for call in upstreams.called("PlaceOrder")]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_errors_of_services_keep_their_code_and_name_json_fields(
    client: Client, upstreams: Upstreams
) -> None:
    upstreams.errors["CreateBot"] = InvalidField(
        "spec.config.spot_grid.upper_price", "59000", "above lower_price"
    )
    response = await client.request("POST", "/api/v1/bots/create", json=GRID)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["field"]) == (400, "config.upper_price")
    assert problem["detail"].startswith("config.upper_price is ")
    assert problem["allowed"] == "above lower_price"

    upstreams.errors["SetDesiredState"] = Refused(
        "MANAGED_BY_RESOURCE", "change the TradingBot resource"
    )
    response = await client.request("POST", f"/api/v1/bots/{BOT_ID}/stop")
    assert (response.status_code, response.json()["code"]) == (409, "MANAGED_BY_RESOURCE")

    upstreams.errors["PlaceOrder"] = Conflict("REQUEST_ID_REUSED", "same id, other content")
    assert (await client.request("POST", "/api/v1/orders", json=ORDER)).status_code == 409

    upstreams.errors["ListBots"] = Unavailable("the service is starting", retry_after_s=2)
    response = await client.request("GET", "/api/v1/bots/list")
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")

    upstreams.errors["GetBot"] = Internal("abc")
    response = await client.request("GET", f"/api/v1/bots/{BOT_ID}")
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL")


async def test_an_answer_that_makes_no_sense_is_an_internal_error_without_details(
    client: Client, upstreams: Upstreams
) -> None:
    upstreams.answers["GetBot"] = bots_pb2.GetBotResponse(bot=bots_pb2.Bot(bot_id=BOT_ID))
    response = await client.request("GET", f"/api/v1/bots/{BOT_ID}")
    assert response.status_code == 500
    assert response.json()["correlation_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    assert "KeyError" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
