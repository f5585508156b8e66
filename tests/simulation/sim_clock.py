"""A machine's clock: apart from the others', and it jumps, back as well."""

import asyncio
from random import Random

from tests.simulation.loop import SimLoop

EPOCH_NS = 1_700_000_000_000_000_000
SKEW_S = 5.0


class SimClock:
    """Wall time with an error; monotonic time without."""

    def __init__(self, loop: SimLoop, random: Random) -> None:
        self._loop = loop
        self._random = random
        self._error_s = random.uniform(-SKEW_S, SKEW_S)

    def now_ns(self) -> int:
        return EPOCH_NS + round((self._loop.time() + self._error_s) * 1e9)

    def monotonic_s(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def jump(self) -> float:
        """Correct the clock, by so many seconds."""
        by_s = self._random.uniform(-2 * SKEW_S, 2 * SKEW_S)
        self._error_s += by_s
        return by_s
