"""How long a start takes: from the first entry, from a snapshot, and as a takeover.

The journal is written to PostgreSQL as the exchange would have written it, in batches as they are
under load. A snapshot is as old as a leader lets it become at most.
"""

import asyncio
import time
from pathlib import Path

import psycopg
import pytest
from tests.bench.bars import say_bar
from tests.support.host_life import HostLife
from tests.support.journal_load import Flow, entries
from tests.support.postgres import Database

from tigerex_core import Capacity, Core
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.exchange.host import snapshots
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.host.snapshots_keeper import LEADER_PATIENCE, Pace

COMMANDS = 1_000_000
BATCH = 512
GOAL_S = 5.0
ROW = "(format_version, seq, kernel_version, time_ns, commands, events, prev_hash, hash)"


@pytest.fixture
def life(database: Database, tmp_path: Path) -> HostLife:
    life = HostLife.on(database, tmp_path)
    life.capacity = Capacity()
    return life


def write(connection: "psycopg.Connection[tuple[object, ...]]", page: list[JournalEntry]) -> None:
    with connection.cursor().copy(
        f"COPY exchange.journal {ROW} FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(["int2", "int8", "int4", "int8", "bytea", "bytea", "bytea", "bytea"])
        for e in page:
            copy.write_row(
                (
                    e.format_version,
                    e.seq,
                    e.kernel_version,
                    e.time_ns,
                    e.commands,
                    e.events,
                    e.prev_hash,
                    e.hash,
                )
            )


def fill(life: HostLife) -> int:
    """Write the journal, and the snapshot that a leader would have by then; the journal's bytes."""
    replay = Replay(Core(life.capacity), Committed())
    age = LEADER_PATIENCE * Pace().commands_max
    size, kept, page = 0, False, []
    with life.database.connect() as connection:
        for entry in entries(Flow(1), Core(life.capacity), COMMANDS, BATCH):
            page.append(entry)
            size += len(entry.commands) + len(entry.events)
            if not kept:
                replay.advance([entry])
            if not kept and replay.commands >= COMMANDS - age:
                write(connection, page)
                page, kept = [], True
                snapshots.keep(life.store, replay)
            if len(page) == 64:
                write(connection, page)
                page = []
        write(connection, page)
    return size


async def test_recovery(life: HostLife) -> None:
    size = await asyncio.to_thread(fill, life)
    [head] = life.store.heads()
    timings = []
    for _ in range(3):
        begun_s = time.perf_counter()
        replay = await life.recover()
        timings.append(time.perf_counter() - begun_s)
    with life.database.connect() as connection:
        connection.execute("DELETE FROM exchange.snapshots")
    begun_s = time.perf_counter()
    whole = await life.recover()
    whole_s = time.perf_counter() - begun_s
    assert whole.core.digest() == replay.core.digest()
    measured_s = sorted(timings)[1]
    print(
        f"\nrecovery: {COMMANDS:,} commands ({size / 1e6:,.0f} MB) by a snapshot of"
        f" {head.size / 1e6:.1f} MB and {replay.commands:,} commands after it;"
        f" without a snapshot {whole_s:.1f} s, {whole.commands / whole_s:,.0f} commands/s"
    )
    say_bar("recovery", measured_s, GOAL_S, "s", at_most=True)
