"""Proves the journal from its first entry, archived ones included: chain, replay, money, holds.

It executes the stored commands in a core of its own and compares. Entries of older kernel versions
cannot be executed: their stored events are folded, and the execution begins with the snapshot that
was taken at their end. Each snapshot that it passes must be what the replay gives.
"""

from collections.abc import Iterable
from typing import Protocol

from tigerex_core import KERNEL_VERSION, Core
from tigerex_core.order_life import IllegalTransitionError
from tigerex_core.snapshot import SnapshotError
from tigerex_services.exchange.entry import (
    FIRST_SEQ,
    BrokenChainError,
    Head,
    JournalEntry,
    check_link,
)
from tigerex_services.exchange.host import snapshots
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.replay import Replay, ReplayError
from tigerex_services.exchange.service.verify_report import Check, Report
from tigerex_services.exchange.service.verify_state import (
    PendingTransfers,
    hold_check,
    state_check,
    sum_check,
)
from tigerex_services.exchange.storage.archive import ArchiveError
from tigerex_services.exchange.storage.snapshots import SnapshotHead
from tigerex_services.stream import rows_of

_FAULTS = (BrokenChainError, ReplayError, SnapshotError, IllegalTransitionError, ArchiveError)


class Snapshots(Protocol):
    """The snapshots that are kept; see `SnapshotStore`."""

    def heads(self) -> list[SnapshotHead]: ...
    def load(self, head: SnapshotHead) -> bytes: ...


class NoSnapshots:
    """Where there are none."""

    def heads(self) -> list[SnapshotHead]:
        return []

    def load(self, head: SnapshotHead) -> bytes:
        raise SnapshotError(f"there is no snapshot of entry {head.seq}")


class _Walk:
    """One way through all entries."""

    def __init__(self, core: Core, store: Snapshots) -> None:
        self._core = core
        self._store = store
        self._heads = {head.seq: head for head in reversed(store.heads())}
        self._folded = Committed()  # of events that are not executed
        self.head = Head()
        self.replay: Replay | None = None
        self.begun_with = 0  # seq of the snapshot with which the execution began
        self.folded = 0
        self.compared: list[int] = []
        self.pending = PendingTransfers()

    def take(self, entry: JournalEntry) -> None:
        if self.replay is None and entry.kernel_version == KERNEL_VERSION:
            self._begin(entry)
        if self.replay is not None:
            self.replay.advance([entry])
            self.head = self.replay.head
        else:
            self.head = check_link(self.head, entry)
            events = rows_of(entry.events, entry.kernel_version)
            self._folded.apply(events, events.tolist())
            self.folded += 1
        self.pending.apply(rows_of(entry.events, entry.kernel_version))
        self._compare()

    def _begin(self, entry: JournalEntry) -> None:
        """From nothing, or with the snapshot of the entry before, where one is kept."""
        if entry.seq == FIRST_SEQ:
            self.replay = Replay(self._core, Committed())
        elif head := self._heads.get(self.head.seq):
            if (head.hash, head.time_ns) != (self.head.hash, self.head.time_ns):
                raise SnapshotError(f"the snapshot of entry {head.seq} is of another journal")
            self.replay = snapshots.unpack(head, self._store.load(head))
            self.begun_with = head.seq

    def _compare(self) -> None:
        head = self._heads.get(self.head.seq)
        if head is None or self.replay is None or head.kernel_version != KERNEL_VERSION:
            return
        expected, _ = snapshots.pack(self.replay)
        if head != expected:
            raise SnapshotError(f"the snapshot of entry {head.seq} is not what the replay gives")
        self.compared.append(head.seq)

    def report(self, failure: Exception | None) -> Report:
        checks = [self._chain_check(failure), self._replay_check(failure)]
        if failure is None:
            checks.append(self._snapshots_check())
        if failure is None and self.replay is not None:
            replay = self.replay
            checks += [
                sum_check(replay.core, replay.committed.directory),
                hold_check(replay, self.pending),
                state_check(replay.core),
            ]
        return Report(self.head.seq, tuple(checks))

    def _chain_check(self, failure: Exception | None) -> Check:
        if isinstance(failure, BrokenChainError | ArchiveError):
            return Check("hash chain", False, str(failure))
        head = self.head
        return Check("hash chain", True, f"{head.seq} entries, head {head.hash.hex()[:16]}")

    def _replay_check(self, failure: Exception | None) -> Check:
        name = "replay gives the stored events"
        if failure is not None:
            return Check(name, False, str(failure))
        if self.replay is None:
            passed = not self.folded
            return Check(name, passed, f"nothing executed, events of {self.folded} entries folded")
        detail = f"{self.replay.commands} commands gave {self.replay.events} events"
        if self.begun_with:
            detail += f" after the snapshot of entry {self.begun_with}"
        if self.folded:
            detail += f"; events of {self.folded} entries of older kernel versions folded"
        return Check(name, True, detail)

    def _snapshots_check(self) -> Check:
        name = "snapshots are of this journal"
        beyond = [seq for seq in self._heads if seq > self.head.seq]
        if beyond:
            return Check(name, False, f"the snapshot of entry {beyond[0]} is beyond the journal")
        told = ", ".join(map(str, self.compared)) or "none"
        return Check(name, True, f"{len(self._heads)} kept; equal to the replay: {told}")


def verify_journal(
    entries: Iterable[JournalEntry], core: Core, store: Snapshots | None = None
) -> Report:
    """Check every entry, oldest first, with an empty core."""
    walk = _Walk(core, store or NoSnapshots())
    failure: Exception | None = None
    try:
        for entry in entries:
            walk.take(entry)
    except _FAULTS as error:
        failure = error
    return walk.report(failure)
