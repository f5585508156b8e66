"""From one kernel version to the next, with the host that would run it."""

import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.support.host_life import LOCK_NAME, HostLife
from tests.support.journal_load import Flow
from tests.support.postgres import Database

from tigerex_core import KERNEL_VERSION, migrate
from tigerex_core.snapshot import Image
from tigerex_services.exchange.host.snapshots import KernelVersionError
from tigerex_services.exchange.main import verify

pytestmark = pytest.mark.integration

NEXT = KERNEL_VERSION + 1
Become = Callable[[int], None]


@pytest.fixture
def life(database: Database, tmp_path: Path) -> HostLife:
    return HostLife.on(database, tmp_path)


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Become:
    """Makes this build one of another kernel version; the next one has a step."""

    def step(image: Image) -> Image:
        return replace(image, kernel_version=NEXT)

    monkeypatch.setitem(migrate.STEPS, KERNEL_VERSION, step)  # type: ignore[arg-type]

    def change(version: int) -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith("tigerex_") and "KERNEL_VERSION" in vars(module):
                monkeypatch.setattr(module, "KERNEL_VERSION", version)

    return change


async def trade(life: HostLife, seed: int) -> bytes:
    """Lead for a while, stop in order; the digest of the state then."""
    async with life.hosting() as running:
        await running.leads()
        if not running.core.balances(1):
            await running.submit(Flow(seed).start())
        await running.submit(Flow(seed).rows(100))
    return running.core.digest()


def versions(life: HostLife) -> list[object]:
    """Of the journal's entries, in order, each once."""
    with life.database.connect() as connection:
        rows = connection.execute("SELECT kernel_version FROM exchange.journal ORDER BY seq")
        return list(dict.fromkeys(version for (version,) in rows))


async def test_the_next_version_goes_on_from_the_snapshot_at_the_end(
    life: HostLife, become: Become
) -> None:
    digest = await trade(life, 1)
    become(NEXT)
    begun = await life.recover()
    assert begun.commands == 0
    assert begun.core.digest() == digest
    digest = await trade(life, 2)
    assert versions(life) == [KERNEL_VERSION, NEXT]
    assert (await life.recover()).core.digest() == digest
    # The last snapshot of each version stays: without the newest ones the way leads over it.
    with life.database.connect() as connection:
        connection.execute("DELETE FROM exchange.snapshots WHERE kernel_version = %s", (NEXT,))
    again = await life.recover()
    assert again.core.digest() == digest
    assert again.commands > 0


async def test_without_that_snapshot_the_next_version_refuses(
    life: HostLife, become: Become
) -> None:
    await trade(life, 3)
    with life.database.connect() as connection:
        connection.execute("DELETE FROM exchange.snapshots")
    become(NEXT)
    with pytest.raises(KernelVersionError, match="stop it in order"):
        await trade(life, 4)
    assert versions(life) == [KERNEL_VERSION]
    become(KERNEL_VERSION)  # what the message says helps
    await trade(life, 5)
    become(NEXT)
    await trade(life, 6)
    assert versions(life) == [KERNEL_VERSION, NEXT]


async def test_no_way_leads_back(life: HostLife, become: Become) -> None:
    await trade(life, 7)
    become(NEXT)
    await trade(life, 8)
    become(KERNEL_VERSION)
    with pytest.raises(KernelVersionError, match="at least as new"):
        await trade(life, 9)
    assert versions(life) == [KERNEL_VERSION, NEXT]


async def test_the_next_version_waits_while_the_older_one_leads(
    life: HostLife, become: Become, caplog: pytest.LogCaptureFixture
) -> None:
    await trade(life, 10)
    [head] = life.store.heads()
    data = life.store.load(head)
    with life.database.connect() as connection:
        connection.execute("DELETE FROM exchange.snapshots")
    become(NEXT)
    with psycopg.connect(life.database.conninfo, autocommit=True) as leader:
        leader.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (LOCK_NAME,))
        async with life.hosting() as running:
            with caplog.at_level(logging.WARNING):
                await asyncio.sleep(1.0)
            assert "on standby without following" in caplog.text
            assert not running.task.done()
            life.store.save(head, data)
            leader.close()
            await running.leads()
    assert versions(life) == [KERNEL_VERSION, NEXT]


async def test_a_journal_of_two_versions_is_verified(
    life: HostLife, become: Become, capsys: pytest.CaptureFixture[str]
) -> None:
    life.capacity = type(life.capacity)()  # as the tool has it
    await trade(life, 11)
    become(NEXT)
    await trade(life, 12)
    assert await verify(life.settings) == 0
    said = capsys.readouterr().out
    assert "verified" in said
