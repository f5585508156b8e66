"""How fast the machine is at the moment, by a loop that always does the same."""

import statistics
import time

import numba
import numpy as np

STEPS = 4_000_000
LOOPS = 5
DRIFT_MAX = 0.20


class NoisyError(Exception):
    """The machine was not equally fast throughout: what was measured says nothing."""


@numba.njit  # type: ignore[untyped-decorator]
def _loop(steps: int) -> int:
    value = np.int64(1)
    for _ in range(steps):
        value = (value ^ (value >> 29)) * 6364136223846793005
    return value


class Calibration:
    """Times of the loop between the runs."""

    def __init__(self) -> None:
        _loop(10)
        self._steps_ns: list[float] = []

    def take(self) -> float:
        """Nanoseconds of one step, three operations that wait for each other; the median of some
        loops. Raises NoisyError when the times so far drift by more than a fifth.
        """
        step_ns = statistics.median(self._once() for _ in range(LOOPS))
        self._steps_ns.append(step_ns)
        if self.drift > DRIFT_MAX:
            raise NoisyError(
                f"the calibration loop drifted by {self.drift:.0%}, from {min(self._steps_ns):.2f}"
                f" to {max(self._steps_ns):.2f} ns a step; at most {DRIFT_MAX:.0%} is accepted"
            )
        return step_ns

    @property
    def drift(self) -> float:
        """By how much the slowest time is above the fastest one."""
        return max(self._steps_ns) / min(self._steps_ns) - 1.0

    def _once(self) -> float:
        start = time.perf_counter()
        _loop(STEPS)
        return (time.perf_counter() - start) / STEPS * 1e9
