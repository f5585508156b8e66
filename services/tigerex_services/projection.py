"""What all services that project the journal into tables do: wait for the exchange, begin where the
rows end, and write."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import grpc
import psycopg
from tigerex.exchange.v1 import journal_pb2

from tigerex_platform.clock import Clock
from tigerex_platform.errors import TigerExError, from_rpc_error
from tigerex_platform.retry import backoff_s, retry

logger = logging.getLogger(__name__)

LOAD_ATTEMPTS = 60  # about two minutes for the exchange to come up
LOAD_FIRST_S = 0.2
LOAD_MAX_S = 4.0
WRITE_INTERVAL_S = 0.2
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0
LAST_WRITE_S = 5.0

AWAY = (psycopg.Error, OSError, TimeoutError)
"""What a database that is away raises."""

Loaded = TypeVar("Loaded")


async def until_loaded(load: Callable[[], Awaitable[Loaded]]) -> Loaded:
    """The result as soon as the exchange answers. Raises TigerExError when it does not."""

    async def attempt() -> Loaded:
        try:
            return await load()
        except grpc.aio.AioRpcError as error:
            logger.info("waiting for the exchange: %s", error.details())
            raise from_rpc_error(error) from error

    return await retry(
        attempt,
        attempts=LOAD_ATTEMPTS,
        first_delay_s=LOAD_FIRST_S,
        max_delay_s=LOAD_MAX_S,
        retryable=lambda error: isinstance(error, TigerExError) and error.retryable,
    )


class Journal(Protocol):
    """The part of JournalServiceStub that is needed."""

    def ReadJournal(self, request: journal_pb2.ReadJournalRequest, /) -> Any: ...  # noqa: N802, ANN401


class Tables(Protocol):
    """Those of a projection."""

    async def progress(self) -> tuple[int, int]:
        """The last seq whose rows are kept, and its time."""

    async def reset(self) -> None:
        """Forget everything."""


async def kept_progress(tables: Tables, journal: Journal) -> tuple[int, int]:
    """The last seq whose rows are kept, and its time.

    Rows from beyond the journal's end belong to another journal: they are dropped, to be rebuilt.
    """
    seq, time_ns = await tables.progress()
    # Asks for that entry, not for the first one, which may be archived.
    asked = journal_pb2.ReadJournalRequest(from_seq=max(1, seq), max_entries=1)
    page = await journal.ReadJournal(asked)
    if seq <= page.committed_seq:
        return seq, time_ns
    logger.warning(
        "rows reach to seq %d, the journal to %d: rebuilding from the journal",
        seq,
        page.committed_seq,
    )
    await tables.reset()
    return await tables.progress()


async def write_loop(write: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Call `write` again and again, later and later while the database is away; until cancelled."""
    failures = 0
    while True:
        try:
            await write()
            failures = 0
        except AWAY as error:
            failures += 1
            logger.warning("rows wait, the database is away: %s", error)
            await clock.sleep(backoff_s(failures, RETRY_FIRST_S, RETRY_MAX_S))
        await clock.sleep(WRITE_INTERVAL_S)


async def write_last(write: Callable[[], Awaitable[None]]) -> None:
    """The last write; without it the next process folds a little again."""
    try:
        async with asyncio.timeout(LAST_WRITE_S):
            await write()
    except AWAY as error:
        logger.warning("the last rows are not kept, the next process folds them: %s", error)
