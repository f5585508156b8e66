"""What the Binance-compatible API refuses: the number, the status, and that nothing was done."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.support.exchange_stack import ApiKey, ExchangeStack
from tests.support.gateway_client import Client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "50000",
}
Params = dict[str, Any]


class Caller:
    """Signs as Binance's documentation says: over the query string as it is sent."""

    def __init__(self, http: httpx.AsyncClient, key: ApiKey) -> None:
        self.http = http
        self.key = key

    def signed(self, params: Params, *, late_ms: int = 0, secret: str = "") -> str:
        query = str(
            httpx.QueryParams({**params, "timestamp": time.time_ns() // 1_000_000 - late_ms})
        )
        secret = secret or self.key.secret
        digest = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return f"{query}&signature={digest}"

    async def send(self, method: str, path: str, query: str, key: str = "") -> httpx.Response:
        headers = {"X-MBX-APIKEY": key or self.key.key}
        return await self.http.request(method, f"{path}?{query}", headers=headers)

    async def order(self, **changes: Any) -> httpx.Response:
        params = {k: v for k, v in (LIMIT | changes).items() if v is not None}
        return await self.send("POST", "/api/v3/order", self.signed(params))


@pytest.fixture
async def ann_raw(stack: ExchangeStack) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        caller = Caller(http, stack.keys["ann"])
        yield caller
        open_orders = await caller.send("GET", "/api/v3/openOrders", caller.signed({}))
        assert open_orders.json() == []


def told(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


REFUSED: list[tuple[Params, int, str]] = [
    ({"symbol": None}, -1102, "symbol"),
    ({"symbol": ""}, -1102, "symbol"),
    ({"symbol": "btcusdt"}, -1100, "symbol"),
    ({"symbol": "ETHUSDT"}, -1121, "Invalid symbol."),
    ({"side": "HOLD"}, -1117, "side"),
    ({"type": "PEGGED"}, -1116, "orderType"),
    ({"timeInForce": "GTX"}, -1115, "timeInForce"),
    ({"timeInForce": None}, -1102, "timeInForce"),
    ({"price": None}, -1102, "price"),
    ({"quantity": None}, -1102, "quantity"),
    ({"quantity": "NaN"}, -1100, "quantity"),
    ({"quantity": "-1"}, -1100, "quantity"),
    ({"quantity": "1e-3"}, -1100, "quantity"),
    ({"quantity": "0.000000001"}, -1111, "quantity"),
    ({"quantity": "0"}, -1013, "LOT_SIZE"),
    ({"quantity": "0.000001"}, -1013, "LOT_SIZE"),
    ({"quantity": "100000"}, -1013, "LOT_SIZE"),
    ({"quantity": "99999999999999999999"}, -1013, "LOT_SIZE"),
    ({"price": "0"}, -1013, "PRICE_FILTER"),
    ({"price": "50000.001"}, -1013, "PRICE_FILTER"),
    ({"price": "2000000"}, -1013, "PRICE_FILTER"),
    ({"quantity": "0.00001"}, -1013, "NOTIONAL"),
    ({"icebergQty": "0.00000001"}, -1013, "ICEBERG_PARTS"),
    ({"quoteOrderQty": "10"}, -1106, "quoteOrderQty"),
    ({"stopPrice": "10"}, -1106, "stopPrice"),
    ({"type": "MARKET"}, -1106, "timeInForce"),
    ({"type": "STOP_LOSS_LIMIT"}, -1102, "stopPrice"),
    ({"newClientOrderId": "no blanks"}, -1100, "newClientOrderId"),
    ({"newOrderRespType": "ALL"}, -1139, "newOrderRespType"),
    ({"selfTradePreventionMode": "MAYBE"}, -1130, "selfTradePreventionMode"),
    ({"colour": "red"}, -1104, "read"),
    ({"quantity": "900", "price": "60000"}, -2010, "insufficient balance"),
]


@pytest.mark.parametrize(("changes", "code", "word"), REFUSED, ids=str)
async def test_refused_orders(ann_raw: Caller, changes: Params, code: int, word: str) -> None:
    answer = await ann_raw.order(**changes)
    assert told(answer) == (400, code)
    assert word in answer.json()["msg"]


async def test_signatures(ann_raw: Caller, stack: ExchangeStack) -> None:
    path = "/api/v3/account"
    signed = ann_raw.signed({})
    assert (await ann_raw.send("GET", path, signed)).status_code == 200
    wrong = await ann_raw.send("GET", path, ann_raw.signed({}, secret="another"))
    assert told(wrong) == (400, -1022)
    changed = await ann_raw.send("GET", path, "omitZeroBalances=true&" + signed)
    assert told(changed) == (400, -1022)
    unsigned = await ann_raw.send("GET", path, signed.partition("&signature")[0])
    assert told(unsigned) == (400, -1102)
    assert told(await ann_raw.send("GET", path, signed, key="nobody")) == (401, -2015)
    assert told(await ann_raw.send("GET", path, signed, key="k" * 129)) == (401, -2014)
    eve = stack.keys["eve"]
    reader = Caller(ann_raw.http, eve)
    assert told(await reader.order()) == (401, -2015)


async def test_receive_window(ann_raw: Caller) -> None:
    path = "/api/v3/account"
    assert told(await ann_raw.send("GET", path, ann_raw.signed({}, late_ms=6_000))) == (400, -1021)
    assert told(await ann_raw.send("GET", path, ann_raw.signed({}, late_ms=-5_000))) == (400, -1021)
    wide = ann_raw.signed({"recvWindow": 30_000}, late_ms=6_000)
    assert (await ann_raw.send("GET", path, wide)).status_code == 200
    too_wide = ann_raw.signed({"recvWindow": 60_001})
    assert told(await ann_raw.send("GET", path, too_wide)) == (400, -1131)


async def test_a_window_that_passes_on_the_way_to_the_exchange(
    ann_raw: Caller, stack: ExchangeStack
) -> None:
    """The journal stalls: what waits for it longer than it was signed for is not done."""
    with stack.database.connect() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE exchange.journal IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(2.5)  # the exchange's ticks fill what may wait for the journal
        late = asyncio.create_task(ann_raw.order(recvWindow=1_000, newClientOrderId="late"))
        native = Client(ann_raw.http, ann_raw.key.key, ann_raw.key.secret)
        order = {"market": "btc-usdt", "side": "buy", "price": "50000.00", "quantity": "0.001"}
        natively = asyncio.create_task(
            native.request("POST", "/api/v1/orders", json=order, recv_window_ms=1_000)
        )
        await asyncio.sleep(1.5)
        blocker.execute("ROLLBACK")
    assert told(await late) == (400, -1021)
    answer = await natively
    assert (answer.status_code, answer.json()["code"]) == (401, "TIMESTAMP_OUTSIDE_WINDOW")
    asked = ann_raw.signed({"symbol": "BTCUSDT", "origClientOrderId": "late"})
    assert told(await ann_raw.send("GET", "/api/v3/order", asked)) == (400, -2013)


async def test_lists_that_are_not_there(ann_raw: Caller) -> None:
    asked = ann_raw.signed({"orderListId": 77})
    assert told(await ann_raw.send("GET", "/api/v3/orderList", asked)) == (400, -2018)
    asked = ann_raw.signed({"symbol": "BTCUSDT", "orderListId": 77})
    answer = await ann_raw.send("DELETE", "/api/v3/orderList", asked)
    assert (told(answer), answer.json()["msg"]) == ((400, -2011), "Unknown order list sent.")


async def test_paths_that_are_not_there(ann_raw: Caller) -> None:
    for path in ("/api/v3/nothing", "/sapi/v1/lending/daily"):
        assert told(await ann_raw.send("GET", path, "")) == (404, -1020)


async def test_a_parameter_twice(ann_raw: Caller) -> None:
    answer = await ann_raw.send("GET", "/api/v3/depth", "symbol=BTCUSDT&symbol=BTCUSDT")
    assert told(answer) == (400, -1101)


async def test_the_same_signed_order_twice_is_one(ann_raw: Caller) -> None:
    signed = ann_raw.signed(LIMIT)
    first = await ann_raw.send("POST", "/api/v3/order", signed)
    again = await ann_raw.send("POST", "/api/v3/order", signed)
    assert first.json() == again.json()
    order_id = first.json()["orderId"]
    cancel = ann_raw.signed({"symbol": "BTCUSDT", "orderId": order_id})
    assert (await ann_raw.send("DELETE", "/api/v3/order", cancel)).json()["status"] == "CANCELED"


async def test_an_order_of_somebody_else_is_unknown(ann_raw: Caller, stack: ExchangeStack) -> None:
    order_id = (await ann_raw.order()).json()["orderId"]
    bob = Caller(ann_raw.http, stack.keys["bob"])
    asked = {"symbol": "BTCUSDT", "orderId": order_id}
    assert told(await bob.send("GET", "/api/v3/order", bob.signed(asked))) == (400, -2013)
    assert told(await bob.send("DELETE", "/api/v3/order", bob.signed(asked))) == (400, -2011)
    own = await ann_raw.send("DELETE", "/api/v3/order", ann_raw.signed(asked))
    assert own.json()["status"] == "CANCELED"


async def test_weight_is_counted(ann_raw: Caller) -> None:
    first = await ann_raw.send("GET", "/api/v3/ping", "")
    second = await ann_raw.send("GET", "/api/v3/exchangeInfo", "")
    used = [int(answer.headers["x-mbx-used-weight-1m"]) for answer in (first, second)]
    assert used[1] - used[0] == 20 or used[1] == 20  # a minute may begin between them
