"""The journal is the truth: it verifies, re-executes, and feeds every follower."""

import asyncio

import numpy as np
import pytest
from tests.integration.exchange.callers import OPERATOR, refused
from tests.integration.exchange.site import Site
from tigerex.exchange.v1 import journal_pb2

from tigerex_core import Core
from tigerex_core.records import COMMAND_WIDTH
from tigerex_platform.errors import InvalidField, PermissionDenied
from tigerex_services.exchange.entry import Head, check_link
from tigerex_services.exchange.storage.journal import scan
from tigerex_services.stream import Batch, EventStream

pytestmark = pytest.mark.integration


class Follower:
    """Collects what an EventStream gives."""

    def __init__(self, stream: EventStream) -> None:
        self.batches: list[Batch] = []
        self._task = asyncio.create_task(self._follow(stream))

    async def _follow(self, stream: EventStream) -> None:
        async for batch in stream:
            self.batches.append(batch)

    async def reaches(self, seq: int) -> None:
        for _ in range(300):
            if self.batches and self.batches[-1].seq >= seq:
                return
            assert not self._task.done(), self._task
            await asyncio.sleep(0.1)
        raise AssertionError(f"seq {seq} was not reached")

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    def check(self, first: int) -> None:
        seqs = [batch.seq for batch in self.batches]
        assert seqs == list(range(first, first + len(seqs)))
        times = [batch.time_ns for batch in self.batches]
        assert times == sorted(set(times))


async def test_the_journal_re_executes_to_the_same_bytes(site: Site) -> None:
    await asyncio.gather(
        *(site.place(site.maker, "sell", str(60_000 + n), "0.01") for n in range(20)),
        *(site.place(site.taker, "buy", "60010", "0.01") for _ in range(20)),
    )
    core, head = Core(), Head()
    for entry in scan(site.conninfo):
        head = check_link(head, entry)
        rows = np.frombuffer(entry.commands, dtype="<i8").reshape(-1, COMMAND_WIDTH)
        assert core.apply(rows.copy(), entry.seq).tobytes() == entry.events
    assert head.seq > 0
    await site.check_sums()


async def test_verify_says_what_it_checked(site: Site) -> None:
    await site.place(site.maker, "sell", "60000", "0.5")
    await site.place(site.taker, "buy", "60000", "0.2")
    report = await site.journal_of(OPERATOR).Verify(journal_pb2.VerifyRequest(), timeout=60)
    assert all(check.passed for check in report.checks)
    assert len(report.checks) == 6
    details = {check.name: check.detail for check in report.checks}
    assert "1 open orders" in details["holds equal open remainders"]
    code, output = await site.verify_command()
    assert code == 0
    for name in details:
        assert name in output


async def test_verify_finds_a_changed_journal(site: Site) -> None:
    await site.place(site.maker, "sell", "60000", "0.5")
    await site.stop()
    await site.tamper("UPDATE journal SET events = commands WHERE seq = 3")
    await site.tamper("DELETE FROM snapshots")  # a start from one would not come by entry 3
    code, output = await site.verify_command()
    assert code == 1
    assert "entry 3" in output
    process = site.spawn()
    assert await asyncio.to_thread(process.wait, 30) != 0, "it must not trade on a broken journal"


async def test_followers_survive_a_wiped_and_a_restarted_redis(site: Site) -> None:
    late_from = await site.journal_seq()
    follower = Follower(EventStream(site.redis, site.journal_stub, from_seq=1))
    await site.place(site.maker, "sell", "60000", "0.01")
    await site.redis.flushall()
    second = await site.place(site.maker, "sell", "60001", "0.01")
    await follower.reaches(second.seq)
    await asyncio.to_thread(site.redis_server.kill)
    third = await site.place(site.maker, "sell", "60002", "0.01")
    await follower.reaches(third.seq)
    await asyncio.to_thread(site.redis_server.start)
    fourth = await site.place(site.maker, "sell", "60003", "0.01")
    await follower.reaches(fourth.seq)
    late = Follower(EventStream(site.redis, site.journal_stub, from_seq=late_from))
    await late.reaches(fourth.seq)
    for each, first in ((follower, 1), (late, late_from)):
        await each.stop()
        each.check(first)
    assert all(
        np.array_equal(a.events, b.events)
        for a, b in zip(follower.batches[late_from - 1 :], late.batches, strict=False)
    )


async def test_followers_survive_a_killed_exchange(site: Site) -> None:
    follower = Follower(EventStream(site.redis, site.journal_stub, from_seq=1))
    await site.place(site.maker, "sell", "60000", "0.01")
    site.kill()
    await site.wait_dead()
    await site.start()
    order = await site.place(site.maker, "sell", "60001", "0.01")
    await follower.reaches(order.seq)
    await follower.stop()
    follower.check(1)


async def test_the_journal_is_read_in_bounded_pages(site: Site) -> None:
    first = await site.journal.ReadJournal(
        journal_pb2.ReadJournalRequest(from_seq=1, max_entries=2)
    )
    assert [entry.seq for entry in first.entries] == [1, 2]
    assert first.committed_seq > 2
    end = await site.journal.ReadJournal(
        journal_pb2.ReadJournalRequest(from_seq=first.committed_seq + 100)
    )
    assert list(end.entries) == []
    with refused(InvalidField):
        await site.journal.ReadJournal(journal_pb2.ReadJournalRequest(from_seq=0))
    with refused(PermissionDenied):
        await site.journal_of(site.maker.api_key).ReadJournal(
            journal_pb2.ReadJournalRequest(from_seq=1)
        )
