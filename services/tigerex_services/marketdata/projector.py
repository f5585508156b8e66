"""The loops of market data: read and fold, write in batches, publish depths, forget what is old."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc

from tigerex_platform.clock import Clock
from tigerex_services.marketdata.book import Book
from tigerex_services.marketdata.fold import Fold
from tigerex_services.marketdata.pending import Pending, Rows
from tigerex_services.marketdata.publisher import DEPTH_INTERVAL_S, Publisher
from tigerex_services.marketdata.storage import Storage
from tigerex_services.pending import Writer
from tigerex_services.projection import AWAY, write_loop
from tigerex_services.stream import Batch

logger = logging.getLogger(__name__)

PRUNE_INTERVAL_S = 60.0

LoadBook = Callable[[int], Awaitable[Book]]


class Projector:
    """Keeps one fold, its rows and its subscribers up with the exchange."""

    def __init__(
        self,
        fold: Fold,
        pending: Pending,
        storage: Storage,
        publisher: Publisher,
        load_book: LoadBook,
        clock: Clock,
    ) -> None:
        self._fold = fold
        self._pending = pending
        self._storage = storage
        self._publisher = publisher
        self._load_book = load_book
        self._clock = clock
        self._writer = Writer(pending, self._keep)

    async def run(self, stream: AsyncIterator[Batch]) -> None:
        """Until cancelled. Raises what cannot be repaired here: BookError, JournalGapError."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(stream))
            tasks.create_task(write_loop(self._writer.write, self._clock))
            tasks.create_task(self._depth_loop())
            tasks.create_task(self._prune_loop())

    async def flush(self) -> None:
        """Keep all rows that wait; the last act of a process that ends in order."""
        await self._writer.flush()

    async def _keep(self, rows: Rows) -> None:
        candles = list(rows.candles.values())
        await self._storage.write(rows.trades, rows.aggregates, candles, rows.seq, rows.time_ns)

    async def _read(self, stream: AsyncIterator[Batch]) -> None:
        async for batch in stream:
            await self._writer.space()
            update = self._fold.apply(batch)
            self._pending.add(update)
            self._publisher.publish(update)
            await self._renew_cut_books(update.books)

    async def _renew_cut_books(self, moved: set[int]) -> None:
        """A book that began as a cut snapshot gets a new one before its known levels run out."""
        for market_id in moved:
            before = self._fold.books[market_id]
            if not before.needs_snapshot:
                continue
            try:
                book = await self._load_book(market_id)
            except grpc.aio.AioRpcError as error:  # the next change tries again
                logger.warning("no new book of market %d: %s", market_id, error.details())
                continue
            book.replace(before)
            self._fold.books[market_id] = book
            self._publisher.publish_books({market_id})

    async def _depth_loop(self) -> None:
        while True:
            await self._clock.sleep(DEPTH_INTERVAL_S)
            self._publisher.publish_depths()

    async def _prune_loop(self) -> None:
        while True:
            await self._clock.sleep(PRUNE_INTERVAL_S)
            try:
                await self._storage.prune(self._fold.time_ns)
            except AWAY as error:
                logger.warning("nothing pruned, the database is away: %s", error)
