"""What the host measures, once a batch: counting commands one by one would cost as much as them."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tigerex_core.records import Command, CommandKind, Event, EventKind, Rows
from tigerex_platform.telemetry import metrics
from tigerex_services.directory import Directory

KERNEL, PROTOBUF, COMMIT = "kernel", "protobuf", "commit"
ACCEPTED, REJECTED, DUPLICATE = "accepted", "rejected", "duplicate"

# What the core does not know it refuses, so here it must have a name.
_KIND_NAMES = {int(kind): kind.name.lower() for kind in CommandKind}
_UNKNOWN_KIND = "unknown"


class Work:
    """Seconds spent in parts of the work, told to the metrics once a batch: adding is cheap."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def add(self, part: str, seconds: float) -> None:
        self._seconds[part] = self._seconds.get(part, 0.0) + seconds

    def report(self) -> None:
        for part, seconds in self._seconds.items():
            metrics.EXCHANGE_WORK_DURATION.add(seconds, {"part": part})
        self._seconds.clear()


@contextmanager
def translating() -> Iterator[None]:
    """Count what is done here as work between messages and rows."""
    started_s = time.perf_counter()
    yield
    metrics.EXCHANGE_WORK_DURATION.add(time.perf_counter() - started_s, {"part": PROTOBUF})


def measure_batch(seq: int, commands: Rows, events: Rows, directory: Directory) -> None:
    """Record a committed batch."""
    metrics.EXCHANGE_COMMITTED_SEQ.set(seq)
    metrics.EXCHANGE_BATCH_SIZE.record(len(commands))
    for (kind, outcome), count in count_outcomes(commands, events).items():
        metrics.EXCHANGE_COMMANDS.add(count, {"kind": kind, "outcome": outcome})
    traded = events[events[:, Event.KIND] == EventKind.TRADED, Event.MARKET]
    for market_id, count in Counter(traded.tolist()).items():
        symbol = directory.market_by_id(market_id).symbol
        metrics.EXCHANGE_TRADES.add(count, {"market": symbol})


def count_outcomes(commands: Rows, events: Rows) -> Counter[tuple[str, str]]:
    """How many commands of each kind had which outcome."""
    outcomes = np.full(len(commands), EventKind.TICKED, dtype=np.int64)  # stands for: accepted
    for kind in (EventKind.REJECTED, EventKind.DUPLICATE):
        outcomes[events[events[:, Event.KIND] == kind, Event.COMMAND]] = kind
    pairs, counts = np.unique(
        np.stack([commands[:, Command.KIND], outcomes]), axis=1, return_counts=True
    )
    found: Counter[tuple[str, str]] = Counter()
    for (kind, outcome), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
        found[_kind_name(kind), _outcome_name(outcome)] += count
    return found


def _kind_name(kind: int) -> str:
    return _KIND_NAMES.get(kind, _UNKNOWN_KIND)


def _outcome_name(outcome: int) -> str:
    names = {int(EventKind.REJECTED): REJECTED, int(EventKind.DUPLICATE): DUPLICATE}
    return names.get(outcome, ACCEPTED)
