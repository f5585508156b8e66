"""The connection to Redis, with bounds on every wait."""

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from tigerex_platform.settings import Settings

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 15.0  # longer than any blocking read asks for
RETRIES_MAX = 2
RETRY_MAX_S = 0.5
CONNECTIONS_MAX = 32
HEALTH_CHECK_INTERVAL_S = 10


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
        socket_timeout=ANSWER_TIMEOUT_S,
        socket_keepalive=True,
        health_check_interval=HEALTH_CHECK_INTERVAL_S,
        max_connections=CONNECTIONS_MAX,
        retry=Retry(ExponentialBackoff(cap=RETRY_MAX_S, base=0.02), RETRIES_MAX),
        client_name=f"tigerex-{settings.service}" if settings.service else None,
    )
