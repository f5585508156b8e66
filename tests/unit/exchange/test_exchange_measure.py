"""Outcomes are counted by kind, once a batch."""

import numpy as np
import pytest

from tigerex_core.records import (
    COMMAND_WIDTH,
    EVENT_WIDTH,
    Command,
    CommandKind,
    Event,
    EventKind,
)
from tigerex_services.exchange.host.measure import count_outcomes

pytestmark = pytest.mark.unit


def test_outcomes() -> None:
    commands = np.zeros((4, COMMAND_WIDTH), dtype=np.int64)
    commands[:, Command.KIND] = CommandKind.PLACE_ORDER
    commands[3, Command.KIND] = CommandKind.TICK
    events = np.zeros((5, EVENT_WIDTH), dtype=np.int64)
    events[:, Event.COMMAND] = [0, 0, 1, 2, 3]
    events[:, Event.KIND] = [
        EventKind.ORDER_ACCEPTED,
        EventKind.ORDER_RESTED,
        EventKind.REJECTED,
        EventKind.DUPLICATE,
        EventKind.TICKED,
    ]
    assert count_outcomes(commands, events) == {
        ("place_order", "accepted"): 1,
        ("place_order", "rejected"): 1,
        ("place_order", "duplicate"): 1,
        ("tick", "accepted"): 1,
    }


def test_a_kind_that_nobody_knows_is_counted_too() -> None:
    commands = np.full((1, COMMAND_WIDTH), -(2**63), dtype=np.int64)
    events = np.zeros((1, EVENT_WIDTH), dtype=np.int64)
    events[0, Event.KIND] = EventKind.REJECTED
    assert count_outcomes(commands, events) == {("unknown", "rejected"): 1}
