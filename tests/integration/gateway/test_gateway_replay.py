"""Replicas share what was accepted through a real Redis, and fail closed where it matters."""

from collections.abc import AsyncIterator

import httpx
import pytest
import redis.asyncio as aioredis
from tests.support.gateway_client import Client, make_app
from tests.support.gateway_upstreams import Upstreams, serving
from tests.support.redis import PASSWORD, RedisServer

from tigerex_services.gateway.replay import KEY_PREFIX, MEMORY_MS, ReplayGuard

pytestmark = pytest.mark.integration

ORDER = {"market": "btc-usdt", "side": "buy", "price": "60000.00", "quantity": "0.001"}


@pytest.fixture
async def replicas(
    redis_server: RedisServer,
) -> AsyncIterator[tuple[Upstreams, Client, Client]]:
    """Two gateways with one Redis, and a client of each."""
    connections = [
        aioredis.Redis(port=redis_server.port, password=PASSWORD, socket_timeout=1)
        for _ in range(2)
    ]
    async with serving() as (upstreams, channel):
        clients = [
            Client(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(make_app(channel, ReplayGuard(redis))),
                    base_url="http://gateway",
                )
            )
            for redis in connections
        ]
        yield upstreams, clients[0], clients[1]
        for client, redis in zip(clients, connections, strict=True):
            await client.http.aclose()
            await redis.aclose()


async def test_what_one_replica_accepted_the_other_refuses(
    replicas: tuple[Upstreams, Client, Client], redis_server: RedisServer
) -> None:
    upstreams, first, second = replicas
    stamp = first.timestamp_ms()
    placed = await first.request("POST", "/api/v1/orders", json=ORDER, timestamp_ms=stamp)
    assert placed.status_code == 201, placed.text
    replayed = await second.request("POST", "/api/v1/orders", json=ORDER, timestamp_ms=stamp)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "REPLAYED_SIGNATURE")
    loud = {"x-tigerex-signature": placed.request.headers["x-tigerex-signature"].upper()}
    spelled = await second.request(
        "POST", "/api/v1/orders", json=ORDER, timestamp_ms=stamp, headers=loud
    )
    assert spelled.status_code == 401
    assert len(upstreams.called("PlaceOrder")) == 1
    with redis_server.client() as client:
        (name,) = client.keys(f"{KEY_PREFIX}*")
        assert 0 < client.pttl(name) <= MEMORY_MS


async def test_without_redis_reads_go_on_and_changes_are_refused(
    replicas: tuple[Upstreams, Client, Client], redis_server: RedisServer
) -> None:
    upstreams, client, _ = replicas
    redis_server.kill()
    assert (await client.request("GET", "/api/v1/orders")).status_code == 200
    refused = await client.request("POST", "/api/v1/orders", json=ORDER)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert not upstreams.called("PlaceOrder")
    stamp = client.timestamp_ms()
    await client.request("GET", "/api/v1/orders", timestamp_ms=stamp)
    replayed = await client.request("GET", "/api/v1/orders", timestamp_ms=stamp)
    assert replayed.status_code == 401
    redis_server.start()
    for _ in range(10):  # half a second may not do to connect again
        again = await client.request("POST", "/api/v1/orders", json=ORDER)
        if again.status_code != 503:
            break
    assert again.status_code == 201


async def test_a_wiped_redis_does_not_reopen_what_this_replica_answered(
    replicas: tuple[Upstreams, Client, Client], redis_server: RedisServer
) -> None:
    upstreams, client, _ = replicas
    stamp = client.timestamp_ms()
    await client.request("POST", "/api/v1/orders", json=ORDER, timestamp_ms=stamp)
    redis_server.wipe()
    again = await client.request("POST", "/api/v1/orders", json=ORDER, timestamp_ms=stamp)
    assert again.status_code == 401
    assert len(upstreams.called("PlaceOrder")) == 1
