"""Clients that were written for Binance, pointed at a gateway as docs/binance.md says. A secret is
one for HMAC, or an Ed25519 private key in PEM.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.pro
from binance.async_client import AsyncClient
from binance.client import Client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


def ed25519_key() -> tuple[str, str]:
    """The private and the public half of a new key, in PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode().strip(), public.decode()


def _proof(secret: str) -> dict[str, str]:
    return {"private_key" if "PRIVATE KEY" in secret else "api_secret": secret}


def python_binance(url: str, key: str, secret: str) -> Client:
    client = Client(key, ping=False, **_proof(secret))
    client.API_URL = f"{url}/api"
    client.MARGIN_API_URL = f"{url}/sapi"
    return client


@asynccontextmanager
async def python_binance_async(url: str, key: str, secret: str) -> AsyncIterator[AsyncClient]:
    client = AsyncClient(key, **_proof(secret))
    client.API_URL = f"{url}/api"
    client.ws_api._url = _ws_api(url)
    try:
        yield client
    finally:
        await client.close_connection()


def ccxt_binance(url: str, key: str, secret: str) -> Any:
    exchange = ccxt.binance(_config(key, secret))
    exchange.urls["api"] |= _rest(url)
    return exchange


@asynccontextmanager
async def ccxt_pro_binance(url: str, key: str, secret: str) -> AsyncIterator[Any]:
    exchange = ccxt.pro.binance(_config(key, secret))
    exchange.urls["api"] |= _rest(url)
    exchange.urls["api"]["ws"]["ws-api"]["spot"] = _ws_api(url)
    try:
        yield exchange
    finally:
        await exchange.close()


def _config(key: str, secret: str) -> dict[str, Any]:
    spot = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    return {"apiKey": key, "secret": secret, "options": spot}


def _rest(url: str) -> dict[str, str]:
    return {
        "public": f"{url}/api/v3",
        "private": f"{url}/api/v3",
        "sapi": f"{url}/sapi/v1",
    }


def _ws_api(url: str) -> str:
    return f"{url.replace('http', 'ws', 1)}/ws-api/v3"
