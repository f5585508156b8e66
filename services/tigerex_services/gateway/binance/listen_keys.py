"""Listen keys: names of a user's stream that are valid for an hour from their last use.

Kept in Redis, for every replica: a user has one at most, and those that nobody renews vanish. When
Redis is wiped, so are they, and clients make new ones.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio as aioredis
from redis.exceptions import RedisError

from tigerex_platform.errors import Unavailable
from tigerex_services.gateway.binance.errors import refuse

VALID_MS = 60 * 60 * 1_000
KEY_BYTES = 32
KEY_CHARS_MAX = 128
ANSWER_SECONDS_MAX = 0.5
RETRY_AFTER_S = 1.0
PREFIX = "tigerex:gateway:listen"


class ListenKeys:
    """All methods raise Unavailable while Redis is away."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self._redis = redis

    async def open(self, user: str) -> str:
        """The user's key, valid for an hour from now: the one there is, else a new one."""
        async with _bounded():
            made = secrets.token_hex(KEY_BYTES)
            found = await self._redis.set(_of(user), made, px=VALID_MS, nx=True, get=True)
            key = found.decode() if isinstance(found, bytes) else made
            await self._renew(user, key)
        return key

    async def renew(self, user: str, key: str) -> None:
        """Valid for an hour from now; raises BinanceError for a key that is not the user's."""
        await self._check(user, key)
        async with _bounded():
            await self._renew(user, key)

    async def close(self, user: str, key: str) -> None:
        """Not valid any more; raises BinanceError for a key that is not the user's."""
        await self._check(user, key)
        async with _bounded():
            await self._redis.delete(_of(user), _owner(key))

    async def user_of(self, key: str) -> str:
        """Whose stream the key names; raises BinanceError for one that is not valid."""
        if len(key) > KEY_CHARS_MAX:
            raise refuse(-1125)
        async with _bounded():
            user = await self._redis.get(_owner(key))
        if not isinstance(user, bytes):
            raise refuse(-1125)
        return user.decode()

    async def _check(self, user: str, key: str) -> None:
        if await self.user_of(key) != user:
            raise refuse(-1125)

    async def _renew(self, user: str, key: str) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(_of(user), key, px=VALID_MS)
            pipeline.set(_owner(key), user, px=VALID_MS)
            await pipeline.execute()


def _of(user: str) -> str:
    return f"{PREFIX}:of:{user}"


def _owner(key: str) -> str:
    return f"{PREFIX}:owner:{key}"


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable("listen keys are away", retry_after_s=RETRY_AFTER_S) from error
