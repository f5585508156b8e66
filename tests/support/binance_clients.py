"""Clients that were written for Binance, pointed at a gateway as docs/binance.md says."""

from typing import Any

import ccxt
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
