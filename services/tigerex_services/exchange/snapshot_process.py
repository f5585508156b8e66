"""A snapshot made beside a trading host, as a process of its own.

It starts from the last snapshot and executes the entries since, which proves them a second time;
what it writes therefore never rests on the memory of the process that trades.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from functools import partial

from tigerex_core import Core
from tigerex_core.snapshot import SnapshotError
from tigerex_platform.database import connect_pool, conninfo
from tigerex_platform.errors import Unavailable
from tigerex_platform.settings import Settings
from tigerex_platform.telemetry.logs import setup_logs
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.exchange.host import snapshots
from tigerex_services.exchange.host.recovery import recover
from tigerex_services.exchange.storage.archive import Archive
from tigerex_services.exchange.storage.journal import JournalReader
from tigerex_services.exchange.storage.snapshots import SnapshotHead, SnapshotStore

logger = logging.getLogger(__name__)

NICENESS = 10


def snapshot_store(settings: Settings) -> SnapshotStore:
    """Where this exchange's snapshots are."""
    return SnapshotStore(partial(conninfo, settings, application_name="tigerex-snapshots"))


def archive_of(settings: Settings) -> Archive | None:
    """Where its archived entries are, if they are here."""
    return Archive(settings.archive_dir) if settings.archive_dir else None


async def make_snapshot(settings: Settings, new_core: Callable[[], Core] = Core) -> SnapshotHead:
    """Execute what no snapshot covers, check the state, and keep it as of the journal's end.

    Raises SnapshotError where the state is not sound, and what `recover` raises.
    """
    store = snapshot_store(settings)
    async with await connect_pool(settings, max_size=2, autocommit=True) as pool:
        replay, _ = await recover(
            store, JournalReader(pool, archive_of(settings)), new_core, _ignore
        )
    if not replay.head.seq:
        raise SnapshotError("the journal is empty")
    broken = replay.core.check()
    if broken:
        raise SnapshotError(f"the state is not sound: {broken[0]}")
    return snapshots.keep(store, replay)


async def make_beside(settings: Settings) -> None:
    """As `make_snapshot`, in another process; cancelled, it takes that process with it.

    Raises Unavailable when the process fails; its log says why.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        env=os.environ | {"TIGEREX_SERVICE": settings.service},
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status != 0:
        raise Unavailable(f"the process that makes it ended with status {status}")


def _ignore(_entry: JournalEntry) -> None:
    """Nobody counts here."""


def main() -> None:
    """Make one."""
    os.nice(NICENESS)
    settings = Settings.model_validate({})
    setup_logs(settings)
    asyncio.run(make_snapshot(settings))


if __name__ == "__main__":
    main()
