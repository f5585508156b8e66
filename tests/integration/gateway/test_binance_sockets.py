"""Clients that were written for Binance on its WebSocket API, unmodified, with both kinds of API
key, against an exchange of real processes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from tests.support.binance_clients import (
    async_python_binance,
    binance_of,
    cancel_all,
    ccxt_pro_binance,
    close_python_binance,
    python_binance,
)
from tests.support.binance_raw import ask, signed_params
from tests.support.exchange_stack import ApiKey, ExchangeStack
from tests.support.gateway_client import Client
from websockets.asyncio.client import connect

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

SYMBOL, PAIR = "BTCUSDT", "BTC/USDT"
HEARD_S_MAX = 10.0
LIMIT = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
KINDS = ["hmac", "ed25519"]


@asynccontextmanager
async def socket_client(stack: ExchangeStack, user: str, kind: str) -> AsyncIterator[AsyncClient]:
    key = key_of(stack, user, kind)
    client = async_python_binance(address_of(stack), key.key, key.secret)
    try:
        yield client
    finally:
        await close_python_binance(client)


def address_of(stack: ExchangeStack) -> str:
    return stack.addresses["gateway-http"]


def key_of(stack: ExchangeStack, user: str, kind: str) -> ApiKey:
    return (stack.keys if kind == "hmac" else stack.ed25519_keys)[user]


@pytest.fixture(params=KINDS)
async def ann_socket(
    stack: ExchangeStack, request: pytest.FixtureRequest
) -> AsyncIterator[AsyncClient]:
    """python-binance."""
    async with socket_client(stack, "ann", request.param) as client:
        yield client
    cancel_all(binance_of(stack, "ann"), SYMBOL)


@pytest.fixture(params=KINDS)
async def ann_pro(stack: ExchangeStack, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """ccxt.pro."""
    key = key_of(stack, "ann", request.param)
    client = ccxt_pro_binance(address_of(stack), key.key, key.secret)
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()
    cancel_all(binance_of(stack, "ann"), SYMBOL)


@pytest.fixture
def bob(stack: ExchangeStack) -> Any:
    """The other side of the market, over HTTP."""
    return binance_of(stack, "bob")


async def soon(awaitable: Any) -> Any:
    async with asyncio.timeout(HEARD_S_MAX):
        return await awaitable


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(HEARD_S_MAX):
        while not condition():  # noqa: ASYNC110 - the client has no event for it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_http_takes_both_kinds_of_key(stack: ExchangeStack, kind: str) -> None:
    key = key_of(stack, "ann", kind)
    client = python_binance(stack.url, key.key, key.secret)
    placed = client.order_limit_buy(symbol=SYMBOL, quantity="0.00100", price="50000")
    assert client.get_order(symbol=SYMBOL, orderId=placed["orderId"])["status"] == "NEW"
    replaced = client._post(
        "order/cancelReplace",
        True,
        data=LIMIT
        | {
            "quantity": "0.00100",
            "price": "50001",
            "cancelReplaceMode": "STOP_ON_FAILURE",
            "cancelOrderId": placed["orderId"],
        },
    )
    new = replaced["newOrderResponse"]
    assert (replaced["cancelResponse"]["status"], new["status"]) == ("CANCELED", "NEW")
    assert client.cancel_order(symbol=SYMBOL, orderId=new["orderId"])["status"] == "CANCELED"
    assert client.get_open_orders(symbol=SYMBOL) == []


async def test_python_binance_trades_on_a_socket(ann_socket: AsyncClient) -> None:
    """Each method of the table, and what it answers over HTTP."""
    client = ann_socket
    placed = await client.ws_create_order(**LIMIT, quantity="0.00100", price="50000")
    asked = {"symbol": SYMBOL, "orderId": placed["orderId"]}
    found = await client.ws_get_order(**asked)
    assert found == await client.get_order(**asked)
    assert await client.ws_get_open_orders(symbol=SYMBOL) == [found]
    replaced = await client.ws_cancel_and_replace_order(
        **LIMIT,
        quantity="0.00100",
        price="50001",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=placed["orderId"],
    )
    assert replaced["newOrderResult"] == "SUCCESS"
    with pytest.raises(BinanceAPIException) as gone:
        await client.ws_cancel_order(**asked)
    assert gone.value.code == -2011
    canceled = await client.ws_cancel_all_open_orders(symbol=SYMBOL)
    assert [each["orderId"] for each in canceled] == [replaced["newOrderResponse"]["orderId"]]
    assert await client.ws_create_test_order(**LIMIT, quantity="0.00100", price="1") == {}
    account = await client.ws_get_account()
    assert {each["asset"] for each in account["balances"]} == {"BTC", "USDT"}
    counts = await client.ws_get_account_rate_limits_orders()
    assert [each["intervalNum"] for each in counts] == [10, 1]
    assert counts[1]["count"] >= 2
    await client.ws_ping()
    assert (await client.ws_get_time())["serverTime"] > 1_700_000_000_000
    info = await client.ws_get_exchange_info(symbol=SYMBOL)
    assert info["symbols"][0]["symbol"] == SYMBOL
    assert (await client.ws_get_order_book(symbol=SYMBOL))["lastUpdateId"] > 0


async def test_python_binance_follows_its_user(ann_socket: AsyncClient, bob: Any) -> None:
    """An order that is placed, traded in two parts; what was paid, and what is left."""
    async with BinanceSocketManager(ann_socket).user_socket() as user:
        placed = await ann_socket.ws_create_order(
            **LIMIT, quantity="0.00200", price="59000", newClientOrderId="mine"
        )
        reports, positions = [], []
        bob.order_limit_sell(symbol=SYMBOL, quantity="0.00050", price="59000")
        bob.order_limit_sell(symbol=SYMBOL, quantity="0.00150", price="59000")
        while len(reports) < 3 or positions[-1]["u"] < reports[-1]["T"]:
            event = await soon(user.recv())
            (reports if event["e"] == "executionReport" else positions).append(event)
    assert [each["x"] for each in reports] == ["NEW", "TRADE", "TRADE"]
    assert [each["X"] for each in reports] == ["NEW", "PARTIALLY_FILLED", "FILLED"]
    assert {each["i"] for each in reports} == {placed["orderId"]}
    assert {each["c"] for each in reports} == {"mine"}
    assert [each["l"] for each in reports] == ["0.00000000", "0.00050000", "0.00150000"]
    assert reports[-1]["z"] == "0.00200000"
    assert reports[-1]["Z"] == "118.00000000"
    assert [each["m"] for each in reports] == [False, True, True]
    assert [each["n"] for each in reports[1:]] == ["0.00000025", "0.00000075"]
    assert reports[1]["N"] == "BTC"
    now = {each["asset"]: each for each in (await ann_socket.get_account())["balances"]}
    told: dict[str, tuple[str, str]] = {}
    for position in positions:
        told |= {row["a"]: (row["f"], row["l"]) for row in position["B"]}
    assert told == {asset: (row["free"], row["locked"]) for asset, row in now.items()}


async def test_a_list_is_told_as_a_whole(ann_socket: AsyncClient, bob: Any) -> None:
    bob.order_limit_sell(symbol=SYMBOL, quantity="0.00100", price="60000")
    await ann_socket.order_market_buy(symbol=SYMBOL, quantity="0.00100")
    async with BinanceSocketManager(ann_socket).user_socket() as user:
        made = await ann_socket.ws_create_oco_order(
            symbol=SYMBOL,
            side="SELL",
            quantity="0.00100",
            aboveType="LIMIT_MAKER",
            abovePrice="61000",
            belowType="STOP_LOSS_LIMIT",
            belowStopPrice="59000",
            belowPrice="58900",
            belowTimeInForce="GTC",
        )
        bob.order_limit_buy(symbol=SYMBOL, quantity="0.00100", price="61000")
        events = []
        while len([each for each in events if each["e"] == "listStatus"]) < 2:
            events.append(await soon(user.recv()))
    statuses = [each for each in events if each["e"] == "listStatus"]
    assert [each["L"] for each in statuses] == ["EXECUTING", "ALL_DONE"]
    assert {each["g"] for each in statuses} == {made["orderListId"]}
    assert [each["i"] for each in statuses[0]["O"]] == [o["orderId"] for o in made["orders"]]
    reports = [each for each in events if each["e"] == "executionReport"]
    legs = [(each["o"], each["x"]) for each in reports if each["g"] == made["orderListId"]]
    assert ("LIMIT_MAKER", "TRADE") in legs
    assert ("STOP_LOSS_LIMIT", "CANCELED") in legs or ("STOP_LOSS_LIMIT", "EXPIRED") in legs


async def test_ccxt_watches_and_trades(ann_pro: Any, bob: Any) -> None:
    """Orders, trades and balances as ccxt makes them of the events, beside what it is answered."""
    orders = asyncio.create_task(ann_pro.watch_orders(PAIR))
    trades = asyncio.create_task(ann_pro.watch_my_trades(PAIR))
    await soon(ann_pro.authenticate({"type": "spot"}))
    await asyncio.sleep(0.5)  # until both wait
    placed = await ann_pro.create_order_ws(PAIR, "limit", "buy", 0.002, 59_000)
    [new] = await soon(orders)
    assert (new["id"], new["status"], new["amount"]) == (placed["id"], "open", 0.002)
    assert new["clientOrderId"] == placed["clientOrderId"]
    asked = await ann_pro.fetch_order_ws(placed["id"], PAIR)
    assert (asked["price"], asked["remaining"]) == (59_000.0, 0.002)
    assert [each["id"] for each in await ann_pro.fetch_open_orders_ws(PAIR)] == [placed["id"]]
    balances = asyncio.create_task(ann_pro.watch_balance())
    bob.order_limit_sell(symbol=SYMBOL, quantity="0.00050", price="59000")
    [trade] = await soon(trades)
    assert (trade["order"], trade["price"], trade["amount"]) == (placed["id"], 59_000.0, 0.0005)
    assert (trade["side"], trade["takerOrMaker"]) == ("buy", "maker")
    assert trade["fee"] == {"cost": 2.5e-07, "currency": "BTC"}
    await soon(balances)
    canceled = await ann_pro.cancel_order_ws(placed["id"], PAIR)
    assert (canceled["status"], canceled["filled"]) == ("canceled", 0.0005)
    # What it keeps is looked at: an event may come before the answer, and is not waited for then.
    await until(lambda: ann_pro.orders[-1]["status"] == "canceled")
    watched = ann_pro.orders[-1]
    assert (watched["id"], watched["filled"]) == (placed["id"], 0.0005)
    assert watched["clientOrderId"] == placed["clientOrderId"]
    rest = await ann_pro.fetch_balance()
    await until(lambda: ann_pro.balance["spot"]["USDT"]["used"] == rest["USDT"]["used"])
    for asset in ("BTC", "USDT"):
        for side in ("free", "used"):
            assert ann_pro.balance["spot"][asset][side] == rest[asset][side]


async def test_streams_end_with_a_word_when_history_restarts(
    ann_socket: AsyncClient, stack: ExchangeStack
) -> None:
    """And whoever subscribes again hears what comes then."""
    manager = BinanceSocketManager(ann_socket)
    async with manager.user_socket() as user:
        stack.processes["history"].kill()
        stack.processes["history"].wait(10)
        assert (await soon(user.recv()))["e"] == "eventStreamTerminated"
        with pytest.raises(BinanceAPIException) as away:
            await ann_socket._ws_api_request("userDataStream.subscribe.signature", True, {})
        assert away.value.code == -1001
        user._subscription_id = None  # it is over: nothing to unsubscribe from
        stack.start("history")
    async with BinanceSocketManager(ann_socket).user_socket() as user:
        placed = await ann_socket.ws_create_order(**LIMIT, quantity="0.00100", price="50000")
        assert (await soon(user.recv()))["i"] == placed["orderId"]


async def test_native_requests_take_keys_with_a_secret_only(stack: ExchangeStack) -> None:
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        client = Client(http, stack.ed25519_keys["ann"].key, "")
        answer = await client.request("GET", "/api/v1/orders")
    assert (answer.status_code, answer.json()["code"]) == (401, "WRONG_KIND_OF_API_KEY")


async def test_an_order_of_somebody_else_is_unknown(
    ann_socket: AsyncClient, stack: ExchangeStack
) -> None:
    placed = await ann_socket.ws_create_order(**LIMIT, quantity="0.00100", price="50000")
    asked = {"symbol": SYMBOL, "orderId": placed["orderId"]}
    async with socket_client(stack, "bob", "hmac") as bob:
        for call, code in ((bob.ws_get_order, -2013), (bob.ws_cancel_order, -2011)):
            with pytest.raises(BinanceAPIException) as unknown:
                await call(**asked)
            assert unknown.value.code == code
    assert (await ann_socket.ws_get_order(**asked))["status"] == "NEW"
    assert Decimal(placed["executedQty"]) == 0


async def test_one_bad_socket_leaves_others_alone(
    ann_socket: AsyncClient, stack: ExchangeStack
) -> None:
    url = stack.url.replace("http", "ws", 1)
    async with connect(f"{url}/ws-api/v3") as bad:
        for number in range(50):
            answer = await ask(bad, "order.place", signed_params({"symbol": SYMBOL}), number)
            assert answer["error"]["code"] in (-2015, -1102)
    assert (await ann_socket.ws_get_time())["serverTime"]
