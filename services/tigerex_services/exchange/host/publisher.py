"""Publishes committed entries to the Redis stream, and never holds up the host.

Redis may be away, slow or wiped: entries wait in a bounded buffer whose oldest give way, and
followers fetch what they miss from the journal.
"""

import asyncio
import logging
from collections import deque
from itertools import islice

import redis.asyncio as aioredis
from redis.exceptions import ResponseError

from tigerex_platform.telemetry import metrics
from tigerex_services import stream
from tigerex_services.exchange.entry import JournalEntry

logger = logging.getLogger(__name__)

BUFFER_ENTRIES_MAX = 4_096
BUFFER_BYTES_MAX = 64 * 2**20
PIPELINE_ENTRIES_MAX = 64
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 2.0


class Publisher:
    """A bounded buffer in front of one Redis stream."""

    def __init__(self, redis: "aioredis.Redis") -> None:
        self._redis = redis
        self._buffer: deque[JournalEntry] = deque()
        self._buffer_bytes = 0
        self._filled = asyncio.Event()

    def publish(self, entry: JournalEntry) -> None:
        """Take an entry that is committed; returns at once."""
        self._buffer.append(entry)
        self._buffer_bytes += len(entry.events)
        while len(self._buffer) > BUFFER_ENTRIES_MAX or self._buffer_bytes > BUFFER_BYTES_MAX:
            self._drop_oldest()
        self._filled.set()

    async def run(self, committed_seq: int) -> None:
        """Send until cancelled; `committed_seq` is the journal's end at the start."""
        retry_s = RETRY_FIRST_S
        checked = False
        while True:
            await self._filled.wait()
            sent = list(islice(self._buffer, PIPELINE_ENTRIES_MAX))
            try:
                if not checked:
                    await self._discard_beyond(committed_seq)
                checked = True
                await self._send(sent)
            except Exception as error:  # noqa: BLE001 - whatever Redis does, the host goes on
                if retry_s == RETRY_FIRST_S:  # said once, not at each attempt
                    logger.warning("events are not published, followers use the journal: %s", error)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_MAX_S)
                continue
            retry_s = RETRY_FIRST_S
            metrics.EXCHANGE_PUBLISHED_SEQ.set(sent[-1].seq)
            while self._buffer and self._buffer[0].seq <= sent[-1].seq:
                self._drop_oldest()
            if not self._buffer:
                self._filled.clear()

    async def _discard_beyond(self, committed_seq: int) -> None:
        """Delete a stream that ends behind the journal: it tells another journal's history."""
        for entry_id, _ in await self._redis.xrevrange(stream.STREAM_KEY, count=1) or ():
            if entry_id is not None and stream.seq_of(entry_id) > committed_seq:
                logger.warning("discarding a stream ahead of journal entry %d", committed_seq)
                await self._redis.delete(stream.STREAM_KEY)

    async def _send(self, entries: list[JournalEntry]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for entry in entries:
            pipeline.xadd(
                stream.STREAM_KEY,
                {
                    stream.FIELD_TIME_NS: str(entry.time_ns),
                    stream.FIELD_KERNEL_VERSION: str(entry.kernel_version),
                    stream.FIELD_EVENTS: entry.events,
                },
                id=stream.stream_id(entry.seq),
                maxlen=stream.STREAM_MAX_ENTRIES,
                approximate=True,
            )
        for result in await pipeline.execute(raise_on_error=False):
            # "ID is equal or smaller": published before. Anything else would fail forever just
            # as well, and followers have the journal.
            if isinstance(result, ResponseError):
                logger.debug("entry not published: %s", result)
            elif isinstance(result, Exception):
                raise result

    def _drop_oldest(self) -> None:
        self._buffer_bytes -= len(self._buffer.popleft().events)
