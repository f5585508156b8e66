"""Clients that were written for Binance, pointed at a gateway as docs/binance.md says. A secret is
one for HMAC, or an Ed25519 private key in PEM; an address "host:port".
"""

import asyncio
import contextlib
from typing import Any

import ccxt
import ccxt.pro
from binance import AsyncClient, BinanceSocketManager
from binance.client import Client
from tests.support.exchange_stack import ExchangeStack
from websockets.exceptions import ConnectionClosed


def _proof(secret: str) -> dict[str, str]:
    return {"private_key" if "PRIVATE KEY" in secret else "api_secret": secret}


def python_binance(url: str, key: str, secret: str) -> Client:
    client = Client(key, ping=False, **_proof(secret))
    client.API_URL = f"{url}/api"
    client.MARGIN_API_URL = f"{url}/sapi"
    return client


def binance_of(stack: ExchangeStack, user: str) -> Client:
    return python_binance(stack.url, stack.keys[user].key, stack.keys[user].secret)


def cancel_all(client: Client, symbol: str) -> None:
    if client.get_open_orders(symbol=symbol):  # with none open that would be refused
        client._delete("openOrders", signed=True, data={"symbol": symbol})


def ccxt_binance(url: str, key: str, secret: str) -> Any:
    exchange = ccxt.binance(_config(key, secret))
    exchange.urls["api"] |= _rest(url)
    return exchange


def ccxt_pro_binance(address: str, key: str = "", secret: str = "") -> Any:
    """The asynchronous client with sockets."""
    exchange = ccxt.pro.binance(_config(key, secret))
    exchange.urls["api"] |= _rest(f"http://{address}")
    exchange.urls["api"]["ws"] = {
        "spot": f"ws://{address}/ws",
        "ws-api": {"spot": f"ws://{address}/ws-api/v3"},
    }
    return exchange


def async_python_binance(address: str, key: str = "", secret: str = "") -> AsyncClient:
    client = AsyncClient(key, **_proof(secret))
    client.API_URL = f"http://{address}/api"
    client.MARGIN_API_URL = f"http://{address}/sapi"
    client.ws_api._url = f"ws://{address}/ws-api/v3"
    return client


async def close_python_binance(client: AsyncClient) -> None:
    """Its reader looks up when something comes, else only every ten seconds."""
    closing = asyncio.create_task(client.close_connection())
    while not closing.done():
        await asyncio.wait([closing], timeout=0.1)
        with contextlib.suppress(ConnectionClosed):
            if client.ws_api.ws is not None:
                await client.ws_api.ws.send('{"id":"bye","method":"ping"}')
    await closing


def binance_sockets(client: AsyncClient, address: str) -> BinanceSocketManager:
    sockets = BinanceSocketManager(client)
    sockets.STREAM_URL = f"ws://{address}/"
    return sockets


def _config(key: str, secret: str) -> dict[str, Any]:
    spot = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    return {"apiKey": key, "secret": secret, "options": spot}


def _rest(url: str) -> dict[str, str]:
    return {
        "public": f"{url}/api/v3",
        "private": f"{url}/api/v3",
        "sapi": f"{url}/sapi/v1",
    }
