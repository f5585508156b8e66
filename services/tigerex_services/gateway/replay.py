"""A signature is accepted once, by whichever replica sees it first.

The platform's verifier remembers what its own process accepted. Replicas share that through Redis:
`SET NX PX`, the first writer wins, and the entry ends when no window can reach the timestamp any
more. While Redis is away, reads are judged by the process alone; calls that change something are
refused, because another replica may have seen them.
"""

import asyncio
import hashlib
import logging

import redis.asyncio as aioredis
from redis.exceptions import RedisError

from tigerex_platform.auth.hmac_signature import FUTURE_MS_MAX, RECV_WINDOW_MS_MAX
from tigerex_platform.errors import Unauthenticated, Unavailable

logger = logging.getLogger(__name__)

KEY_PREFIX = "tigerex:gateway:seen:"
CLOCK_SKEW_MS_MAX = 1_000  # between replicas
# The receive window is not signed: whatever a caller asked for, the widest one counts.
MEMORY_MS = RECV_WINDOW_MS_MAX + FUTURE_MS_MAX + CLOCK_SKEW_MS_MAX
RETRY_AFTER_S = 1.0
ANSWER_SECONDS_MAX = 0.5


class ReplayGuard:
    """Refuses a signature that any replica has accepted before."""

    def __init__(self, redis: "aioredis.Redis | None") -> None:
        """Without Redis the process stands alone, and its own memory is enough."""
        self._redis = redis

    async def accept(self, *, key: str, timestamp: str, signature: str, mutating: bool) -> None:
        """Remembers a verified signature.

        Raises Unauthenticated for one that was seen, Unavailable where that cannot be known.
        """
        if self._redis is None:
            return
        # Spelled as it is verified: a number, and hexadecimal digits of either case.
        identity = f"{key}\n{int(timestamp)}\n{signature.lower()}"
        name = KEY_PREFIX + hashlib.sha256(identity.encode()).hexdigest()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                first = await self._redis.set(name, b"", nx=True, px=MEMORY_MS)
        except (RedisError, OSError, TimeoutError) as error:
            if mutating:
                raise Unavailable(
                    "replay protection is away: nothing was changed; sign again and repeat",
                    retry_after_s=RETRY_AFTER_S,
                ) from error
            logger.warning("replay protection of this process only: %s", error)
            return
        if not first:
            raise Unauthenticated(
                "this signed request was received before; sign again with a new timestamp",
                code="REPLAYED_SIGNATURE",
                field="x-tigerex-signature",
            )
