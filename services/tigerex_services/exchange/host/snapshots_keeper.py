"""When a snapshot is due, and who makes it.

A standby makes it from its own core, while nobody waits for it. A leader never stops for one: a
process beside it starts from the last snapshot, executes the entries since, and so proves them
again. At its orderly stop the leader leaves one of the journal's very end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg

from tigerex_core.records import COMMAND_WIDTH, CommandKind
from tigerex_core.snapshot import SnapshotError
from tigerex_platform.clock import Clock
from tigerex_platform.errors import TigerExError
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.exchange.host import snapshots
from tigerex_services.exchange.host.replay import Replay

logger = logging.getLogger(__name__)

ROW_BYTES = 8 * COMMAND_WIDTH
LEADER_PATIENCE = 2  # times as long as a standby: where there is one, it comes first


@dataclass(frozen=True, slots=True)
class Pace:
    """A snapshot is due after so many entries or commands, or so long with anything new in it, but
    none sooner than the pause after the one before."""

    entries_max: int = 50_000
    commands_max: int = 100_000
    age_s_max: float = 3_600.0
    pause_s: float = 60.0


class Keeper:
    """Counts what no snapshot covers, and has one made when it is due."""

    def __init__(
        self,
        store: snapshots.Store,
        clock: Clock,
        beside: Callable[[], Awaitable[None]] | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`beside` makes a snapshot outside of this process."""
        self.store = store
        self._clock = clock
        self._beside = beside
        self._pace = pace or Pace()
        self._entries = self._commands = 0
        self._news = False
        self._since_s = clock.monotonic_s()
        self._tried_s: float | None = None
        self._newest_seq = 0
        self._work: asyncio.Task[None] | None = None

    def begin(self, seq: int) -> None:
        """Count from the snapshot of this entry on; 0: there is none."""
        self._newest_seq = seq

    def note(self, entry: JournalEntry) -> None:
        """A further entry has been executed or committed here."""
        rows = len(entry.commands) // ROW_BYTES
        self._entries += 1
        self._commands += rows
        self._news = self._news or rows > 1 or entry.commands[:8] != _TICK

    def is_due(self, patience: int = 1) -> bool:
        now_s = self._clock.monotonic_s()
        if self._tried_s is not None and now_s - self._tried_s < self._pace.pause_s:
            return False
        return (
            self._entries >= patience * self._pace.entries_max
            or self._commands >= patience * self._pace.commands_max
            or (self._news and now_s - self._since_s >= patience * self._pace.age_s_max)
        )

    async def keep_standing(self, replay: Replay, *, always: bool = False) -> None:
        """Make the snapshot of a core that nobody changes meanwhile, if it is due.

        A failure is logged: what a snapshot saves is time.
        """
        if (always or self.is_due()) and replay.head.seq:
            await self._attempt(self._keep(replay, always=always))

    def lead(self) -> None:
        """To be called now and then by the leader: has a snapshot made beside it when it is due."""
        if self._beside is None or (self._work is not None and not self._work.done()):
            return
        if self.is_due(LEADER_PATIENCE):
            self._work = asyncio.create_task(self._attempt(self._keep_beside(self._beside)))

    async def stop(self) -> None:
        """End what is made beside."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _attempt(self, work: Awaitable[None]) -> None:
        self._tried_s = self._clock.monotonic_s()
        try:
            await work
        except (psycopg.Error, OSError, SnapshotError, TigerExError) as error:
            logger.warning("no snapshot: %s", error)

    async def _keep(self, replay: Replay, *, always: bool) -> None:
        if always or not await self._somebody_did():
            if always and await self._newest() == replay.head.seq:
                return
            await asyncio.to_thread(snapshots.keep, self.store, replay)
            await self._somebody_did()

    async def _keep_beside(self, beside: Callable[[], Awaitable[None]]) -> None:
        if not await self._somebody_did():
            await beside()
            await self._somebody_did()

    async def _somebody_did(self) -> bool:
        """Whether there is a newer snapshot than when this was asked last; counts from it on."""
        newest = await self._newest()
        if newest <= self._newest_seq:
            return False
        self._newest_seq = newest
        self._entries = self._commands = 0
        self._news = False
        self._since_s = self._clock.monotonic_s()
        return True

    async def _newest(self) -> int:
        heads = await asyncio.to_thread(self.store.heads)
        return heads[0].seq if heads else 0


_TICK = int(CommandKind.TICK).to_bytes(8, "little")
