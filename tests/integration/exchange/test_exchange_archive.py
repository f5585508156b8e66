"""Journal entries leave for files, and everything that reads them goes on."""

import gzip
from pathlib import Path

import psycopg
import pytest
from tests.support.host_life import HostLife
from tests.support.journal_load import Flow
from tests.support.postgres import Database

from tigerex_core import Core
from tigerex_platform.database import connect_pool
from tigerex_services.exchange.service.verify import verify_journal
from tigerex_services.exchange.storage.archival import Archival, archive_journal
from tigerex_services.exchange.storage.archive import Archive, ArchiveError
from tigerex_services.exchange.storage.journal import EntriesArchived, JournalReader, scan

pytestmark = pytest.mark.integration

SIZES = Archival(entries=3)


@pytest.fixture
def life(database: Database, tmp_path: Path) -> HostLife:
    return HostLife.on(database, tmp_path)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


async def grow(life: HostLife) -> None:
    """Entries, and a snapshot at their end."""
    async with life.hosting() as running:
        await running.leads()
        flow = Flow(1)
        if not running.core.balances(1):
            await running.submit(flow.start())
        for _ in range(10):
            await running.submit(flow.rows(20))


def move(life: HostLife, archive: Archive) -> int:
    return len(archive_journal(life.conninfo, archive, "a test", SIZES))


async def test_everything_is_still_there_behind_the_seam(life: HostLife, archive: Archive) -> None:
    await grow(life)
    before = list(scan(life.conninfo))
    assert move(life, archive) > 2
    await grow(life)
    with life.database.connect() as connection:
        [[oldest]] = connection.execute("SELECT min(seq) FROM exchange.journal").fetchall()
        [[audited]] = connection.execute(
            "SELECT count(*) FROM exchange.audit WHERE method = 'ArchiveSegment'"
        ).fetchall()
    assert oldest == archive.segments()[-1].last_seq + 1
    assert audited == len(archive.segments())
    everything = list(scan(life.conninfo, archive=archive))
    assert everything[: len(before)] == before
    assert len(everything) > len(before)
    report = verify_journal(everything, Core(life.capacity), life.store)
    assert report.passed, report
    assert report.seq == everything[-1].seq


async def test_readers_get_archived_entries_or_hear_where_they_are(
    life: HostLife, archive: Archive
) -> None:
    await grow(life)
    before = list(scan(life.conninfo))
    move(life, archive)
    async with await connect_pool(life.settings, autocommit=True) as pool:
        reader = JournalReader(pool, archive)
        assert await reader.entries(1, len(before)) == before
        assert await reader.entries(2, 5) == before[1:6]
        page = await reader.events(1, 100, 2**20)
        assert page[0] == (1, before[0].kernel_version, before[0].time_ns, before[0].events)
        assert await reader.entry(2) == before[1]
        elsewhere = JournalReader(pool)
        for reading in (elsewhere.entries(1, 5), elsewhere.events(1, 5, 100), elsewhere.entry(1)):
            with pytest.raises(EntriesArchived, match="archived"):
                await reading
    with pytest.raises(EntriesArchived):
        list(scan(life.conninfo))


async def test_a_start_without_any_snapshot_executes_the_archive(
    life: HostLife, archive: Archive
) -> None:
    await grow(life)
    digest = (await life.recover()).core.digest()
    move(life, archive)
    with life.database.connect() as connection:
        connection.execute("DELETE FROM exchange.snapshots")
    life.archive = archive
    replay = await life.recover()
    assert replay.core.digest() == digest
    assert replay.commands > 200


async def test_nothing_leaves_that_no_snapshot_covers(life: HostLife, archive: Archive) -> None:
    await grow(life)
    with life.database.connect() as connection:
        connection.execute("DELETE FROM exchange.snapshots")
    assert move(life, archive) == 0
    entry = next(scan(life.conninfo))
    with life.database.connect() as connection:
        connection.execute("SET search_path = exchange")
        with pytest.raises(psycopg.errors.RaiseException, match="no start could begin"):
            connection.execute(
                "SELECT archive_segment(1, 1, %b, %b, 'f', 1, %b, 'somebody', %b)",
                (entry.prev_hash, entry.hash, bytes(32), bytes(16)),
            )
    assert len(list(scan(life.conninfo))) > 5


async def test_a_run_that_was_cut_off_goes_on(
    life: HostLife, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was written, and not yet taken from the database, is written again."""
    await grow(life)
    from tigerex_services.exchange.storage import archival

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(archival, "_leave", die)
        with pytest.raises(KeyboardInterrupt):
            move(life, archive)
    assert len(archive.segments()) == 1
    assert len(list(scan(life.conninfo, archive=archive))) > 5
    assert move(life, archive) > 1
    report = verify_journal(scan(life.conninfo, archive=archive), Core(life.capacity), life.store)
    assert report.passed, report


async def test_damaged_files_are_found(life: HostLife, archive: Archive, tmp_path: Path) -> None:
    await grow(life)
    move(life, archive)
    path = tmp_path / "archive" / archive.segments()[1].file
    data = path.read_bytes()
    path.write_bytes(gzip.compress(gzip.decompress(data) + b"x"))
    report = verify_journal(scan(life.conninfo, archive=archive), Core(life.capacity))
    assert not report.passed
    path.unlink()
    with pytest.raises(ArchiveError, match="missing"):
        list(scan(life.conninfo, archive=archive))
    path.write_bytes(data)
    manifest = tmp_path / "archive" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"last_seq": 3', '"last_seq": 4'))
    with pytest.raises(ArchiveError, match="does not follow"):
        list(scan(life.conninfo, archive=archive))
