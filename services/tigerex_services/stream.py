"""The exchange's ordered events for its followers: fast from Redis, complete from the journal.

Redis carries committed batches under the id `<seq>-0`. It may lose, trim or wipe them, and it may
be away; the journal is the truth. So a reader takes from Redis what is contiguous, and whenever
something is missing or nothing comes it asks the journal for the same range.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import numpy as np
import redis.asyncio as aioredis
from redis.exceptions import RedisError
from tigerex.exchange.v1 import journal_pb2 as pb

from tigerex_core.records import EVENT_WIDTH, Event, EventKind, Rows
from tigerex_platform.telemetry import metrics

logger = logging.getLogger(__name__)

STREAM_KEY = "tigerex:events"
STREAM_MAX_ENTRIES = 100_000  # approximate: Redis trims whole nodes
FIELD_TIME_NS = b"t"
FIELD_KERNEL_VERSION = b"v"
FIELD_EVENTS = b"e"

# Kernels from this version on write rows of today's columns; the first one wrote narrower ones.
LAYOUT_VERSION = 2
FIRST_VERSION = 1
FIRST_EVENT_WIDTH = 26

READ_BATCHES = 256  # entries taken from Redis at once
# The exchange ticks once a second: a longer silence means that Redis lacks something.
SILENCE_MS = 2_000
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 2.0


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one committed journal entry, read-only; `time_ns` since the Unix epoch."""

    seq: int
    time_ns: int
    events: Rows


class JournalReader(Protocol):
    """The part of JournalServiceStub that a reader needs."""

    def ReadJournal(self, request: pb.ReadJournalRequest, /) -> Any: ...  # noqa: N802, ANN401


class EventStream:
    """Batches from `from_seq` on, each exactly once, in order, without a gap, forever.

    Iteration ends only by cancellation: while Redis or the exchange is away, it retries with a
    bounded backoff.
    """

    def __init__(self, redis: "aioredis.Redis", journal: JournalReader, *, from_seq: int) -> None:
        if from_seq < 1:
            raise ValueError(f"from_seq is {from_seq}; the journal starts at 1")
        self._redis = redis
        self._journal = journal
        self._next = from_seq
        self._retry_s = RETRY_FIRST_S
        self._redis_away = False  # said once, not at each attempt

    @property
    def next_seq(self) -> int:
        """The seq of the batch that comes next."""
        return self._next

    async def __aiter__(self) -> AsyncIterator[Batch]:
        # The journal first: an empty Redis would let a late starter wait for nothing.
        async for batch in self._backfill():
            yield batch
        while True:
            fresh = await self._read_redis()
            if fresh is not None and fresh and fresh[0].seq == self._next:
                for batch in fresh:
                    if batch.seq != self._next:
                        break
                    self._handled(batch)
                    yield batch
                continue
            # A gap, a silence, or no Redis.
            async for batch in self._backfill():
                yield batch
            if fresh is None:
                await self._pause()

    async def _read_redis(self) -> list[Batch] | None:
        """What Redis has from the next seq on, after waiting for it; None when Redis is away."""
        try:
            answer = await self._redis.xread(
                {STREAM_KEY: f"{self._next - 1}-0"}, count=READ_BATCHES, block=SILENCE_MS
            )
        except (RedisError, OSError) as error:
            if not self._redis_away:
                logger.warning("event stream is away, reading the journal: %s", error)
            self._redis_away = True
            return None
        self._redis_away = False
        self._retry_s = RETRY_FIRST_S
        return decode_entries(answer)

    async def _backfill(self) -> AsyncIterator[Batch]:
        """Batches from the journal until its committed end, or until it does not answer."""
        while True:
            try:
                page = await self._journal.ReadJournal(pb.ReadJournalRequest(from_seq=self._next))
            except grpc.aio.AioRpcError as error:
                logger.warning("journal is away at seq %d: %s", self._next, error.details())
                await self._pause()
                return
            self._retry_s = RETRY_FIRST_S
            for entry in page.entries:
                if entry.seq != self._next:
                    raise JournalGapError(self._next, entry.seq)
                batch = Batch(entry.seq, entry.time_ns, rows_of(entry.events, entry.kernel_version))
                self._handled(batch)
                metrics.STREAM_BACKFILLED.add(1)
                yield batch
            if not page.entries or self._next > page.committed_seq:
                return

    def _handled(self, batch: Batch) -> None:
        self._next = batch.seq + 1
        metrics.STREAM_SEQ.set(batch.seq)
        metrics.STREAM_LAG.set(max(0.0, (time.time_ns() - batch.time_ns) / 1e9))

    async def _pause(self) -> None:
        await asyncio.sleep(self._retry_s)
        self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)


class JournalGapError(Exception):
    """The journal itself misses a seq: nothing a reader could repair."""

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(f"the journal continues with seq {got} where {expected} was expected")


def rows_of(events: bytes, kernel_version: int = LAYOUT_VERSION) -> Rows:
    """Event rows of the bytes that the journal and the stream carry, in today's columns."""
    words = np.frombuffer(events, dtype="<i8")
    if kernel_version == FIRST_VERSION:
        return _widened(words.reshape(-1, FIRST_EVENT_WIDTH))
    return words.reshape(-1, EVENT_WIDTH)


def _widened(old: Rows) -> Rows:
    """Rows of the first kernel with the columns it lacked.

    It knew no hidden lots and no fees in a third asset: every order rested as it was, and the asset
    of a fee stays 0, which means the one that was received.
    """
    rows = np.zeros((len(old), EVENT_WIDTH), np.int64)
    rows[:, : Event.OTHER_ASSET] = old[:, : Event.OTHER_ASSET]
    rows[:, Event.NAME :] = old[:, Event.OTHER_ASSET :]
    for kind, sign in ((EventKind.ORDER_RESTED, 1), (EventKind.ORDER_CANCELED, -1)):
        of_kind = rows[:, Event.KIND] == kind
        rows[of_kind, Event.VISIBLE] = sign * rows[of_kind, Event.REMAINING]
    return rows


def stream_id(seq: int) -> str:
    """The Redis id of a batch: publishing the same seq twice is refused by Redis."""
    return f"{seq}-0"


def decode_entries(answer: Any) -> list[Batch]:  # noqa: ANN401 - redis-py has three shapes of it
    """The batches of an XREAD answer of our one stream, in any of redis-py's shapes."""
    if not answer:
        return []
    entries = next(iter(answer.values())) if isinstance(answer, dict) else answer[0][1]
    if entries and isinstance(entries[0], list):
        entries = entries[0]
    return [
        Batch(
            seq_of(entry_id),
            int(fields[FIELD_TIME_NS]),
            rows_of(fields[FIELD_EVENTS], int(fields[FIELD_KERNEL_VERSION])),
        )
        for entry_id, fields in entries
    ]


def seq_of(entry_id: bytes | str) -> int:
    """The seq behind a Redis id, as `stream_id` made it."""
    text = entry_id.decode("ascii") if isinstance(entry_id, bytes) else entry_id
    return int(text.partition("-")[0])
