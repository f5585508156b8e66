"""The connection to Redis, with bounds on every wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import TimeoutError as RedisTimeoutError

from tigerex_platform.settings import Settings

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 15.0  # longer than any blocking read asks for
RETRIES_MAX = 2
RETRY_MAX_S = 0.5
CONNECTIONS_MAX = 32
HEALTH_CHECK_INTERVAL_S = 10


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            yield
    except TimeoutError as error:
        raise RedisTimeoutError(f"Redis took longer than {ANSWER_TIMEOUT_S:g} s") from error


class _Connection(redis.asyncio.Connection):
    """Bounds what is sent and received.

    The library's own `socket_timeout` sends by `asyncio.wait_for`, which until Python 3.12 loses a
    cancellation that comes together with the result: its caller would go on for ever.
    """

    async def send_packed_command(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        async with _bounded():
            await super().send_packed_command(*arguments, **options)

    async def read_response(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        async with _bounded():
            return await super().read_response(*arguments, **options)


def connect_redis(settings: Settings) -> redis.asyncio.Redis:
    """A client that connects on first use; `await client.aclose()` at the end.

    Raises ValueError for a missing URL, OSError for an unreadable password file.
    """
    settings.require("redis_url")
    password = None
    if settings.redis_password_file is not None:
        password = settings.secret("redis_password_file")
    return redis.asyncio.Redis.from_url(
        settings.redis_url,
        password=password,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        connection_class=_Connection,
        socket_timeout=None,
        socket_keepalive=True,
        health_check_interval=HEALTH_CHECK_INTERVAL_S,
        max_connections=CONNECTIONS_MAX,
        retry=Retry(ExponentialBackoff(cap=RETRY_MAX_S, base=0.02), RETRIES_MAX),
        client_name=f"tigerex-{settings.service}" if settings.service else None,
    )
