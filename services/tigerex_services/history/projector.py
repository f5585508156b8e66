"""The loops of history: read, fold and tell; write in batches; forget what is old."""

import asyncio
import logging
from collections.abc import AsyncIterator

from tigerex.history.v1 import history_pb2 as pb

from tigerex_platform.clock import Clock
from tigerex_services.history.fold import Fold, Update
from tigerex_services.history.hub import Hub
from tigerex_services.history.messages import update_message
from tigerex_services.history.pending import Pending
from tigerex_services.history.storage import Storage
from tigerex_services.pending import Writer
from tigerex_services.projection import AWAY, write_loop
from tigerex_services.stream import Batch

logger = logging.getLogger(__name__)

RETENTION_INTERVAL_S = 600.0


class Projector:
    """Keeps one fold, its rows and its followers up with the exchange."""

    def __init__(
        self, fold: Fold, pending: Pending, storage: Storage, hub: Hub, clock: Clock
    ) -> None:
        self._fold = fold
        self._pending = pending
        self._storage = storage
        self._hub = hub
        self._clock = clock
        self._writer = Writer(pending, storage.write)

    async def run(self, stream: AsyncIterator[Batch]) -> None:
        """Until cancelled. Raises what cannot be repaired here: IllegalTransitionError,
        JournalGapError."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(stream))
            tasks.create_task(write_loop(self._writer.write, self._clock))
            tasks.create_task(self._retention_loop())

    async def flush(self) -> None:
        """Keep all rows that wait; the last act of a process that ends in order."""
        await self._writer.flush()

    async def _read(self, stream: AsyncIterator[Batch]) -> None:
        async for batch in stream:
            await self._writer.space()
            update = self._fold.apply(batch, self._hub)
            self._pending.add(update)
            self._tell(update)

    def _tell(self, update: Update) -> None:
        for change in update.changes:
            message = update_message(change, update.seq, self._fold.directory)
            event = pb.FollowResponse(update=message).SerializeToString()
            self._hub.publish(change.account, event)

    async def _retention_loop(self) -> None:
        while True:
            try:
                for name in await self._storage.drop_old(self._fold.time_ns):
                    logger.info("partition %s is older than what is kept: dropped", name)
            except AWAY as error:
                logger.warning("nothing dropped, the database is away: %s", error)
            await self._clock.sleep(RETENTION_INTERVAL_S)
