"""The journal gives the rows: in one go, with restarts anywhere, or while the database is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest
from tests.support.history_world import HOUR_NS, START_NS, HistoryWorld

from tigerex_core.order_life import CLOSED
from tigerex_core.records import Event, EventKind
from tigerex_platform.auth import Principal
from tigerex_platform.clock import SystemClock
from tigerex_platform.database import Pool
from tigerex_platform.errors import NotFound, PermissionDenied
from tigerex_services.history.fold import Fold, KeptFill, KeptList, KeptOrder
from tigerex_services.history.hub import Hub
from tigerex_services.history.pending import Pending
from tigerex_services.history.projector import Projector
from tigerex_services.history.queries import INT64_MAX, Queries, Span
from tigerex_services.history.service import HistoryService
from tigerex_services.history.start import stored_fold
from tigerex_services.history.storage import KEPT_S, Storage
from tigerex_services.stream import Batch

pytestmark = pytest.mark.integration

WAIT_S = 30.0
ALL = Span(0, 0, INT64_MAX, 1_000_000)
SERVER = Principal("internal", "bots")

Rows = tuple[list[KeptOrder], list[KeptFill], list[tuple[KeptList, list[KeptOrder]]]]


@pytest.fixture(scope="module")
def world() -> HistoryWorld:
    """Three weeks of 600 commands, the end of a month among them."""
    world = HistoryWorld(11, 600)
    assert len(world.orders) > 150
    assert any(row[Event.KIND] == EventKind.LIST_PLACED for row in world.events)
    assert world.book.state().open
    return world


class Follower:
    """One process of history, without its network."""

    def __init__(self, fold: Fold, storage: Storage, pool: Pool) -> None:
        self.fold, self.pending, self.hub = fold, Pending(fold.seq), Hub()
        self.storage = storage
        self.projector = Projector(fold, self.pending, storage, self.hub, SystemClock())
        self.service = HistoryService(fold, self.pending, Queries(pool), self.hub)

    @classmethod
    async def start(cls, storage: Storage, pool: Pool, world: HistoryWorld) -> "Follower":
        """As `load_fold`: names as they are at the journal's end."""
        fold = await stored_fold(storage)
        for asset in world.directory.assets():
            fold.directory.put_asset(asset)
        for market in world.directory.markets():
            fold.directory.put_market(market)
        return cls(fold, storage, pool)

    async def follow(self, batches: list[Batch], *, flush: bool) -> None:
        """Fold the batches that come next; killed afterwards, with or without a last write."""
        done = asyncio.Event()

        async def stream() -> AsyncIterator[Batch]:
            for batch in batches[self.fold.seq :]:
                yield batch
            done.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(self.projector.run(stream()))
        await asyncio.wait_for(done.wait(), WAIT_S)
        if flush:
            while (await self.storage.progress())[0] < self.fold.seq:
                await self.projector.flush()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def answers(self, world: HistoryWorld) -> Rows:
        """All that can be asked, of every account and market."""
        orders, fills, lists = [], [], []
        for account in sorted(world.owners()):
            for market in world.directory.markets():
                orders += await self.service.orders(SERVER, account, market.symbol, ALL)
                fills += await self.service.fills(SERVER, account, market.symbol, 0, ALL)
            lists += await self.service.order_lists(SERVER, account, ALL)
        return orders, fills, lists


def check(rows: Rows, world: HistoryWorld) -> None:
    """They are what the exchange itself says."""
    orders, fills, lists = rows
    assert {order.record.order_id: order.record for order in orders} == world.orders
    assert len(orders) == len(world.orders)
    traded = [row for row in world.events if row[Event.KIND] == EventKind.TRADED]
    assert len(fills) == 2 * len(traded)
    assert {fill.record.trade_id for fill in fills} == {row[Event.TRADE_ID] for row in traded}
    for kept, legs in lists:
        assert [leg.record.order_id for leg in legs] == [kept.limit_id, kept.stop_id]
        done = all(leg.record.status in CLOSED for leg in legs)
        assert (kept.ended_ns > 0) == done


