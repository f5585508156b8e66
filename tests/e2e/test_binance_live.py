"""Clients of Binance on the running sample exchange, while its bots trade."""

import os
from typing import Any

import pytest
from binance.client import Client
from tests.support.binance_clients import ccxt_binance, python_binance

pytestmark = pytest.mark.e2e

SYMBOL, PAIR = "BTCUSDT", "BTC/USDT"


@pytest.fixture
def access(sample_env: None) -> tuple[str, str, str]:
    names = ("TIGEREX_URL", "TIGEREX_API_KEY", "TIGEREX_API_SECRET")
    url, key, secret = (os.environ[name] for name in names)
    return url, key, secret


@pytest.fixture
def ccxt(access: tuple[str, str, str]) -> Any:
    exchange = ccxt_binance(*access)
    exchange.load_markets()
    return exchange


def test_python_binance_places_and_cancels(access: tuple[str, str, str]) -> None:
    client: Client = python_binance(*access)
    last = float(client.get_symbol_ticker(symbol=SYMBOL)["price"])
    placed = client.order_limit_buy(symbol=SYMBOL, quantity="0.001", price=f"{last * 0.95:.2f}")
    asked = {"symbol": SYMBOL, "orderId": placed["orderId"]}
    assert client.get_order(**asked)["status"] == "NEW"
    assert placed["orderId"] in {each["orderId"] for each in client.get_open_orders(symbol=SYMBOL)}
    assert client.cancel_order(**asked)["status"] == "CANCELED"


def test_ccxt_buys_at_market_and_sells_again(ccxt: Any) -> None:
    book = ccxt.fetch_order_book(PAIR, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    before = ccxt.fetch_balance()["BTC"]
    own = {"selfTradePreventionMode": "NONE"}  # orders of the user's bots stand in this book
    bought = ccxt.create_order(PAIR, "market", "buy", 0.001, params=own)
    assert (bought["status"], bought["filled"]) == ("closed", 0.001)
    sold = ccxt.create_order(PAIR, "market", "sell", 0.001, params=own)
    assert sold["filled"] == 0.001
    after = ccxt.fetch_balance()["BTC"]
    fee = sum(each["fee"]["cost"] for each in bought["trades"])
    assert after["free"] == pytest.approx(before["free"] - fee, abs=1e-8)
