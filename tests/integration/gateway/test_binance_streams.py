"""Market streams: what the documents say, from an exchange of real processes, to clients that were
written for Binance."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from binance.client import Client as PythonBinance
from binance.ws.depthcache import DepthCacheManager
from ccxt import ChecksumError, NetworkError
from tests.support.binance_clients import (
    async_python_binance,
    binance_of,
    binance_sockets,
    ccxt_pro_binance,
    close_python_binance,
)
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy
from tests.support.exchange_stack import ExchangeStack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

SYMBOL, PAIR, NAME = "BTCUSDT", "BTC/USDT", "btcusdt"
WAIT_S = 15.0
LOOK_S = 0.4  # between comparisons, which have weight
CUTS = 6
WITH_CUTS_S = 100.0
DAY_FIELDS = {
    "c": "lastPrice",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
}
KLINE_FIELDS = ["t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B"]
Book = dict[str, dict[Decimal, Decimal]]


class Trader:
    """Moves the market: bob rests orders, ann takes them."""

    def __init__(self, stack: ExchangeStack) -> None:
        self.bob, self.ann = binance_of(stack, "bob"), binance_of(stack, "ann")

    async def trade(self, quantity: str = "0.00100") -> None:
        await self.rest("SELL", "60000", quantity)
        await asyncio.to_thread(self.ann.order_market_buy, symbol=SYMBOL, quantity=quantity)

    async def rest(self, side: str, price: str, quantity: str = "0.00100") -> dict[str, Any]:
        placed: dict[str, Any] = await asyncio.to_thread(
            self.bob.create_order,
            symbol=SYMBOL,
            side=side,
            type="LIMIT",
            timeInForce="GTC",
            quantity=quantity,
            price=price,
        )
        return placed

    async def stir(self, random: Random) -> None:
        """One order, at times one cancellation."""
        offset = random.randint(1, 30)
        side, price = (
            ("BUY", 59_900 - offset) if random.random() < 0.5 else ("SELL", 60_100 + offset)
        )
        await self.rest(side, str(price), f"{random.randint(10, 400) / 100_000:.5f}")
        if random.random() < 0.4:
            orders = await asyncio.to_thread(self.bob.get_open_orders, symbol=SYMBOL)
            order_id = random.choice(orders)["orderId"]
            await asyncio.to_thread(self.bob.cancel_order, symbol=SYMBOL, orderId=order_id)

    def clear(self) -> None:
        for client in (self.bob, self.ann):
            if client.get_open_orders(symbol=SYMBOL):
                client._delete("openOrders", signed=True, data={"symbol": SYMBOL})


@pytest.fixture
def trader(stack: ExchangeStack) -> Any:
    trader = Trader(stack)
    yield trader
    trader.clear()


@pytest.fixture
async def proxy(stack: ExchangeStack) -> AsyncIterator[CuttingProxy]:
    async with cutting_proxy(stack.addresses["gateway-http"]) as proxy:
        yield proxy


def opened(stack: ExchangeStack, path: str) -> connect:
    return connect(f"ws://{stack.addresses['gateway-http']}{path}", compression=None)


async def receive(ws: ClientConnection) -> Any:
    async with asyncio.timeout(WAIT_S):
        return json.loads(await ws.recv())


async def until(ws: ClientConnection, wanted: Callable[[Any], object]) -> Any:
    """The first message that is as wanted."""
    async with asyncio.timeout(WAIT_S):
        while not wanted(found := json.loads(await ws.recv())):
            pass
    return found


async def ask(ws: ClientConnection, method: str, params: Any = None, number: Any = 1) -> Any:
    request = {"method": method, "id": number} | ({} if params is None else {"params": params})
    await ws.send(json.dumps(request))
    return await until(ws, lambda found: isinstance(found, dict) and "id" in found)


def book_of(client: PythonBinance) -> Book:
    depth = client.get_order_book(symbol=SYMBOL, limit=5000)
    return {
        side: {Decimal(price): Decimal(size) for price, size in depth[side]}
        for side in ("bids", "asks")
    }


async def test_each_stream_tells_what_rest_does(stack: ExchangeStack, trader: Trader) -> None:
    """Field by field, on one combined socket."""
    await trader.trade()
    kinds = [
        "trade",
        "aggTrade",
        "bookTicker",
        "kline_1m",
        "kline_1d",
        "miniTicker",
        "ticker",
        "ticker_1h",
    ]
    kinds += ["depth5@100ms", "depth@100ms", "avgPrice"]
    names = [f"{NAME}@{kind}" for kind in kinds] + ["!miniTicker@arr", "!ticker@arr"]
    seen: dict[str, Any] = {}
    async with opened(stack, f"/stream?streams={'/'.join(names)}") as ws:
        await asyncio.sleep(1.5)  # every stream has begun
        await trader.rest("BUY", "59000", "0.00200")
        await trader.trade("0.00300")
        other, loop = ["nothing was received"], asyncio.get_running_loop()
        looked_s = 0.0
        async with asyncio.timeout(WAIT_S):
            while seen.keys() != set(names) or other:
                message = json.loads(await ws.recv())
                assert message.keys() == {"stream", "data"}
                seen[message["stream"]] = message["data"]
                if seen.keys() == set(names) and loop.time() > looked_s + LOOK_S:
                    looked_s = loop.time()
                    other = await asyncio.to_thread(_unlike_rest, seen, trader.ann)
    assert seen["!ticker@arr"][0]["s"] == SYMBOL
    assert seen[f"{NAME}@depth@100ms"]["u"] >= seen[f"{NAME}@depth@100ms"]["U"]


def _unlike_rest(seen: dict[str, Any], client: PythonBinance) -> list[str]:
    """Streams whose newest event is not what REST answers now."""
    [trade] = client.get_recent_trades(symbol=SYMBOL, limit=1)
    best, day = client.get_orderbook_ticker(symbol=SYMBOL), client.get_ticker(symbol=SYMBOL)
    depth = client.get_order_book(symbol=SYMBOL, limit=5)
    [aggregate] = client.get_aggregate_trades(symbol=SYMBOL, limit=1)
    expected: dict[str, dict[str, Any]] = {
        "trade": {
            "e": "trade",
            "s": SYMBOL,
            "t": trade["id"],
            "p": trade["price"],
            "q": trade["qty"],
            "T": trade["time"],
            "m": trade["isBuyerMaker"],
        },
        "aggTrade": aggregate,
        "bookTicker": {
            "b": best["bidPrice"],
            "B": best["bidQty"],
            "a": best["askPrice"],
            "A": best["askQty"],
        },
        "depth5@100ms": depth,
        "avgPrice": {"w": client.get_avg_price(symbol=SYMBOL)["price"], "i": "5m"},
    }
    for name in ("ticker", "miniTicker", "ticker_1h"):
        expected[name] = {field: day[of_day] for field, of_day in DAY_FIELDS.items()}
    expected["ticker"] |= {"x": day["prevClosePrice"], "Q": trade["qty"]}
    other = [
        name
        for name, fields in expected.items()
        for field, value in fields.items()
        if seen[f"{NAME}@{name}"][field] != value
    ]
    for interval in ("1m", "1d"):
        [kline] = client.get_klines(symbol=SYMBOL, interval=interval, limit=1)
        told = seen[f"{NAME}@kline_{interval}"]["k"]
        ids = told["L"] - told["f"] + 1 if told["n"] else 0  # a minute may have just begun
        if [told[field] for field in KLINE_FIELDS] != kline or ids != told["n"]:
            other.append(interval)
    if seen["!miniTicker@arr"][0]["c"] != day["lastPrice"]:
        other.append("!miniTicker@arr")
    return other


async def test_closed_candles_are_told_once_each(stack: ExchangeStack, trader: Trader) -> None:
    await trader.trade()
    async with opened(stack, f"/ws/{NAME}@kline_1s") as ws:
        closed: list[int] = []
        while len(closed) < 4:
            candle = (await receive(ws))["k"]
            if candle["x"]:
                closed.append(candle["t"])
    assert [later - earlier for earlier, later in pairwise(closed)] == [1_000] * 3


async def test_requests_on_a_socket(stack: ExchangeStack, trader: Trader) -> None:
    async with opened(stack, "/ws") as ws:
        assert await ask(ws, "SUBSCRIBE", [f"{NAME}@trade"], "a") == {"result": None, "id": "a"}
        assert (await ask(ws, "LIST_SUBSCRIPTIONS"))["result"] == [f"{NAME}@trade"]
        assert (await ask(ws, "GET_PROPERTY", ["combined"]))["result"] is False
        await trader.trade()
        assert (await receive(ws))["e"] == "trade"
        assert (await ask(ws, "SET_PROPERTY", ["combined", True]))["result"] is None
        await trader.trade()
        assert (await receive(ws))["stream"] == f"{NAME}@trade"
        assert (await ask(ws, "UNSUBSCRIBE", [f"{NAME}@trade"]))["result"] is None
        await asyncio.sleep(1)  # five messages a second are allowed
        assert (await ask(ws, "LIST_SUBSCRIPTIONS"))["result"] == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", 3),
        ("[]", 2),
        ('{"method": "FOLLOW", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": ["btcusdt@nothing"], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": ["btcusdt@kline_7m"], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": ["nosuch@trade"], "id": 1}', -1121),
        ('{"method": "SUBSCRIBE", "params": ["BTCUSDT@trade"], "id": 1}', -1121),
        ('{"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1, "more": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": [1]}', 2),
        ('{"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}', 1),
        ('{"method": "SET_PROPERTY", "params": ["speed", true], "id": 1}', 0),
        (b"\x00", 2),
    ],
)
async def test_a_wrong_request_is_answered_and_changes_nothing(
    stack: ExchangeStack, sent: str | bytes, code: int
) -> None:
    async with opened(stack, "/stream") as ws:
        await ws.send(sent)
        assert (await receive(ws))["error"]["code"] == code
        assert (await ask(ws, "LIST_SUBSCRIPTIONS"))["result"] == []


async def test_unknown_streams_and_floods_end_a_socket_with_a_reason(stack: ExchangeStack) -> None:
    async with opened(stack, "/ws/nosuch@trade") as ws:
        with pytest.raises(ConnectionClosed) as closed:
            await receive(ws)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "-1121: Invalid symbol."
    async with opened(stack, f"/ws/{NAME}@trade") as other, opened(stack, "/ws") as ws:
        for number in range(20):
            await ws.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - after some answers
            while True:
                await receive(ws)
        assert closed.value.rcvd is not None
        assert "5 messages a second" in closed.value.rcvd.reason
        assert (await ask(other, "LIST_SUBSCRIPTIONS"))["result"] == [f"{NAME}@trade"]


async def test_the_documented_rule_keeps_a_book(stack: ExchangeStack, trader: Trader) -> None:
    random = Random(5)
    async with opened(stack, f"/ws/{NAME}@depth@100ms") as ws:
        await asyncio.sleep(0.5)
        for _ in range(10):
            await trader.stir(random)
        depth = trader.ann.get_order_book(symbol=SYMBOL, limit=5000)
        sides = {key: dict(depth[side]) for key, side in (("b", "bids"), ("a", "asks"))}
        last = depth["lastUpdateId"]
        for _ in range(20):
            await trader.stir(random)
        expected = book_of(trader.ann)
        begun = False
        async with asyncio.timeout(WAIT_S):
            while {k: _shown(side) for k, side in sides.items()} != {
                "b": expected["bids"],
                "a": expected["asks"],
            }:
                event = json.loads(await ws.recv())
                if event["u"] <= last:
                    continue
                assert event["U"] <= last + 1 if not begun else event["U"] == last + 1
                begun, last = True, event["u"]
                for key, side in sides.items():
                    side.update(event[key])
        assert begun


def _shown(side: dict[str, str]) -> dict[Decimal, Decimal]:
    return {Decimal(price): Decimal(size) for price, size in side.items() if Decimal(size)}


async def _same_after_cuts(
    trader: Trader, proxy: CuttingProxy, seed: int, kept: Callable[[], Any]
) -> None:
    """Stirs the market and cuts the client off, again and again; then what it `kept` has to become
    the book that the core has."""
    random = Random(seed)
    async with asyncio.timeout(WITH_CUTS_S):
        for _ in range(CUTS):
            for _ in range(random.randint(3, 12)):
                await trader.stir(random)
            while not proxy.open:  # noqa: ASYNC110 - until the client is back
                await asyncio.sleep(0.05)
            proxy.cut()
        while True:
            await trader.rest("BUY", "50000")  # something to tell
            expected = _floats(await asyncio.to_thread(book_of, trader.ann))
            for _ in range(20):
                await asyncio.sleep(0.05)
                if _floats(kept()) == expected:
                    return


async def test_ccxt_keeps_its_book_under_disconnects(
    stack: ExchangeStack, trader: Trader, proxy: CuttingProxy
) -> None:
    exchange = ccxt_pro_binance(proxy.address)

    async def follow() -> None:
        while True:
            try:
                await exchange.watch_order_book(PAIR, 5000)
            except (NetworkError, ChecksumError):
                continue

    def kept() -> Any:
        book = exchange.orderbooks.get(PAIR, {"bids": [], "asks": []})
        return {side: {level[0]: level[1] for level in book[side]} for side in ("bids", "asks")}

    try:
        await exchange.load_markets()
        following = asyncio.create_task(follow())
        await _same_after_cuts(trader, proxy, 7, kept)
        following.cancel()
    finally:
        await exchange.close()


def _floats(book: Any) -> dict[str, dict[float, float]]:
    return {
        side: {float(price): float(size) for price, size in levels.items()}
        for side, levels in book.items()
    }


async def test_ccxt_watches_the_market(stack: ExchangeStack, trader: Trader) -> None:
    exchange = ccxt_pro_binance(stack.addresses["gateway-http"])
    try:
        await trader.trade()
        await exchange.load_markets()
        watching = {
            "trades": asyncio.create_task(exchange.watch_trades(PAIR)),
            "ticker": asyncio.create_task(exchange.watch_ticker(PAIR)),
            "candles": asyncio.create_task(exchange.watch_ohlcv(PAIR, "1m")),
        }
        await asyncio.sleep(2)
        await trader.rest("BUY", "59000")
        await trader.trade("0.00200")
        async with asyncio.timeout(WAIT_S):
            found = {name: await task for name, task in watching.items()}
        told = found["trades"][-1]
        [trade] = trader.ann.get_recent_trades(symbol=SYMBOL, limit=1)
        assert (told["id"], told["price"], told["amount"], told["timestamp"]) == (
            str(trade["id"]),
            float(trade["price"]),
            float(trade["qty"]),
            trade["time"],
        )
        assert found["ticker"]["last"] == 60_000.0
        assert found["candles"][-1][4] == 60_000.0
        async with asyncio.timeout(WAIT_S):
            while (await exchange.watch_bids_asks([PAIR]))[PAIR]["bid"] != 59_000.0:
                await trader.rest("BUY", "59000")
    finally:
        await exchange.close()


async def test_python_binance_keeps_its_book_under_disconnects(
    stack: ExchangeStack, trader: Trader, proxy: CuttingProxy
) -> None:
    client = async_python_binance(proxy.address)
    sockets = binance_sockets(client, proxy.address)
    manager = DepthCacheManager(client, SYMBOL, bm=sockets, limit=5000, ws_interval=100)

    async def follow() -> None:
        while True:
            await manager.recv()

    def kept() -> Any:
        cache = manager.get_depth_cache()
        return {"bids": dict(cache.get_bids()), "asks": dict(cache.get_asks())}

    try:
        async with manager:
            following = asyncio.create_task(follow())
            await _same_after_cuts(trader, proxy, 11, kept)
            following.cancel()
    finally:
        await close_python_binance(client)


async def test_python_binance_follows_the_market(stack: ExchangeStack, trader: Trader) -> None:
    client = async_python_binance(stack.addresses["gateway-http"])
    sockets = binance_sockets(client, stack.addresses["gateway-http"])
    try:
        async with (
            sockets.trade_socket(SYMBOL) as trades,
            sockets.kline_socket(SYMBOL) as klines,
            sockets.multiplex_socket([f"{NAME}@bookTicker", f"{NAME}@depth5"]) as both,
        ):
            await asyncio.sleep(0.5)
            await trader.rest("BUY", "59000")
            await trader.trade("0.00200")
            async with asyncio.timeout(WAIT_S):
                assert (await trades.recv())["q"] == "0.00200000"
                assert (await klines.recv())["k"]["s"] == SYMBOL
                assert (await both.recv())["stream"] in {f"{NAME}@bookTicker", f"{NAME}@depth5"}
    finally:
        await close_python_binance(client)
