"""Any int64 in any column is answered, never raised on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.core_rows import TINY, exchange

from tigerex_core import Core
from tigerex_core.records import COMMAND_WIDTH, Command, Event

pytestmark = pytest.mark.unit

INT64 = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-2, 20),
    st.sampled_from([2**63 - 1, -(2**63), 2**62, 2**62 - 1, 2**31]),
)
ROWS = st.lists(
    st.lists(INT64, min_size=COMMAND_WIDTH, max_size=COMMAND_WIDTH), min_size=1, max_size=20
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.lists(st.integers(1, 15), min_size=20, max_size=20))
def test_every_command_gets_an_event(rows: list[list[int]], kinds: list[int]) -> None:
    core = Core(TINY)
    core.apply(exchange(), 1)
    commands = np.array(rows, np.int64)
    half = len(rows) // 2  # one half with kinds that exist
    commands[half:, Command.KIND] = kinds[: len(rows) - half]
    events = core.apply(commands, 2)
    assert set(events[:, Event.COMMAND].tolist()) == set(range(len(rows)))
    assert core.check() == []


@pytest.mark.parametrize("shape", [(3,), (2, COMMAND_WIDTH - 1), (1, 1, COMMAND_WIDTH)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="int64 of shape"):
        Core(TINY).apply(np.zeros(shape, np.int64), 1)


def test_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        Core(TINY).apply(np.zeros((1, COMMAND_WIDTH)), 1)  # type: ignore[arg-type]


def test_read_only_and_strided_rows_are_taken() -> None:
    rows = np.zeros((4, COMMAND_WIDTH), np.int64)
    rows[:, Command.KIND] = 1
    rows.flags.writeable = False
    assert len(Core(TINY).apply(rows[::2], 1)) == 2


def test_no_commands_give_no_events() -> None:
    assert len(Core(TINY).apply(np.zeros((0, COMMAND_WIDTH), np.int64), 1)) == 0
