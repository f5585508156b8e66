"""Tells the reader what is going on and for how long, on a terminal and in a log alike."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tigerex_local.errors import LocalError

HEARTBEAT_S = 15.0
POLL_S = 0.25


def say(text: str) -> None:
    print(text, flush=True)


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 07 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class Step:
    """A step under way; `detail` may be set to what it is doing right now."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.started = time.monotonic()

    def line(self) -> str:
        detail = f": {self.detail}" if self.detail else ""
        return f"    {self.title}{detail} ({duration(time.monotonic() - self.started)})"


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Announces a step, repeats every 15 s that it still runs, and says how long it took."""
    current = Step(title)
    over = threading.Event()

    def heartbeat() -> None:
        while not over.wait(HEARTBEAT_S):
            say(current.line() + " …")

    beat = threading.Thread(target=heartbeat, daemon=True)
    say(f"--> {title}")
    beat.start()
    try:
        yield current
    finally:
        over.set()
        beat.join()
    taken = time.monotonic() - current.started
    if taken >= 1:
        say(f"    done in {duration(taken)}")


def wait_until(
    what: str,
    condition: Callable[[], bool],
    *,
    timeout_s: float,
    poll_s: float = POLL_S,
    alive: Callable[[], None] | None = None,
) -> None:
    """Waits for `condition`; `alive` may raise to end the wait early. Raises LocalError after
    `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if alive is not None:
            alive()
        if time.monotonic() > deadline:
            raise LocalError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(poll_s)


def warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