async def test_rows_are_what_the_exchange_sees_and_a_rebuild_gives_the_same(
    storage: Storage, pool: Pool, world: HistoryWorld
) -> None:
    results: list[Rows] = []
    for _ in range(2):
        await storage.reset()
        follower = await Follower.start(storage, pool, world)
        await follower.follow(world.batches, flush=True)
        stored = await Follower.start(storage, pool, world)
        results.append(await stored.answers(world))
    assert results[0] == results[1]
    check(results[0], world)


async def test_restarts_anywhere_leave_no_gap_and_no_double(
    storage: Storage, pool: Pool, world: HistoryWorld
) -> None:
    for until in range(10, len(world.batches), 41):
        follower = await Follower.start(storage, pool, world)
        await follower.follow(world.batches[:until], flush=until % 2 == 0)
    follower = await Follower.start(storage, pool, world)
    await follower.follow(world.batches, flush=True)
    check(await (await Follower.start(storage, pool, world)).answers(world), world)
    resumed = (await Follower.start(storage, pool, world)).fold
    assert resumed.orders == follower.fold.orders, "a restart forgets nothing that is open"
    assert resumed.lists == follower.fold.lists


async def test_two_processes_do_each_other_no_harm(
    storage: Storage, pool: Pool, world: HistoryWorld
) -> None:
    """As in a rollout: the old one goes on for a while behind the new one."""
    pair = [await Follower.start(storage, pool, world) for _ in range(2)]
    for number, batch in enumerate(world.batches):
        for place, follower in enumerate(pair):
            follower.pending.add(follower.fold.apply(batch))
            if number % 7 == place * 3:
                await follower.projector.flush()
    for follower in pair:
        await follower.projector.flush()
    check(await (await Follower.start(storage, pool, world)).answers(world), world)


async def test_queries_see_what_is_not_stored_yet(
    storage: Storage, pool: Pool, world: HistoryWorld
) -> None:
    follower = await Follower.start(storage, pool, world)
    thirds = len(world.batches) // 3
    await follower.follow(world.batches[:thirds], flush=True)
    for number, batch in enumerate(world.batches[thirds:]):
        follower.pending.add(follower.fold.apply(batch))
        if number == thirds:
            follower.pending.take()  # is being written
    assert (await follower.storage.progress())[0] == thirds
    check(await follower.answers(world), world)


async def test_rows_wait_while_the_database_is_away(
    storage: Storage, pool: Pool, world: HistoryWorld
) -> None:
    real_write, failures = storage.write, 3

    async def failing_write(*args: object) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise psycopg.OperationalError("gone")
        await real_write(*args)  # type: ignore[arg-type]

    storage.write = failing_write  # type: ignore[method-assign]
    follower = await Follower.start(storage, pool, world)
    # The rows of the first attempt are written as they were then, whatever happened meanwhile.
    for batch in world.batches[:-1]:
        follower.pending.add(follower.fold.apply(batch))
        if failures:
            with pytest.raises(psycopg.OperationalError):
                await follower.projector.flush()
    await follower.projector.flush()
    assert (await storage.progress())[0] < len(world.batches) - 1
    await follower.follow(world.batches, flush=True)
    check(await (await Follower.start(storage, pool, world)).answers(world), world)


