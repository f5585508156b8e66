"""Keeps the journal: the one writing connection with its lock, and reading.

The advisory lock lives and dies with the writer's connection, so whoever holds it is the only one
that can append; the primary key `seq` is the fence against a writer that does not know yet that it
lost its connection.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from tigerex_platform.errors import Refused
from tigerex_services.exchange.entry import FIRST_SEQ, Head, JournalEntry
from tigerex_services.exchange.storage.archive import Archive

logger = logging.getLogger(__name__)

SETTLE_MAX_S = 30.0  # how long a lost connection may stay away before the process gives up
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 1.0
SCAN_ROWS = 256  # entries fetched at once by a scan

_COLUMNS = "format_version, seq, kernel_version, time_ns, commands, events, prev_hash, hash"
_INSERT = f"INSERT INTO journal ({_COLUMNS}) VALUES (%s, %s, %s, %s, %b, %b, %b, %b)"  # noqa: S608
_HEAD = "SELECT seq, time_ns, hash FROM journal ORDER BY seq DESC LIMIT 1"
_FROM = f"SELECT {_COLUMNS} FROM journal WHERE seq >= %s ORDER BY seq LIMIT %s"  # noqa: S608
_OLDEST = "SELECT min(seq) FROM journal"
_NEWEST = f"SELECT {_COLUMNS} FROM journal ORDER BY seq DESC LIMIT 1"  # noqa: S608
# Of the server towards the leader: silence is noticed after 3 s, an unanswered word after 3 s.
_KEEPALIVE = (
    "SET tcp_keepalives_idle = 1",
    "SET tcp_keepalives_interval = 1",
    "SET tcp_keepalives_count = 2",
    "SET tcp_user_timeout = 3000",
)
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class AppendError(Exception):
    """The database refused an entry: this process must not go on."""


class DeposedError(Exception):
    """Another writer has the journal: this process must not go on."""


class JournalWriter:
    """The writing end: one connection that holds the tenant's lock while this process leads."""

    def __init__(self, conninfo: Callable[[], str], lock_name: str) -> None:
        """`conninfo` is asked before each connection, so that a rotated password is picked up."""
        self._conninfo = conninfo
        self._lock_name = lock_name
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None

    async def try_lead(self) -> bool:
        """True when this process now holds the lock. Raises psycopg.OperationalError."""
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
        cursor = await self._connection.execute(_LOCK, (self._lock_name,))
        row = await cursor.fetchone()
        return bool(row and row[0])

    async def append(self, entry: JournalEntry) -> None:
        """Return when the entry is committed.

        When the connection breaks the result is unknown: reconnect, take the lock again and compare
        what the journal holds. Raises AppendError or DeposedError when this process must stop.
        """
        try:
            await self._insert(entry)
        except psycopg.Error as error:
            if self._connection is not None and not self._connection.closed:
                raise AppendError(f"entry {entry.seq} was refused: {error}") from error
            logger.warning("connection lost while committing entry %d: %s", entry.seq, error)
            await self._settle(entry)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _settle(self, entry: JournalEntry) -> None:
        now_s = asyncio.get_running_loop().time
        deadline_s = now_s() + SETTLE_MAX_S
        delay_s = RETRY_FIRST_S
        while now_s() < deadline_s:
            try:
                if await self._settled(entry):
                    return
            except psycopg.OperationalError as error:
                logger.warning("journal is away: %s", error)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MAX_S)
        raise AppendError(f"the result of entry {entry.seq} stayed unknown for {SETTLE_MAX_S} s")

    async def _settled(self, entry: JournalEntry) -> bool:
        """One attempt, with the lock held again, so that no other writer can interfere."""
        if not await self.try_lead():
            head = await self._head()
            if head.seq >= entry.seq and head.hash != entry.hash:
                raise DeposedError(f"another writer has committed entry {head.seq}")
            return False
        head = await self._head()
        if head.hash == entry.prev_hash:
            # It was not committed, and nobody else wrote: the same bytes again.
            await self._insert(entry)
            return True
        if head.hash != entry.hash:
            raise DeposedError(f"another writer has committed entry {head.seq}")
        return True

    async def _insert(self, entry: JournalEntry) -> None:
        if self._connection is None:
            raise DeposedError("no connection holds the lock")
        await self._connection.execute(
            _INSERT,
            (
                entry.format_version,
                entry.seq,
                entry.kernel_version,
                entry.time_ns,
                entry.commands,
                entry.events,
                entry.prev_hash,
                entry.hash,
            ),
            prepare=True,
        )

    async def _head(self) -> Head:
        if self._connection is None:
            raise DeposedError("no connection holds the lock")
        cursor = await self._connection.execute(_HEAD)
        row = await cursor.fetchone()
        return Head(row[0], row[1], bytes(row[2])) if row else Head()

    async def _connect(self) -> psycopg.AsyncConnection[TupleRow]:
        connection = await psycopg.AsyncConnection.connect(self._conninfo(), autocommit=True)
        # The server notices a leader whose machine vanished, and gives its lock free.
        for setting in _KEEPALIVE:
            await connection.execute(setting)
        return connection


