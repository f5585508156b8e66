"""Crash points: a test can ask the real process to die at one exact place.

`TIGEREX_CRASH_AT=before-commit:17` kills the process with SIGKILL just before entry 17 is written,
`after-commit:17` just after it is committed and before anybody hears of it. A process that is not
also told `TIGEREX_ALLOW_CRASH_POINTS=1` refuses to start with one.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Point = Literal["before-commit", "after-commit"]
CRASH_AT = "TIGEREX_CRASH_AT"
ALLOW = "TIGEREX_ALLOW_CRASH_POINTS"


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Where to die; seq 0 is nowhere."""

    point: Point = "before-commit"
    seq: int = 0

    def reached(self, point: Point, seq: int) -> None:
        """Does not return where this is the chosen point."""
        if seq == self.seq and point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)


def crash_point(environment: Mapping[str, str]) -> CrashPoint:
    """The crash point of the environment; raises ValueError for a wrong or a forbidden one."""
    text = environment.get(CRASH_AT, "")
    if not text:
        return CrashPoint()
    if environment.get(ALLOW) != "1":
        raise ValueError(f"{CRASH_AT} is set, which only a test may do, with {ALLOW}=1")
    point, _, seq = text.partition(":")
    if point not in get_args(Point) or not seq.isdecimal() or int(seq) < 1:
        raise ValueError(f"{CRASH_AT} is {text!r}; allowed: before-commit:SEQ or after-commit:SEQ")
    return CrashPoint("before-commit" if point == "before-commit" else "after-commit", int(seq))
