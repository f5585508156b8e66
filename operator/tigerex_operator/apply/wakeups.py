"""Who has to look again, and when: the level-based loop that every resource runs in."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable

OwnerKey = tuple[str, str, str]

RECONCILES_AT_ONCE_MAX = 32
RECONCILE_SECONDS_MAX = 120.0
BACKOFF_SECONDS_FIRST = 1.0
BACKOFF_SECONDS_MAX = 60.0
# Even with no event, everything is looked at this often: a missed event costs time, not truth.
RESYNC_SECONDS = 300.0


class Wakeups:
    """One alarm a resource. Waking what is awake already is remembered, not queued twice."""

    def __init__(self) -> None:
        self._alarms: dict[OwnerKey, asyncio.Event] = {}

    def alarm(self, key: OwnerKey) -> asyncio.Event:
        """The alarm of a resource."""
        return self._alarms.setdefault(key, asyncio.Event())

    def wake(self, keys: Iterable[OwnerKey]) -> None:
        """Lets the resources look again; those without a loop are none of ours to wake."""
        for key in keys:
            if (alarm := self._alarms.get(key)) is not None:
                alarm.set()

    def forget(self, key: OwnerKey) -> None:
        """The resource is gone."""
        self._alarms.pop(key, None)


def backoff_seconds(failures: int) -> float:
    """Delay after the nth failure in a row: doubling, bounded, with jitter of a half."""
    ceiling = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_FIRST * 2.0 ** min(failures, 30))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, protects nothing


async def keep_reconciled(
    alarm: asyncio.Event,
    going: Callable[[], bool],
    reconcile: Callable[[], Awaitable[float | None]],
    failed: Callable[[Exception, float], Awaitable[None]],
    slots: asyncio.Semaphore,
) -> None:
    """Looks at once, on every alarm, when the last look asked for it, and at every resync.

    Args:
        alarm: set by whoever knows of a change.
        going: whether the loop shall go on.
        reconcile: one look; returns the seconds until the next, None for the resync's.
        failed: told of an error and of the delay after it. Errors never end the loop.
        slots: bounds how many resources are looked at at a time.
    """
    failures = 0
    while going():
        alarm.clear()
        try:
            async with slots, asyncio.timeout(RECONCILE_SECONDS_MAX):
                asked = await reconcile()
            failures = 0
            delay = RESYNC_SECONDS * random.uniform(0.9, 1.1) if asked is None else asked  # noqa: S311
        except Exception as error:  # noqa: BLE001 - a resource never loses its loop
            delay = backoff_seconds(failures)
            failures += 1
            await failed(error, delay)
        try:
            async with asyncio.timeout(delay):
                await alarm.wait()
        except TimeoutError:
            continue
