"""The compiled core and the plain reference give the same events and balances, command by
command."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.core_crowds import Crowds
from tests.support.core_pair import CorePair
from tests.support.core_random import SMALL, commands, start
from tests.support.core_rows import ADA, BOB, Row, cancel, exchange, limit, rows_of

from tigerex_core import Capacity, Core
from tigerex_core.records import (
    COMMAND_WIDTH,
    Command,
    CommandKind,
    Event,
    EventKind,
    Reason,
    Rows,
    Side,
)

pytestmark = pytest.mark.unit

EXAMPLES = 100
COMMANDS_MAX = 200
SEEDS = 60
CROWD_SEEDS, CROWD_BATCHES = 4, 40
CROWD_MONEY = 2**40

# Any numbers in any columns of a command that exists, most of them small.
NUMBER = st.one_of(
    st.integers(0, 8),
    st.sampled_from([0, 0, 0, 100, 2**31, 2**62 - 1, 2**62, 2**63 - 1, -(2**63)]),
    st.integers(-(2**63), 2**63 - 1),
)
GARBAGE = st.builds(
    lambda kind, rest: [kind, *rest],
    st.sampled_from(list(CommandKind)),
    st.lists(NUMBER, min_size=COMMAND_WIDTH - 1, max_size=COMMAND_WIDTH - 1),
)
COMMANDS = st.builds(commands, st.integers(0, 2**32), st.integers(1, COMMANDS_MAX))


@settings(max_examples=EXAMPLES, deadline=None)
@given(COMMANDS, st.integers(1, 40))
def test_events_and_state_are_those_of_the_reference(sequence: list[Row], size: int) -> None:
    pair = CorePair(start())
    rows = rows_of(sequence)
    for first in range(0, len(rows), size):
        pair.apply(rows[first : first + size])


def test_random_commands_reach_every_event_and_every_reason() -> None:
    """What the comparison is worth: seeds that are always run, and what they cover."""
    kinds: set[int] = set()
    reasons: set[int] = set()
    for seed in range(SEEDS):
        pair = CorePair(start())
        rows = rows_of(commands(seed, COMMANDS_MAX))
        for half in (rows[: COMMANDS_MAX // 2], rows[COMMANDS_MAX // 2 :]):
            for event in pair.apply(half):
                kinds.add(event[Event.KIND])
                reasons.add(event[Event.REASON])
    assert {kind.name for kind in EventKind} - {EventKind(kind).name for kind in kinds} == set()
    assert {one.name for one in Reason} - {Reason(one).name for one in reasons} == set()


@pytest.mark.parametrize("seed", range(CROWD_SEEDS))
def test_crowds_meet_the_bounds_of_a_command(seed: int) -> None:
    pair, crowds = CorePair(start(CROWD_MONEY), Capacity.small()), Crowds(seed)
    for _ in range(CROWD_BATCHES):
        pair.send(*crowds.batch())


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(GARBAGE, min_size=1, max_size=30))
def test_garbage_is_answered_alike(rows: list[Row]) -> None:
    CorePair(start()).send(*rows)


def in_batches(rows: Rows, cuts: list[int]) -> tuple[Core, Rows]:
    """A core that applied the rows cut at these places, and its events but for their place in a
    batch."""
    core = Core(SMALL)
    core.apply(rows_of(start()), 1)
    parts = [core.apply(rows[first:end], 2) for first, end in pairwise([0, *cuts, len(rows)])]
    events = np.concatenate(parts)
    events[:, Event.COMMAND] = 0
    return core, events


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(COMMANDS, st.lists(st.integers(0, COMMANDS_MAX), max_size=8))
def test_batches_do_not_matter(sequence: list[Row], cuts: list[int]) -> None:
    rows = rows_of(sequence)
    one, events_of_one = in_batches(rows, [])
    many, events_of_many = in_batches(rows, sorted(min(cut, len(rows)) for cut in cuts))
    assert events_of_one.tolist() == events_of_many.tolist()
    assert one.digest() == many.digest()


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(st.builds(commands, st.integers(0, 2**32), st.integers(1, SMALL.window)))
def test_duplicates_change_nothing(sequence: list[Row]) -> None:
    rows = rows_of(sequence)
    rows[:, Command.REQUEST_HI] = 1 + np.arange(len(rows))
    core = Core(SMALL)
    core.apply(rows_of(start()), 1)
    core.apply(rows, 2)
    before = core.digest()
    assert not core.pending
    again = core.apply(rows, 3)
    assert set(again[:, Event.KIND].tolist()) == {EventKind.DUPLICATE}
    assert set(again[:, Event.VALUE].tolist()) == {2}
    assert core.digest() == before


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(COMMANDS)
def test_a_rejected_command_changes_nothing(sequence: list[Row]) -> None:
    core = Core(SMALL)
    core.apply(rows_of(start()), 1)
    for row in sequence:
        row[Command.TIME_NS] = row[Command.REQUEST_HI] = row[Command.REQUEST_LO] = 0
        before = core.digest()
        events = core.apply(rows_of([row]), 2)
        if events[0, Event.KIND] == EventKind.REJECTED:
            assert len(events) == 1
            assert core.digest() == before


def test_prices_may_roam() -> None:
    """A wide book: hundreds of levels over forty bits of prices, thinned out and matched."""
    random = Random(7)
    pair = CorePair(exchange(money=2**60, price_max=2**40).tolist(), Capacity.small())
    for step in range(12):
        middle = 2 ** random.randint(8, 39)
        rows = [_near(random, middle) for _ in range(60)]
        rows += [cancel(random.choice([ADA, BOB]), random.randint(1, 60 * (step + 1)))] * 3
        pair.send(*rows)


def _near(random: Random, middle: int) -> Row:
    """An order mostly on its own side of the middle; a few cross."""
    side = random.choice(list(Side))
    away = random.randint(-2, max(2, middle // 3))
    price = middle - away if side is Side.BUY else middle + away
    return limit(random.choice([ADA, BOB]), side, price, random.randint(1, 9))
