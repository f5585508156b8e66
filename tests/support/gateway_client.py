"""A gateway over given services, and a client that signs."""

import time
from dataclasses import dataclass
from typing import Any

import grpc.aio
import httpx
from fastapi import FastAPI

from tigerex_platform.auth import ApiKey
from tigerex_platform.auth.hmac_signature import signed_headers
from tigerex_platform.clock import SystemClock
from tigerex_services.gateway.account_ids import AccountIds
from tigerex_services.gateway.app import create_app
from tigerex_services.gateway.auth import Authenticator
from tigerex_services.gateway.binance.calls import Parts
from tigerex_services.gateway.binance.streams.feeds import StreamFeeds
from tigerex_services.gateway.books import Books
from tigerex_services.gateway.context import Gateway
from tigerex_services.gateway.readiness import Readiness
from tigerex_services.gateway.replay import ReplayGuard
from tigerex_services.gateway.upstream import Upstream
from tigerex_services.gateway.websocket.bots import BotFeeds
from tigerex_services.gateway.websocket.hub import MarketHub
from tigerex_services.permissions import TABLE

SECRET = "a secret of forty characters, or nearly so"


class Keys:
    """A key store in memory: "ann" may do everything, "eve" may only read."""

    def __init__(self) -> None:
        everything = frozenset({"read", "trade", "transfer", "bots"})
        self.keys = {
            "ann-key": ApiKey("ann-key", "ann", 1, everything, SECRET),
            "eve-key": ApiKey("eve-key", "eve", 2, frozenset({"read"}), SECRET),
        }

    async def lookup(self, key: str) -> ApiKey | None:
        return self.keys.get(key)


def make_app(channel: grpc.aio.Channel, guard: ReplayGuard | None = None) -> FastAPI:
    upstream = Upstream.over(exchange=channel, bots=channel, market_data=channel, history=channel)
    keys, account_ids, books = Keys(), AccountIds(upstream), Books(upstream)
    binance = Parts.over(upstream, account_ids, books, keys, TABLE, SystemClock())
    return create_app(
        Gateway(
            upstream=upstream,
            account_ids=account_ids,
            authenticator=Authenticator(keys, guard or ReplayGuard(None), TABLE),
            readiness=Readiness(channel),
            market_hub=MarketHub(upstream, books),
            bot_feeds=BotFeeds(upstream),
            books=books,
            binance=binance,
            stream_feeds=StreamFeeds(binance),
        )
    )


@dataclass
class Client:
    """Signs every request as one API key's holder; remembers the last timestamp it used."""

    http: httpx.AsyncClient
    key: str = "ann-key"
    secret: str = SECRET
    _last_ms: int = 0

    def timestamp_ms(self) -> int:
        """Now, and never twice: equal requests in one millisecond would have equal signatures."""
        self._last_ms = max(self._last_ms + 1, time.time_ns() // 1_000_000)
        return self._last_ms

    async def request(
        self,
        method: str,
        target: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        timestamp_ms: int | None = None,
        recv_window_ms: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        request = self.http.build_request(method, target, json=json, content=content)
        if content is not None:
            request.headers["content-type"] = "application/json"
        body = await request.aread()
        path = request.url.raw_path.decode()
        request.headers.update(
            signed_headers(
                self.key,
                self.secret,
                f"{method} {path}",
                body,
                timestamp_ms=self.timestamp_ms() if timestamp_ms is None else timestamp_ms,
                recv_window_ms=recv_window_ms,
            )
        )
        request.headers.update(headers or {})
        return await self.http.send(request)
