"""Clients of Binance on the sockets of the running sample exchange, while its bots trade."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.binance_clients import (
    async_python_binance,
    binance_sockets,
    ccxt_pro_binance,
    close_python_binance,
    python_binance,
)

pytestmark = pytest.mark.e2e

SYMBOL, PAIR = "BTCUSDT", "BTC/USDT"
LEVELS = 5_000
HEARD_S_MAX = 30.0


@pytest.fixture
def address(sample_env: None) -> str:
    return os.environ["TIGEREX_URL"].removeprefix("http://")


@pytest.fixture
def key() -> tuple[str, str]:
    return os.environ["TIGEREX_API_KEY"], os.environ["TIGEREX_API_SECRET"]


@pytest.fixture
async def exchange(address: str, key: tuple[str, str]) -> AsyncIterator[Any]:
    client = ccxt_pro_binance(address, *key)
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


async def test_ccxts_book_is_the_books_of_the_same_update(exchange: Any) -> None:
    """The market moves all the time: books are compared where both say the same update id."""
    seen: dict[int, Any] = {}
    compared = 0

    async def follow() -> None:
        while True:
            book = await exchange.watch_order_book(PAIR, LEVELS)
            seen[book["nonce"]] = (list(map(list, book["bids"])), list(map(list, book["asks"])))

    following = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(HEARD_S_MAX):
            while compared < 3:
                book = await exchange.fetch_order_book(PAIR, LEVELS)
                await asyncio.sleep(0.3)
                if book["nonce"] in seen:
                    compared += 1
                    assert seen[book["nonce"]] == (book["bids"], book["asks"])
    finally:
        following.cancel()


async def test_ccxt_hears_of_its_own_order(exchange: Any) -> None:
    heard = asyncio.create_task(exchange.watch_orders(PAIR))
    last = (await exchange.fetch_ticker(PAIR))["last"]
    await asyncio.sleep(2)  # the subscription is there
    placed = await exchange.create_order(PAIR, "limit", "buy", 0.001, round(last * 0.95, 2))
    async with asyncio.timeout(HEARD_S_MAX):
        assert (await heard)[-1]["status"] == "open"
        heard = asyncio.create_task(exchange.watch_orders(PAIR))  # the next one
        await asyncio.sleep(0)
        await exchange.cancel_order_ws(placed["id"], PAIR)
        assert (await heard)[-1]["status"] == "canceled"
    past = await exchange.fetch_orders(PAIR, limit=50)
    assert placed["id"] in {order["id"] for order in past}


async def test_python_binance_hears_of_its_own_trade(address: str, key: tuple[str, str]) -> None:
    client = async_python_binance(address, *key)
    rest = python_binance(f"http://{address}", *key)
    sockets = binance_sockets(client, address)
    # Orders of the user's bots stand in this book.
    terms = {"symbol": SYMBOL, "quantity": "0.00100", "selfTradePreventionMode": "NONE"}
    try:
        async with sockets.user_socket() as events:
            bought = await asyncio.to_thread(rest.order_market_buy, **terms)
            reports = []
            async with asyncio.timeout(HEARD_S_MAX):
                while not reports or reports[-1]["X"] != "FILLED":
                    event = await events.recv()
                    if event.get("e") == "executionReport" and event["i"] == bought["orderId"]:
                        reports.append(event)
        assert reports[0]["x"] == "NEW"
        assert {report["t"] for report in reports[1:]} == {
            fill["tradeId"] for fill in bought["fills"]
        }
        await asyncio.to_thread(rest.order_market_sell, **terms)
    finally:
        await close_python_binance(client)
