"""The publisher in front of a real Redis: bounded, resuming, and never in the host's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio as aioredis
from tests.support.redis import RedisServer
from tests.support.tokens import TokenIssuer

from tigerex_platform.redis_client import connect_redis
from tigerex_services.exchange.entry import Head, JournalEntry, head_of, seal
from tigerex_services.exchange.host import publisher as module
from tigerex_services.exchange.host.publisher import Publisher
from tigerex_services.stream import STREAM_KEY, decode_entries

pytestmark = pytest.mark.integration


def entries(count: int) -> list[JournalEntry]:
    head, made = Head(), []
    for number in range(count):
        made.append(seal(head, 1, number + 1, b"", bytes(208 * 2)))
        head = head_of(made[-1])
    return made


@pytest.fixture
async def redis(redis_server: RedisServer, issuer: TokenIssuer) -> AsyncIterator[aioredis.Redis]:
    settings = issuer.settings(
        "exchange", redis_url=redis_server.url, redis_password_file=redis_server.password_file
    )
    async with connect_redis(settings) as client:
        yield client


@asynccontextmanager
async def running(publisher: Publisher, committed_seq: int = 0) -> AsyncIterator[None]:
    task = asyncio.create_task(publisher.run(committed_seq))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def seqs(redis: aioredis.Redis) -> list[int]:
    answer = await redis.xread({STREAM_KEY: "0-0"}, count=10_000)
    return [batch.seq for batch in decode_entries(answer)]


async def until_newest(redis: aioredis.Redis, seq: int) -> list[int]:
    for _ in range(200):
        found = await seqs(redis)
        if found and found[-1] == seq:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{seq} was not published, only {found[-3:]}")


async def test_publishing_twice_changes_nothing(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis)
    async with running(publisher):
        for entry in [*entries(5), *entries(5)]:
            publisher.publish(entry)
        assert await until_newest(redis, 5) == [1, 2, 3, 4, 5]


async def test_a_long_absence_costs_the_oldest_only(
    redis: aioredis.Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUFFER_ENTRIES_MAX", 10)
    publisher = Publisher(redis)
    async with running(publisher):
        redis_server.kill()
        for entry in entries(30):
            publisher.publish(entry)
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        redis_server.start()
        assert await until_newest(redis, 30) == list(range(21, 31))


async def test_a_stream_of_another_history_is_discarded(redis: aioredis.Redis) -> None:
    await redis.xadd(STREAM_KEY, {"t": "1", "v": "1", "e": b""}, id="900-0")
    publisher = Publisher(redis)
    async with running(publisher, committed_seq=2):
        for entry in entries(4)[2:]:
            publisher.publish(entry)
        assert await until_newest(redis, 4) == [3, 4]
