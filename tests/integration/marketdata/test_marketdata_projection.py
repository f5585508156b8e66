"""The journal gives the rows: in one go, with restarts anywhere, or while the database is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest
from tests.support.market_core import MarketCore
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_core.records import Side
from tigerex_platform.clock import ManualClock, SystemClock
from tigerex_platform.errors import InvalidField, NotFound
from tigerex_services.marketdata.aggregates import AggregateTrade
from tigerex_services.marketdata.book import Book
from tigerex_services.marketdata.candles import INTERVALS_S, NS_PER_S, Candle, Trade
from tigerex_services.marketdata.fold import Fold
from tigerex_services.marketdata.hub import Hub
from tigerex_services.marketdata.intervals import INTERVALS, Interval
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.projector import Projector
from tigerex_services.marketdata.publisher import Publisher
from tigerex_services.marketdata.service import MarketDataService
from tigerex_services.marketdata.storage import Storage
from tigerex_services.stream import Batch

pytestmark = pytest.mark.integration

Rows = tuple[list[Trade], list[AggregateTrade], dict[int, list[Candle]]]
WAIT_S = 10.0


@pytest.fixture(scope="module")
def world() -> MarketCore:
    """A core with 300 trades over some minutes."""
    world = MarketCore()
    for number in range(300):
        world.time_ns += 400_000_000
        world.apply(
            world.order(world.house.maker, Side.SELL, 100 + number % 7, 5),
            world.order(world.house.taker, Side.BUY, 200, 1 + number % 5, ioc=True),
        )
    world.check_sound()
    return world


class Follower:
    """One process of market data, without its network."""

    def __init__(self, fold: Fold, storage: Storage) -> None:
        self.fold, self.pending, self.hub = fold, Pending(fold.seq), Hub()
        publisher = Publisher(fold, self.hub)
        self.projector = Projector(
            fold, self.pending, storage, publisher, self._load_book, SystemClock()
        )
        self.service = MarketDataService(fold, self.pending, storage, self.hub, ManualClock())

    @classmethod
    async def start(cls, storage: Storage, batches: list[Batch]) -> "Follower":
        """As `load_fold`, with names and books from the journal's beginning."""
        seq, time_ns = await storage.progress()
        past = Fold()
        for batch in batches[:seq]:
            past.apply(batch)
        fold = Fold(seq, time_ns)
        fold.directory, fold.books = past.directory, past.books
        for candle in await storage.newest_candles():
            fold.put_candle(candle)
        fold.counted = await storage.counted()
        return cls(fold, storage)

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
            while (await self._stored_seq()) < self.fold.seq:
                await self.projector.flush()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _stored_seq(self) -> int:
        return (await self.projector._storage.progress())[0]

    async def _load_book(self, market_id: int) -> Book:
        raise AssertionError(f"the book of market {market_id} is small")


async def rows_of(storage: Storage) -> Rows:
    candles = {i: await storage.candles(1, Interval(i, i), 0, 2**62, 1_000) for i in INTERVALS_S}
    aggregates = await storage.aggregates(1, 0, 2**62, 1_000, oldest=True)
    return await storage.trades(1, 0, 2**62, 1_000), aggregates, candles


async def test_a_rebuild_gives_the_same_rows(storage: Storage, world: MarketCore) -> None:
    results: list[Rows] = []
    for _ in range(2):
        await storage.reset()
        follower = await Follower.start(storage, world.batches)
        await follower.follow(world.batches, flush=True)
        results.append(await rows_of(storage))
    assert results[0] == results[1]
    trades, aggregates, candles = results[0]
    assert [t.trade_id for t in trades] == [t[0] for t in world.trades()]
    assert [a.aggregate_id for a in aggregates] == list(range(1, len(aggregates) + 1))
    assert sum(a.quantity for a in aggregates) == sum(t.quantity for t in trades)
    assert len(aggregates) < len(trades), "some takers met several makers at one price"
    for interval_s in INTERVALS_S:
        assert sum(c.trades for c in candles[interval_s]) == len(trades)
        assert sum(c.volume for c in candles[interval_s]) == sum(t.quantity for t in trades)


