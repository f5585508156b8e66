"""One timed run of a workload by the kernel that is imported. Needs nothing that an older kernel
does not have.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tigerex_core import Core
from tigerex_core.records import COMMAND_WIDTH, Command, Event, EventKind, Rows

BATCH = 256  # as the host sends them
CHUNK = 128 * BATCH  # rows that are made at once, outside of the measured time
NAME_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Run:
    """What a run took, and what came of its commands."""

    command_ns: float
    events: int
    rejected: int


def rows_of(columns: Mapping[str, Any], start: int = 0, end: int | None = None) -> Rows:
    """Command rows of this kernel's layout."""
    part = slice(start, end)
    rows = np.zeros((len(columns["KIND"][part]), COMMAND_WIDTH), np.int64)
    for name, values in columns.items():
        at = Command[name]
        if name == "NAME":
            rows[:, at : at + NAME_COLUMNS] = values[part]
        else:
            rows[:, at] = values[part]
    return rows


def run(setup: Mapping[str, Any], commands: Mapping[str, Any], batch: int = BATCH) -> Run:
    """Apply the commands in batches to a core of their own; only the kernel's calls are timed."""
    core = Core()
    core.apply(rows_of(setup), 1)
    number = len(commands["KIND"])
    events = rejected = seq = 0
    spent = 0.0
    for start in range(0, number, CHUNK):
        rows = rows_of(commands, start, start + CHUNK)
        for first in range(0, len(rows), batch):
            part, seq = rows[first : first + batch], seq + 1
            begin = time.perf_counter()
            happened = core.apply(part, seq + 1)
            spent += time.perf_counter() - begin
            events += len(happened)
            rejected += int((happened[:, Event.KIND] == EventKind.REJECTED).sum())
    broken = core.check()
    if broken:
        raise AssertionError(f"the core is not sound after the run: {broken[:3]}")
    return Run(spent / number * 1e9, events, rejected)
