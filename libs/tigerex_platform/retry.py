"""Bounded retries with exponential backoff and full jitter.

Full jitter: the delay is uniform in [0, min(max, first * 2^n)], after M. Brooker, "Exponential
Backoff And Jitter", AWS Architecture Blog, 2015: callers that failed together do not come back
together.
"""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tigerex_platform.clock import Clock, SystemClock
from tigerex_platform.errors import TigerExError

T = TypeVar("T")


def is_retryable(error: Exception) -> bool:
    """True for our own errors that say so."""
    return isinstance(error, TigerExError) and error.retryable


def backoff_s(attempt: int, first_delay_s: float, max_delay_s: float) -> float:
    """The delay after the failed attempt number `attempt` (from 0), in seconds."""
    ceiling_s = min(max_delay_s, first_delay_s * 2.0 ** min(attempt, 60))
    return random.uniform(0.0, ceiling_s)  # noqa: S311 - spreads load, protects nothing


async def retry(
    call: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    first_delay_s: float,
    max_delay_s: float,
    retryable: Callable[[Exception], bool] = is_retryable,
    clock: Clock | None = None,
) -> T:
    """The result of the first of at most `attempts` calls that succeeds; otherwise the last one's
    error.

    An error that is not `retryable` is raised at once. Raises ValueError for fewer than one
    attempt.
    """
    if attempts < 1:
        raise ValueError(f"attempts is {attempts}; allowed: 1 or more")
    clock = clock or SystemClock()
    for attempt in range(attempts):
        try:
            return await call()
        except Exception as error:
            if attempt + 1 == attempts or not retryable(error):
                raise
        await clock.sleep(backoff_s(attempt, first_delay_s, max_delay_s))
    raise AssertionError("unreachable: the last attempt returns or raises")
