"""Clients that were written for Binance, pointed at a gateway as docs/binance.md says."""

from typing import Any

import ccxt
import ccxt.pro
from binance import AsyncClient, BinanceSocketManager
from binance.client import Client


def python_binance(url: str, key: str, secret: str) -> Client:
    client = Client(key, secret, ping=False)
    client.API_URL = f"{url}/api"
    client.MARGIN_API_URL = f"{url}/sapi"
    return client


def ccxt_binance(url: str, key: str, secret: str) -> Any:
    spot = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    exchange = ccxt.binance({"apiKey": key, "secret": secret, "options": spot})
    exchange.urls["api"] |= {
        "public": f"{url}/api/v3",
        "private": f"{url}/api/v3",
        "sapi": f"{url}/sapi/v1",
    }
    return exchange


def ccxt_pro_binance(address: str, key: str = "", secret: str = "") -> Any:
    """The asynchronous client with sockets; `address` is "host:port"."""
    spot = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    exchange = ccxt.pro.binance({"apiKey": key, "secret": secret, "options": spot})
    exchange.urls["api"] |= {
        "public": f"http://{address}/api/v3",
        "private": f"http://{address}/api/v3",
        "sapi": f"http://{address}/sapi/v1",
        "ws": {"spot": f"ws://{address}/ws", "ws-api": {"spot": f"ws://{address}/ws-api/v3"}},
    }
    return exchange


def async_python_binance(address: str, key: str = "", secret: str = "") -> AsyncClient:
    client = AsyncClient(key, secret)
    client.API_URL = f"http://{address}/api"
    client.MARGIN_API_URL = f"http://{address}/sapi"
    return client


def binance_sockets(client: AsyncClient, address: str) -> BinanceSocketManager:
    sockets = BinanceSocketManager(client)
    sockets.STREAM_URL = f"ws://{address}/"
    return sockets
