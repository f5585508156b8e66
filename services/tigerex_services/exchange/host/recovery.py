"""From what is stored to a core at the journal's end: the newest sound snapshot, then the tail.

A snapshot that is damaged, does not fit the journal, or does not lead to its stored events is
passed over with a warning: the one before it takes more time, and the first entry is always there
to begin with.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import psycopg

from tigerex_core import Core
from tigerex_core.snapshot import SnapshotError
from tigerex_services.exchange.entry import FIRST_SEQ, BrokenChainError, JournalEntry
from tigerex_services.exchange.host import snapshots
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.replay import Replay, ReplayError
from tigerex_services.exchange.storage.snapshots import SnapshotHead

logger = logging.getLogger(__name__)

PAGE_ENTRIES = 64  # read and executed at once; two pages are in memory

# A snapshot, or a journal, that cannot be gone on with.
FAULTS = (SnapshotError, BrokenChainError, ReplayError, psycopg.InternalError)

Note = Callable[[JournalEntry], None]


class Journal(Protocol):
    """The committed entries; see `JournalReader`."""

    async def entries(self, from_seq: int, limit: int) -> list[JournalEntry]: ...
    async def newest(self) -> JournalEntry | None: ...


async def recover(
    store: snapshots.Store, journal: Journal, new_core: Callable[[], Core], note: Note
) -> tuple[Replay, int]:
    """A replay at the journal's end, and the seq of the snapshot that it began with, or 0.

    Raises KernelVersionError where this build cannot begin anywhere, BrokenChainError and
    ReplayError where the journal itself is wrong.
    """
    with _nothing_collected():
        for head in await asyncio.to_thread(store.heads):
            try:
                replay = await _begin_with(store, journal, head)
                await follow(replay, journal, note)
            except FAULTS as error:
                logger.warning("snapshot of entry %d is passed over: %s", head.seq, error)
            else:
                return replay, head.seq
        first = await journal.entries(FIRST_SEQ, 1)
        snapshots.check_runnable(first[0] if first else None, await journal.newest())
        replay = Replay(new_core(), Committed())
        await follow(replay, journal, note)
        return replay, 0


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """No search for cycles of garbage: what is read here has none, and the search took a third of
    the time. What was read is then left out of later searches, too."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


async def follow(replay: Replay, journal: Journal, note: Note) -> None:
    """Execute what the journal has beyond the replay; `note` hears of each entry."""
    entries = await journal.entries(replay.head.seq + 1, PAGE_ENTRIES)
    while entries:
        following = None
        if len(entries) == PAGE_ENTRIES:  # comes while this page is executed
            reading = journal.entries(entries[-1].seq + 1, PAGE_ENTRIES)
            following = asyncio.create_task(_own(reading))
        try:
            # In a thread, so that the process answers its probes while it recovers.
            await asyncio.to_thread(replay.advance, entries)
        except BaseException:
            if following is not None:
                following.cancel()
            raise
        for entry in entries:
            note(entry)
        entries = await following if following is not None else []


async def _own(reading: Awaitable[list[JournalEntry]]) -> list[JournalEntry]:
    return await reading


async def _begin_with(store: snapshots.Store, journal: Journal, head: SnapshotHead) -> Replay:
    misfit = snapshots.find_misfit(head, await journal.entries(head.seq, 2))
    if misfit:
        raise SnapshotError(misfit)
    data = await asyncio.to_thread(store.load, head)
    return await asyncio.to_thread(snapshots.unpack, head, data)
