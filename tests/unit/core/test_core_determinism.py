"""The same commands give the same bytes: in every process, compiled or not, today and next year."""

from hashlib import sha256

import pytest
from tests.support.core_random import commands
from tests.support.core_rows import TINY, exchange, rows_of

from tigerex_core import KERNEL_VERSION, Core

pytestmark = pytest.mark.unit

# Other events need another KERNEL_VERSION: a journal is replayed by the version that wrote it.
PINNED_VERSION = 1
PINNED_EVENTS = "3c6d5e58095f1d19d61ec9efb22ae7a1b4b7c992205a37593191c703bd993bdc"
PINNED_STATE = "be23950758a8478d100d56779cd36f6263f23bca1ab6e692a76cd023d5cda93f"


def test_events_and_state_are_those_of_this_kernel_version() -> None:
    core = Core(TINY)
    events = sha256(core.apply(exchange(money=20_000), 1).tobytes())
    for seed in range(5):
        events.update(core.apply(rows_of(commands(seed, 200)), seed + 2).tobytes())
    assert KERNEL_VERSION == PINNED_VERSION
    assert events.hexdigest() == PINNED_EVENTS
    assert core.digest().hex() == PINNED_STATE