class EntriesArchived(Refused):
    """Entries left the database for an archive that this process does not have."""

    def __init__(self, oldest: int) -> None:
        super().__init__(
            "ENTRIES_ARCHIVED",
            f"the database has entries from {oldest} on, older ones are archived: mount the"
            " archive and set TIGEREX_ARCHIVE_DIR",
        )


class JournalReader:
    """Reads committed entries over the read connections, and archived ones where there are any."""

    def __init__(self, pool: AsyncConnectionPool[Any], archive: Archive | None = None) -> None:
        self._pool = pool
        self._archive = archive

    async def entries(self, from_seq: int, limit: int) -> list[JournalEntry]:
        """At most `limit` entries from `from_seq` on, oldest first.

        Raises EntriesArchived when they are in an archive that is not here.
        """
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_FROM, (from_seq, limit), binary=True)
            found = [JournalEntry(*row) for row in await cursor.fetchall()]
        if found and found[0].seq > from_seq:
            older = await self._archived(from_seq, limit, found[0].seq)
            if len(older) < limit:  # the end of a segment
                older += await self.entries(older[-1].seq + 1, limit - len(older))
            return older
        return found

    async def _archived(self, from_seq: int, limit: int, oldest: int) -> list[JournalEntry]:
        if self._archive is None:
            raise EntriesArchived(oldest)
        found = await asyncio.to_thread(self._archive.read, from_seq, limit)
        if not found:
            raise EntriesArchived(oldest)
        return found

    async def events(
        self, from_seq: int, limit: int, max_bytes: int
    ) -> list[tuple[int, int, int, bytes]]:
        """(seq, kernel version, time, events) of entries from `from_seq` on.

        Stops before `max_bytes` of events, but gives at least one entry where there is one.
        """
        page: list[tuple[int, int, int, bytes]] = []
        size = 0
        async with self._pool.connection() as connection:
            async for row in self._scan_events(connection, from_seq, limit):
                size += len(row[3])
                if page and size > max_bytes:
                    break
                page.append(row)
        if page and page[0][0] > from_seq:
            return _fitting(await self._archived(from_seq, limit, page[0][0]), max_bytes)
        return page

    async def newest(self) -> JournalEntry | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_NEWEST, binary=True)
            row = await cursor.fetchone()
            return JournalEntry(*row) if row else None

    async def entry(self, seq: int) -> JournalEntry | None:
        found = await self.entries(seq, 1)
        return found[0] if found and found[0].seq == seq else None

    async def _scan_events(
        self, connection: psycopg.AsyncConnection[Any], from_seq: int, limit: int
    ) -> AsyncIterator[tuple[int, int, int, bytes]]:
        fetched = 0
        while fetched < limit:
            count = min(32, limit - fetched)
            cursor = await connection.execute(
                "SELECT seq, kernel_version, time_ns, events FROM journal"
                " WHERE seq >= %s ORDER BY seq LIMIT %s",
                (from_seq, count),
                binary=True,
            )
            rows = await cursor.fetchall()
            for row in rows:
                yield row
            fetched += len(rows)
            if len(rows) < count:
                return
            from_seq = rows[-1][0] + 1


def _fitting(entries: list[JournalEntry], max_bytes: int) -> list[tuple[int, int, int, bytes]]:
    """The events of the first entries, of one at least, that do not exceed the size together."""
    page: list[tuple[int, int, int, bytes]] = []
    size = 0
    for entry in entries:
        size += len(entry.events)
        if page and size > max_bytes:
            break
        page.append((entry.seq, entry.kernel_version, entry.time_ns, entry.events))
    return page


def entries_of(
    connection: psycopg.Connection[TupleRow], from_seq: int = FIRST_SEQ
) -> Iterator[JournalEntry]:
    """The database's entries from `from_seq` on."""
    while True:
        rows = connection.execute(_FROM, (from_seq, SCAN_ROWS), binary=True).fetchall()
        for row in rows:
            yield JournalEntry(*row)
        if len(rows) < SCAN_ROWS:
            return
        from_seq = rows[-1][1] + 1


def scan(
    conninfo: str, from_seq: int = FIRST_SEQ, archive: Archive | None = None
) -> Iterator[JournalEntry]:
    """All entries from `from_seq` on, over a connection of its own, for threads and tools.

    Raises EntriesArchived when the first ones are in an archive that is not given.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        oldest = connection.execute(_OLDEST).fetchone()
        first = oldest[0] if oldest else None
        if first is not None and first > from_seq:
            if archive is None:
                raise EntriesArchived(first)
            for entry in archive.scan(from_seq):
                if entry.seq != from_seq:
                    break
                yield entry
                from_seq += 1
            if from_seq < first:
                raise EntriesArchived(first)
        yield from entries_of(connection, from_seq)
