"""The same commands give the same bytes: in every process, compiled or not, today and next year."""

from hashlib import sha256

import pytest
from tests.support.core_random import commands
from tests.support.core_rows import TINY, exchange, rows_of

from tigerex_core import KERNEL_VERSION, Core

pytestmark = pytest.mark.unit

# Other events need another KERNEL_VERSION: a journal is replayed by the version that wrote it.
PINNED_VERSION = 2
PINNED_EVENTS = "d8c7a635e0ed86a62d36e3839331ea6add76f4ca5dd4b6e52efd39b01703361f"
PINNED_STATE = "ffbfd29a2695b7261c48ffd95cc790ad26977af9603eec2c0643db017da95054"


def test_events_and_state_are_those_of_this_kernel_version() -> None:
    core = Core(TINY)
    events = sha256(core.apply(exchange(money=20_000), 1).tobytes())
    for seed in range(5):
        events.update(core.apply(rows_of(commands(seed, 200)), seed + 2).tobytes())
    assert KERNEL_VERSION == PINNED_VERSION
    assert events.hexdigest() == PINNED_EVENTS
    assert core.digest().hex() == PINNED_STATE