async def test_pages_and_spans(storage: Storage, pool: Pool, world: HistoryWorld) -> None:
    follower = await Follower.start(storage, pool, world)
    half = len(world.batches) // 2
    await follower.follow(world.batches[:half], flush=True)
    for batch in world.batches[half:]:
        follower.pending.add(follower.fold.apply(batch))
    account = max(world.owners(), key=lambda a: sum(o.account == a for o in world.orders.values()))
    symbol = world.directory.markets()[0].symbol
    theirs = [
        order_id
        for order_id, order in sorted(world.orders.items())
        if (order.account, order.market) == (account, 1)
    ]

    async def ids(**fields: int) -> list[int]:
        asked = {"from_id": 0, "start_ns": 0, "end_ns": INT64_MAX, "limit": 1_000} | fields
        found = await follower.service.orders(SERVER, account, symbol, Span(**asked))
        return [order.record.order_id for order in found]

    assert len(theirs) > 40
    assert await ids() == theirs
    assert await ids(limit=7) == theirs[-7:], "the newest"
    assert await ids(from_id=theirs[10], limit=7) == theirs[10:17]
    assert await ids(from_id=theirs[10] + 1) == theirs[11:]
    start_ns, end_ns = START_NS + 40 * HOUR_NS, START_NS + 200 * HOUR_NS
    times = {i: world.orders[i].created_ns for i in theirs}
    within = [i for i in theirs if start_ns <= times[i] < end_ns]
    assert 0 < len(within) < len(theirs)
    assert await ids(start_ns=start_ns, end_ns=end_ns) == within
    assert await ids(start_ns=start_ns, end_ns=end_ns, limit=2) == within[:2]
    assert await ids(end_ns=end_ns, limit=2) == [i for i in theirs if times[i] < end_ns][-2:]

    fills = await follower.service.fills(SERVER, account, symbol, 0, ALL)
    keys = [(fill.record.trade_id, fill.record.maker) for fill in fills]
    assert keys == sorted(keys)
    of_one = fills[len(fills) // 2].record.order_id
    found = await follower.service.fills(SERVER, account, symbol, of_one, ALL)
    assert found == [fill for fill in fills if fill.record.order_id == of_one]
    span = Span(fills[3].record.trade_id, 0, INT64_MAX, 2)
    assert (await follower.service.fills(SERVER, account, symbol, 0, span))[0] == fills[3]
    span = Span(0, start_ns, end_ns, 1_000)
    assert await follower.service.fills(SERVER, account, symbol, 0, span) == [
        fill for fill in fills if start_ns <= fill.record.time_ns < end_ns
    ]


async def test_accounts_are_their_users_after_a_restart_too(
    storage: Storage, pool: Pool, world: HistoryWorld
) -> None:
    follower = await Follower.start(storage, pool, world)
    await follower.follow(world.batches, flush=True)
    restarted = await Follower.start(storage, pool, world)
    ada = Principal("internal", "gateway", "ada")
    mine = world.directory.accounts(world.directory.user("ada"))
    others = {a.account_id for a in world.directory.all_accounts()} - {a.account_id for a in mine}
    symbol = world.directory.markets()[0].symbol
    assert len(mine) > 1
    for asked in (follower.service, restarted.service):
        for account in mine:
            assert await asked.orders(ada, account.account_id, symbol, ALL) is not None
            asked.follow(ada, account.account_id)
        for foreign in (*others, 999):
            with pytest.raises(PermissionDenied):
                await asked.orders(ada, foreign, symbol, ALL)
            with pytest.raises(PermissionDenied):
                await asked.fills(ada, foreign, symbol, 0, ALL)
            with pytest.raises(PermissionDenied):
                await asked.order_lists(ada, foreign, ALL)
            with pytest.raises(PermissionDenied):
                asked.follow(ada, foreign)
        with pytest.raises(NotFound):
            await asked.orders(ada, mine[0].account_id, "no-market", ALL)


async def test_retention_drops_whole_months_and_keeps_what_is_open(
    storage: Storage, pool: Pool, world: HistoryWorld
) -> None:
    follower = await Follower.start(storage, pool, world)
    await follower.follow(world.batches, flush=True)
    end_ns = world.batches[-1].time_ns
    assert await storage.drop_old(end_ns) == []
    later_ns = end_ns + (KEPT_S + 40 * 86_400) * 1_000_000_000
    dropped = await storage.drop_old(later_ns)
    assert {name.rpartition("_")[0] for name in dropped} == {"orders", "order_lists", "fills"}
    left = await (await Follower.start(storage, pool, world)).answers(world)
    kept = {order.record.order_id for order in left[0]}
    assert kept == {order.order_id for order in world.book.state().open}
    assert left[1] == []
    await storage.reset()
    # What was dropped is made again when rows need it.
    follower = await Follower.start(storage, pool, world)
    await follower.follow(world.batches, flush=True)
    check(await (await Follower.start(storage, pool, world)).answers(world), world)
