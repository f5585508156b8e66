"""Snapshots and starts from them, on a real database."""

import logging
from pathlib import Path

import psycopg
import pytest
from tests.support.host_life import HostLife
from tests.support.journal_load import Flow
from tests.support.postgres import Database

from tigerex_services.exchange.host.snapshots_keeper import Pace
from tigerex_services.exchange.snapshot_process import make_beside, make_snapshot

pytestmark = pytest.mark.integration

# A snapshot whenever anything happened.
EAGER = Pace(entries_max=1, pause_s=0.0)


@pytest.fixture
def life(database: Database, tmp_path: Path) -> HostLife:
    return HostLife.on(database, tmp_path)


async def grow(life: HostLife, seed: int) -> bytes:
    """Lead for a while, stop in order; the digest of the state then."""
    async with life.hosting() as running:
        await running.leads()
        if not running.core.balances(1):
            await running.submit(Flow(seed).start())
        await running.submit(Flow(seed).rows(200))
    return running.core.digest()


async def state_of_the_next(life: HostLife) -> tuple[bytes, int]:
    """Digest of what the next host begins with, and how many commands it had to execute."""
    replay = await life.recover()
    return replay.core.digest(), replay.commands


def damage(life: HostLife, statement: str, role: str = "replica") -> None:
    """Run a statement, past triggers and keys."""
    with life.database.connect() as connection:
        connection.execute(f"SET session_replication_role = {role}".encode())
        connection.execute("SET search_path = exchange")
        connection.execute(statement.encode())


def forget(life: HostLife, from_seq: int = 0) -> None:
    """Lose the newest snapshots."""
    damage(life, f"DELETE FROM snapshots WHERE seq >= {from_seq}", role="origin")


async def test_an_orderly_stop_leaves_a_snapshot_that_is_the_state(life: HostLife) -> None:
    digest = await grow(life, 1)
    [head] = life.store.heads()
    assert head.size == len(life.store.load(head))
    found, commands = await state_of_the_next(life)
    assert found == digest
    assert commands == 0


async def test_a_start_executes_only_what_no_snapshot_covers(life: HostLife) -> None:
    await grow(life, 2)
    forget(life)
    first = await make_snapshot(life.settings, life.new_core)
    digest = await grow(life, 3)
    newest = life.store.heads()[0]
    assert newest.seq > first.seq
    forget(life, newest.seq)
    found, commands = await state_of_the_next(life)
    assert found == digest
    assert 0 < commands < 300


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE snapshot_parts SET data = overlay(data placing 'x' from 300) WHERE seq = {seq}",
        "DELETE FROM snapshot_parts WHERE seq = {seq}",
        "UPDATE snapshots SET hash = checksum WHERE seq = {seq}",
        "UPDATE snapshots SET kernel_version = 99 WHERE seq = {seq}",
    ],
)
async def test_a_bad_snapshot_is_passed_over(
    life: HostLife, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    await grow(life, 4)
    older = life.store.heads()[0]
    digest = await grow(life, 5)
    newest = life.store.heads()[0]
    assert newest.seq > older.seq
    damage(life, harm.format(seq=newest.seq))
    with caplog.at_level(logging.WARNING):
        found, commands = await state_of_the_next(life)
    assert found == digest
    assert commands > 0
    assert f"snapshot of entry {newest.seq} is passed over" in caplog.text


async def test_a_snapshot_of_another_state_does_not_lead_to_the_events(life: HostLife) -> None:
    """Sound bytes, wrong content: what it answers to the tail is compared with the journal."""
    await grow(life, 6)
    older = life.store.heads()[0]
    data = life.store.load(older)
    digest = await grow(life, 7)
    newest = life.store.heads()[0]
    from dataclasses import replace

    from tigerex_core.snapshot import checksum_of, decode, encode

    image = decode(data)
    balances = image.tables["ledger.balances"].rows.copy()
    balances[:, 2] = 0
    tables = image.tables | {
        "ledger.balances": replace(image.tables["ledger.balances"], rows=balances)
    }
    forged = encode(replace(image, tables=tables))
    forget(life, newest.seq)
    life.store.save(replace(older, size=len(forged), checksum=checksum_of(forged)), forged)
    found, commands = await state_of_the_next(life)
    assert found == digest
    assert commands > 400  # from the first entry on


async def test_the_newest_and_no_more_are_kept(life: HostLife) -> None:
    for seed in range(5):
        await grow(life, seed)
    assert len(life.store.heads()) == 3
    with life.database.connect() as connection:
        parts = connection.execute("SELECT count(*) FROM exchange.snapshot_parts").fetchone()
    assert parts == (3,)


async def test_a_leader_has_snapshots_made_beside_it(life: HostLife) -> None:
    life.pace = EAGER

    async def beside() -> None:
        await make_snapshot(life.settings, life.new_core)

    async with life.hosting(beside=beside) as running:
        await running.leads()
        await running.submit(Flow(8).start())
        for _ in range(100):
            if life.store.heads():
                break
            await running.submit(Flow(8).rows(10))
        assert life.store.heads()
    digest = running.core.digest()
    assert (await state_of_the_next(life))[0] == digest


async def test_the_process_beside(life: HostLife) -> None:
    life.capacity = type(life.capacity)()  # as the process has it
    await grow(life, 9)
    forget(life)
    from tests.support.tokens import environment

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(life.settings).items():
            patch.setenv(name, value)
        await make_beside(life.settings)
    assert len(life.store.heads()) == 1


async def test_a_standby_makes_them_and_takes_over(life: HostLife) -> None:
    async with life.hosting() as first:
        await first.leads()
        await first.submit(Flow(8).start())
        life.pace = EAGER
        async with life.hosting() as second:
            await first.submit(Flow(10).rows(200))
            while not life.store.heads():
                await first.submit(Flow(11).rows(10))
            assert second.host._sequencer is None
            first.task.cancel()
            await second.leads()
            assert second.core.digest() != b""
            await second.submit(Flow(12).rows(10))


async def test_the_journal_and_its_snapshots_may_not_part(life: HostLife) -> None:
    """The tables themselves refuse what no program should do."""
    await grow(life, 13)
    with psycopg.connect(life.database.conninfo, autocommit=True) as connection:
        connection.execute("SET search_path = exchange")
        for statement in ("DELETE FROM journal", "TRUNCATE journal", "UPDATE journal SET seq = 0"):
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute(statement.encode())
