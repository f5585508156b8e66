"""Requests to the Binance-compatible API of a gateway over given services, signed by hand as the
documentation of Binance says.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from fastapi import FastAPI
from tests.support.gateway_client import PRIVATE_KEY, SECRET, make_app
from tests.support.gateway_server import serving_http
from tests.support.gateway_upstreams import Upstreams, serving
from websockets.asyncio.client import ClientConnection, connect

Params = dict[str, Any]

HMAC_KEY, ED25519_KEY = "ann-key", "ann-ed25519"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def signature_of(key: str, text: str) -> str:
    """By the kind of the key."""
    if key == ED25519_KEY:
        return base64.b64encode(PRIVATE_KEY.sign(text.encode())).decode()
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def signed_query(params: Params, key: str = HMAC_KEY, *, late_ms: int = 0) -> str:
    query = urlencode({**params, "timestamp": now_ms() - late_ms})
    return f"{query}&signature={quote(signature_of(key, query), safe='')}"


def signed_params(params: Params, key: str = HMAC_KEY, *, late_ms: int = 0) -> Params:
    """Of a message on a socket; values are signed as JSON spells them."""
    whole = {"apiKey": key, "timestamp": now_ms() - late_ms} | params
    text = "&".join(f"{name}={_spelled(whole[name])}" for name in sorted(whole))
    return whole | {"signature": signature_of(key, text)}


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


@dataclass
class Binance:
    """A served gateway, what is behind it, and a client of it."""

    upstreams: Upstreams
    app: FastAPI
    address: str
    http: httpx.AsyncClient

    async def call(
        self, method: str, path: str, query: str = "", key: str = HMAC_KEY
    ) -> httpx.Response:
        return await self.http.request(method, f"{path}?{query}", headers={"X-MBX-APIKEY": key})

    async def signed(
        self, method: str, path: str, params: Params, key: str = HMAC_KEY, *, late_ms: int = 0
    ) -> httpx.Response:
        return await self.call(method, path, signed_query(params, key, late_ms=late_ms), key)

    def socket(self, query: str = "", **options: Any) -> connect:
        return connect(f"ws://{self.address}/ws-api/v3{query}", compression=None, **options)


async def ask(
    socket: ClientConnection, method: str, params: Params | None = None, number: Any = 1
) -> dict[str, Any]:
    """Sends one request and gives what comes next."""
    message: dict[str, Any] = {"id": number, "method": method}
    if params is not None:
        message["params"] = params
    await socket.send(json.dumps(message))
    return await heard(socket)


async def heard(socket: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await socket.recv())
    return found


@asynccontextmanager
async def serving_binance() -> AsyncIterator[Binance]:
    async with serving() as (upstreams, channel):
        app = make_app(channel)
        async with (
            serving_http(app) as (_, address),
            httpx.AsyncClient(base_url=f"http://{address}") as http,
        ):
            yield Binance(upstreams, app, address, http)
            app.state.gateway.binance.user_feeds.close()