async def test_restarts_anywhere_leave_no_gap_and_no_double(
    storage: Storage, world: MarketCore
) -> None:
    whole = await Follower.start(storage, world.batches)
    await whole.follow(world.batches, flush=True)
    expected = await rows_of(storage)
    await storage.reset()
    for until in range(10, len(world.batches), 37):
        follower = await Follower.start(storage, world.batches)
        await follower.follow(world.batches[:until], flush=until % 2 == 0)
    follower = await Follower.start(storage, world.batches)
    await follower.follow(world.batches, flush=True)
    assert await rows_of(storage) == expected


async def test_queries_see_what_is_not_stored_yet(storage: Storage, world: MarketCore) -> None:
    follower = await Follower.start(storage, world.batches)
    half = len(world.batches) // 2
    await follower.follow(world.batches[:half], flush=True)
    for batch in world.batches[half:]:
        follower.pending.add(follower.fold.apply(batch))
    _, trades = await follower.service.trades("btc-usdt", 0, 1_000)
    ids = [t.trade_id for t in trades]
    assert ids == sorted((t[0] for t in world.trades()), reverse=True)
    _, page = await follower.service.trades("btc-usdt", ids[9], 10)
    assert [t.trade_id for t in page] == ids[10:20]
    for interval_s in INTERVALS_S:
        interval = Interval(interval_s, interval_s)
        _, candles = await follower.service.candles("btc-usdt", interval, 0, 0, 1_000)
        assert sum(c.trades for c in candles) == len(ids)
        assert [c.open_time_ns for c in candles] == sorted({c.open_time_ns for c in candles})


async def test_rows_wait_while_the_database_is_away(storage: Storage, world: MarketCore) -> None:
    follower = await Follower.start(storage, world.batches)
    real_write, failures = storage.write, 3

    async def failing_write(*args: object) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise psycopg.OperationalError("gone")
        await real_write(*args)  # type: ignore[arg-type]

    storage.write = failing_write  # type: ignore[method-assign]
    task = asyncio.create_task(follower.projector.run(endless(world.batches)))
    async with asyncio.timeout(WAIT_S):
        while (await storage.progress())[0] < len(world.batches):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    trades, _, _ = await rows_of(storage)
    assert len(trades) == len(world.trades())


async def endless(batches: list[Batch]) -> AsyncIterator[Batch]:
    for batch in batches:
        yield batch
    await asyncio.Event().wait()


async def test_aggregates_are_read_by_id_and_by_time(storage: Storage, world: MarketCore) -> None:
    """Half of them stored, half waiting: every way to ask tells the same ones."""
    follower = await Follower.start(storage, world.batches)
    half = len(world.batches) // 2
    await follower.follow(world.batches[:half], flush=True)
    for batch in world.batches[half:]:
        follower.pending.add(follower.fold.apply(batch))
    service = follower.service

    async def ask(*of: int) -> list[AggregateTrade]:
        _, found = await service.aggregates("btc-usdt", *of)
        return list(found)

    every = await ask(1, 0, 0, 0, 1_000)
    assert [each.aggregate_id for each in every] == list(range(1, len(every) + 1))
    assert sum(each.quantity for each in every) == sum(trade[2] for trade in world.trades())
    assert await ask(0, 0, 0, 0, 10) == every[-10:]
    assert await ask(0, 150, 0, 0, 10) == every[139:149]
    assert await ask(150, 0, 0, 0, 10) == every[149:159]
    assert await ask(150, 153, 0, 0, 10) == every[149:152]
    start_ns, end_ns = every[100].time_ns, every[260].time_ns
    assert await ask(0, 0, start_ns, 0, 10) == every[100:110]
    assert await ask(0, 0, start_ns, end_ns, 1_000) == every[100:260]
    assert await ask(0, 0, 0, end_ns, 10) == every[250:260]
    for field, of in (
        ("from_id", (1, 0, 1, 0, 10)),
        ("from_id", (0, 1, 0, 1, 10)),
        ("from_id", (-1, 0, 0, 0, 10)),
        ("end_ns", (0, 0, 9, 9, 10)),
        ("limit", (0, 0, 0, 0, 1_001)),
    ):
        with pytest.raises(InvalidField) as refused:
            await ask(*of)
        assert refused.value.field == field
    _, forward = await service.trades("btc-usdt", 0, 10, from_id=150)
    assert [trade.trade_id for trade in forward] == list(range(159, 149, -1))
    with pytest.raises(InvalidField, match="from_trade_id"):
        await service.trades("btc-usdt", 9, 10, from_id=150)


