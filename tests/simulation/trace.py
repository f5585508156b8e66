"""What happened, in short lines: the last ones are shown with a failure, all of them are hashed, so
that two runs of a seed can be compared."""

import logging
import re
from collections import Counter, deque
from collections.abc import Callable
from hashlib import sha256

LINES_SHOWN = 60

_VARYING = re.compile(r"\b[0-9a-f]{8}\b|-?\d+(\.\d+)?|host-[a-z]\.\d+")


class SimulationFailure(Exception):  # noqa: N818 - what the simulator is for
    """An invariant does not hold; `found` says which, without the trace."""

    def __init__(self, found: str, report: str = "") -> None:
        super().__init__(report or found)
        self.found = found


class Trace(logging.Handler):
    """Also a logging handler, so that what the code says about itself stands in its place."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__(logging.WARNING)
        self._now_s = now_s
        self._lines: deque[str] = deque(maxlen=LINES_SHOWN)
        self._digest = sha256()
        self.counts: Counter[str] = Counter()  # of lines, but for numbers and names
        self.step = 0
        self.ended = False  # what is said from now on is of no interest
        self.on_line: Callable[[str], None] | None = None

    def say(self, who: str, what: str) -> None:
        if self.ended:
            return
        line = f"step {self.step:6d} {self._now_s():11.5f} s  {who:<12} {what}"
        self._lines.append(line)
        self.counts[_VARYING.sub("#", what)] += 1
        self._digest.update(line.encode())
        if self.on_line is not None:
            self.on_line(line)

    def emit(self, record: logging.LogRecord) -> None:
        self.say("log", record.getMessage().splitlines()[0])

    def last(self) -> list[str]:
        return list(self._lines)

    def digest(self) -> str:
        """Of every line so far."""
        return self._digest.hexdigest()
