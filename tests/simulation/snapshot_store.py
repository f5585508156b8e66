"""Snapshots as the hosts keep them, in memory: saved whole or not at all, sometimes damaged later.

Its calls are made in threads of a host. A host that is killed in the middle of one does no more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from tests.simulation.database import Database
from tests.simulation.loop import Process
from tests.simulation.plan import Plan
from tests.simulation.randoms import Randoms
from tests.simulation.trace import Trace

from tigerex_services.exchange.storage.snapshots import SnapshotHead

Saved = Callable[[SnapshotHead, bytes], None]


@dataclass(eq=False)
class SnapshotShelf:
    """What the database keeps; `saved` is told of each in the moment it happens."""

    database: Database
    randoms: Randoms
    plan: Plan
    trace: Trace
    saved: Saved
    kept: dict[int, tuple[SnapshotHead, bytes]] = field(default_factory=dict)
    damaged: set[int] = field(default_factory=set)

    def damage(self, head: SnapshotHead, data: bytes) -> bytes:
        """Lose some bytes, or change one."""
        random = self.randoms.snapshots
        self.damaged.add(head.seq)
        self.trace.say("snapshots", f"the one of entry {head.seq} is damaged")
        place = random.randrange(len(data))
        if random.random() < 0.5:
            return data[:place]
        return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]


class SimSnapshotStore:
    """As SnapshotStore, of one host."""

    def __init__(self, shelf: SnapshotShelf, process: Process) -> None:
        self._shelf = shelf
        self._process = process

    def heads(self) -> list[SnapshotHead]:
        self._reach()
        kept = self._shelf.kept
        return [kept[seq][0] for seq in sorted(kept, reverse=True)]

    def load(self, head: SnapshotHead) -> bytes:
        self._reach()
        found = self._shelf.kept.get(head.seq)
        return found[1] if found else b""  # another host has pruned it meanwhile

    def save(self, head: SnapshotHead, data: bytes) -> None:
        shelf = self._shelf
        self._reach()
        self._crash()
        shelf.trace.say(self._process.name, f"saves a snapshot of entry {head.seq}")
        shelf.saved(head, data)
        shelf.damaged.discard(head.seq)
        if self._chance(shelf.plan.snapshot_fault):
            data = shelf.damage(head, data)
        shelf.kept[head.seq] = (head, data)
        self._crash()

    def prune(self, keep: int) -> int:
        self._reach()
        kept = self._shelf.kept
        gone = sorted(kept, reverse=True)[keep:]
        for seq in gone:
            del kept[seq]
        return len(gone)

    def _reach(self) -> None:
        if self._shelf.database.away or not self._process.alive:
            raise psycopg.OperationalError("connection refused")

    def _crash(self) -> None:
        if self._chance(self._shelf.plan.crash_at_commit):
            self._shelf.database.crash(self._process)
            raise psycopg.OperationalError("killed")

    def _chance(self, share: float) -> bool:
        healed = self._shelf.database.healed
        return not healed and self._shelf.randoms.snapshots.random() < share