async def test_the_oldest_candles_from_a_time_on(storage: Storage, world: MarketCore) -> None:
    """Also those without a trade, and whether they are stored or wait."""
    follower = await Follower.start(storage, world.batches)
    half = len(world.batches) // 2
    await follower.follow(world.batches[:half], flush=True)
    for batch in world.batches[half:]:
        follower.pending.add(follower.fold.apply(batch))
    for number in (pb.CANDLE_INTERVAL_1S, pb.CANDLE_INTERVAL_1M, pb.CANDLE_INTERVAL_15M):
        interval = INTERVALS[number]
        for empty in (False, True):

            async def ask(start_ns: int, end_ns: int, count: int, **options: bool) -> list[Candle]:
                _, found = await follower.service.candles(
                    "btc-usdt",
                    interval,  # noqa: B023 - called within the loop
                    start_ns,
                    end_ns,
                    count,
                    empty=empty,  # noqa: B023
                    **options,
                )
                return list(found)

            every = await ask(0, 0, 1_000)
            assert sum(candle.trades for candle in every) == len(world.trades())
            assert await ask(0, 0, 1_000, oldest=True) == every
            for at in range(0, len(every), 50):
                start_ns = every[at].open_time_ns
                assert await ask(start_ns, 0, 7, oldest=True) == every[at : at + 7]
                assert await ask(start_ns - 1, 0, 7, oldest=True) == every[at : at + 7]
                assert await ask(0, start_ns + 1, 7) == every[max(0, at - 6) : at + 1]
            assert await ask(2**61, 0, 7, oldest=True) == []


async def test_tops_of_all_markets_and_of_those_named(storage: Storage, world: MarketCore) -> None:
    follower = await Follower.start(storage, world.batches)
    await follower.follow(world.batches, flush=False)
    [every] = follower.service.views([])
    [named] = follower.service.views(["btc-usdt"])
    assert every == named == follower.service.view("btc-usdt")
    with pytest.raises(NotFound):
        follower.service.views(["btc-usdt", "doge-usdt"])
    with pytest.raises(InvalidField, match="markets"):
        follower.service.views(["btc-usdt"] * 1_001)


async def test_a_rebuild_without_old_rows_goes_on_counting(
    storage: Storage, world: MarketCore
) -> None:
    """Aggregates have the same ids whether or not retention keeps the rows before them."""
    follower = await Follower.start(storage, world.batches)
    half = len(world.batches) // 2
    storage._clock = ManualClock(world.time_ns + 8 * 86_400 * NS_PER_S)
    await follower.follow(world.batches[:half], flush=True)
    assert await storage.trades(1, 0, 2**62, 10) == []
    counted = follower.fold.counted
    assert await storage.counted() == counted
    storage._clock = ManualClock()
    follower = await Follower.start(storage, world.batches)
    await follower.follow(world.batches, flush=True)
    [first] = await storage.aggregates(1, 0, 2**62, 1, oldest=True)
    assert first.aggregate_id == counted[1].aggregate_id + 1
