"""Wires the gateway: channels to the services, what stands between, one HTTP server."""

import asyncio

import grpc.aio
import redis.asyncio as aioredis

from tigerex_platform.clock import SystemClock
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.redis_client import connect_redis
from tigerex_platform.settings import Settings
from tigerex_services.api_keys import remote_key_store
from tigerex_services.gateway.account_ids import AccountIds
from tigerex_services.gateway.app import create_app
from tigerex_services.gateway.auth import Authenticator
from tigerex_services.gateway.binance.calls import Parts
from tigerex_services.gateway.binance.streams.feeds import StreamFeeds
from tigerex_services.gateway.books import Books
from tigerex_services.gateway.context import Gateway
from tigerex_services.gateway.readiness import Readiness
from tigerex_services.gateway.replay import ReplayGuard
from tigerex_services.gateway.server import Server, make_server
from tigerex_services.gateway.upstream import Upstream
from tigerex_services.gateway.websocket.bots import BotFeeds
from tigerex_services.gateway.websocket.hub import MarketHub
from tigerex_services.permissions import TABLE

HEALTH_GRACE_S = 1.0


async def run(settings: Settings) -> None:
    """Serve until cancelled, then drain: no new requests, open ones get ten seconds."""
    addresses = ("exchange_address", "bots_address", "marketdata_address", "history_address")
    settings.require("redis_url", *addresses, "secret_key_file")
    async with (
        connect_redis(settings) as redis,
        channel(settings, settings.exchange_address) as exchange,
        channel(settings, settings.bots_address) as bots,
        channel(settings, settings.marketdata_address) as market_data,
        channel(settings, settings.history_address) as history,
    ):
        upstream = Upstream.over(
            exchange=exchange, bots=bots, market_data=market_data, history=history
        )
        gateway = build(settings, upstream, exchange, redis)
        server = make_server(create_app(gateway), settings.http_listen)
        await _serve(server, gateway, GrpcServer(settings, TABLE))


def build(
    settings: Settings, upstream: Upstream, exchange: grpc.aio.Channel, redis: aioredis.Redis
) -> Gateway:
    """The parts of a gateway over its connections."""
    account_ids = AccountIds(upstream)
    keys = remote_key_store(settings, exchange)
    books = Books(upstream)
    binance = Parts.over(upstream, account_ids, books, keys, TABLE, SystemClock())
    return Gateway(
        upstream=upstream,
        account_ids=account_ids,
        authenticator=Authenticator(keys, ReplayGuard(redis), TABLE),
        readiness=Readiness(exchange),
        market_hub=MarketHub(upstream, books),
        bot_feeds=BotFeeds(upstream),
        books=books,
        binance=binance,
        stream_feeds=StreamFeeds(binance),
    )


async def _serve(server: Server, gateway: Gateway, health: GrpcServer) -> None:
    """HTTP answers at once; health says SERVING when the exchange has answered."""
    await health.start(serving=False)
    http = asyncio.create_task(server.serve(), name="http")
    try:
        ready = asyncio.create_task(gateway.readiness.watch(), name="readiness")
        await asyncio.wait({http, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        await health.set_serving(gateway.readiness.ready)
        await asyncio.shield(http)
    finally:
        await asyncio.shield(_drain(server, gateway, health, http))


async def _drain(
    server: Server, gateway: Gateway, health: GrpcServer, http: "asyncio.Task[None]"
) -> None:
    gateway.readiness.drain()
    await health.set_serving(False)
    server.stop()
    await asyncio.wait({http})
    gateway.market_hub.close()
    gateway.bot_feeds.close()
    gateway.stream_feeds.close()
    gateway.books.close()
    await health.stop(HEALTH_GRACE_S)
