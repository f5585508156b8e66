"""One command at a time: two that start, stop or build the same things would trip over each
other.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tigerex_local.errors import LocalError
from tigerex_local.layout import Layout
from tigerex_local.progress import say

WAIT_S = 2400.0  # the longest that a whole cold `up` takes
POLL_S = 0.5


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Holds the lock of the cache; the kernel releases it however the process ends."""
    layout.cache.mkdir(parents=True, exist_ok=True)
    with (layout.cache / "lock").open("w") as file:
        deadline = time.monotonic() + WAIT_S
        waited = False
        while not _try_lock(file.fileno()):
            if not waited:
                say("--> Waiting for another command of tigerex_local to end")
                waited = True
            if time.monotonic() > deadline:
                raise LocalError(
                    f"another command holds {file.name} for {WAIT_S:.0f} s: end it first"
                )
            time.sleep(POLL_S)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
