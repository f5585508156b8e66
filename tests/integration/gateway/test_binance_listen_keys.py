"""Listen keys in a real Redis: one for a user at every replica, for an hour, for nobody else."""

from collections.abc import AsyncIterator

import httpx
import pytest
import redis.asyncio as aioredis
from tests.support.binance_raw import HMAC_KEY, ask
from tests.support.gateway_client import make_app
from tests.support.gateway_server import listening
from tests.support.gateway_upstreams import serving
from tests.support.redis import PASSWORD, RedisServer
from websockets.asyncio.client import connect

from tigerex_services.gateway.binance.errors import BinanceError
from tigerex_services.gateway.binance.listen_keys import PREFIX, VALID_MS, ListenKeys

pytestmark = pytest.mark.integration

PATH = "/api/v3/userDataStream"


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[aioredis.Redis]:
    client = aioredis.Redis(port=redis_server.port, password=PASSWORD, socket_timeout=1)
    yield client
    await client.aclose()


@pytest.fixture
async def replicas(redis: aioredis.Redis) -> AsyncIterator[tuple[str, str]]:
    """Two gateways with one Redis: "host:port" of each."""
    async with (
        serving() as (_, channel),
        listening(make_app(channel, redis=redis)) as first,
        listening(make_app(channel, redis=redis)) as second,
    ):
        yield first, second


async def send(
    method: str, address: str, listen_key: str = "", key: str = HMAC_KEY
) -> httpx.Response:
    query = {"listenKey": listen_key} if listen_key else {}
    async with httpx.AsyncClient(base_url=f"http://{address}") as http:
        return await http.request(method, PATH, params=query, headers={"X-MBX-APIKEY": key})


async def test_a_user_has_one_at_every_replica(
    replicas: tuple[str, str], redis: aioredis.Redis
) -> None:
    first, second = replicas
    made = (await send("POST", first)).json()["listenKey"]
    assert (await send("POST", second)).json() == {"listenKey": made}
    assert (await send("POST", second, key="ann-ed25519")).json() == {"listenKey": made}
    other = (await send("POST", first, key="eve-key")).json()["listenKey"]
    assert other != made
    assert await ListenKeys(redis).user_of(made) == "ann"
    assert len(await redis.keys(f"{PREFIX}:*")) == 4
    async with connect(f"ws://{second}/ws-api/v3") as socket:
        start = await ask(socket, "userDataStream.start", {"apiKey": HMAC_KEY})
        assert start["result"] == {"listenKey": made}


async def test_it_is_valid_for_an_hour_from_its_last_use(
    replicas: tuple[str, str], redis: aioredis.Redis
) -> None:
    first, second = replicas
    made = (await send("POST", first)).json()["listenKey"]
    for name in await redis.keys(f"{PREFIX}:*"):
        assert 0 < await redis.pttl(name) <= VALID_MS
        await redis.pexpire(name, 60_000)
    assert (await send("PUT", second, made)).json() == {}
    assert all([await redis.pttl(n) > 60_000 for n in await redis.keys(f"{PREFIX}:*")])
    assert (await send("DELETE", first, made)).json() == {}
    assert await redis.keys(f"{PREFIX}:*") == []
    assert (await send("PUT", second, made)).json()["code"] == -1125
    with pytest.raises(BinanceError):
        await ListenKeys(redis).user_of(made)
    assert (await send("POST", first)).json()["listenKey"] != made


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_somebody_elses_and_none_are_refused_alike(
    replicas: tuple[str, str], redis: aioredis.Redis, method: str
) -> None:
    address = replicas[0]
    made = (await send("POST", address)).json()["listenKey"]
    for listen_key, key in ((made, "eve-key"), ("0" * 64, HMAC_KEY), ("x" * 5_000, HMAC_KEY)):
        answer = await send(method, address, listen_key, key)
        assert answer.status_code == 400
        assert answer.json() == {"code": -1125, "msg": "This listenKey does not exist."}
    assert (await send(method, address)).json()["code"] == -1102
    assert (await send(method, address, made, "nobody")).json()["code"] == -2015
    assert await ListenKeys(redis).user_of(made) == "ann"


async def test_without_redis_there_are_none(
    replicas: tuple[str, str], redis_server: RedisServer
) -> None:
    redis_server.kill()
    answer = await send("POST", replicas[0])
    assert (answer.status_code, answer.json()["code"]) == (503, -1001)
    assert int(answer.headers["Retry-After"]) >= 1
