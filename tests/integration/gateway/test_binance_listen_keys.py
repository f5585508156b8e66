"""Listen keys in a real Redis: one for a user at every replica, for an hour, for nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import redis.asyncio as aioredis
from tests.support.binance_raw import HMAC_KEY, ask
from tests.support.gateway_client import make_app
from tests.support.gateway_server import listening
from tests.support.gateway_upstreams import order, serving
from tests.support.redis import PASSWORD, RedisServer
from tigerex.history.v1 import history_pb2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tigerex_platform.errors import Unavailable
from tigerex_services.gateway.binance.errors import BinanceError
from tigerex_services.gateway.binance.listen_keys import PREFIX, VALID_MS, ListenKeys
from tigerex_services.gateway.binance.streams import users
from tigerex_services.gateway.binance.user_feeds import UserSink

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

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


async def soon(awaitable: Any) -> Any:
    async with asyncio.timeout(10):
        return await awaitable


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


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


async def test_a_key_names_a_stream(redis: aioredis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "KEY_CHECK_S", 0.05)
    async with serving() as (upstreams, channel), AsyncExitStack() as exits:
        app = make_app(channel, redis=redis)
        feeds = app.state.gateway.binance.user_feeds._feeds
        address = await exits.enter_async_context(listening(app))
        made = (await send("POST", address)).json()["listenKey"]
        paths = ((f"/ws/{made}", None), (f"/stream?streams={made}", made))
        for number, (path, name) in enumerate(paths):
            async with connect(f"ws://{address}{path}") as socket:
                await until(lambda: any(feed.sinks for feed in feeds.values()))
                upstreams.follows[number].tell(update())
                event = json.loads(await soon(socket.recv()))
                if name is not None:
                    assert event["stream"] == name
                    event = event["data"]
                assert (event["e"], event["i"]) == ("executionReport", 7)
            await until(lambda: not upstreams.follows[number].open)  # noqa: B023
        async with connect(f"ws://{address}/ws") as socket:
            await socket.send(json.dumps({"method": "SUBSCRIBE", "params": [made], "id": 1}))
            assert json.loads(await soon(socket.recv())) == {"result": None, "id": 1}
            await send("DELETE", address, made)
            expired = json.loads(await soon(socket.recv()))
            assert (expired["e"], expired["listenKey"]) == ("listenKeyExpired", made)
            await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}))
            assert json.loads(await soon(socket.recv())) == {"result": [], "id": 2}
        for wrong in (made, "a" * 64):
            async with connect(f"ws://{address}/ws/{wrong}") as socket:
                with pytest.raises(ConnectionClosed, match="-1125"):
                    await soon(socket.recv())


async def test_one_that_ends_while_another_is_opened_may_be_subscribed_again(
    redis: aioredis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as (upstreams, channel), AsyncExitStack() as exits:
        app = make_app(channel, redis=redis)
        feeds = app.state.gateway.binance.user_feeds
        attach, eve_may_listen = feeds.attach, asyncio.Event()

        async def late(user: str, account_id: int, sink: UserSink) -> None:
            if user == "eve":
                await eve_may_listen.wait()
            await attach(user, account_id, sink)

        monkeypatch.setattr(feeds, "attach", late)
        address = await exits.enter_async_context(listening(app))
        ann, eve = [
            (await send("POST", address, key=key)).json()["listenKey"]
            for key in (HMAC_KEY, "eve-key")
        ]
        async with connect(f"ws://{address}/ws") as socket:
            asked = {"method": "SUBSCRIBE", "params": [ann, eve], "id": 1}
            await socket.send(json.dumps(asked))
            await until(lambda: len(upstreams.follows) == 1)
            upstreams.follows[0].end(Unavailable())
            assert json.loads(await soon(socket.recv()))["e"] == "eventStreamTerminated"
            eve_may_listen.set()
            assert json.loads(await soon(socket.recv())) == {"result": None, "id": 1}
            await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}))
            assert json.loads(await soon(socket.recv())) == {"result": [eve], "id": 2}


def update() -> history_pb2.AccountUpdate:
    change = history_pb2.OrderChange(execution=history_pb2.EXECUTION_NEW, order=order())
    return history_pb2.AccountUpdate(account_id=5, seq=11, time_ns=1, order=change)


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
