"""Partitions of large tables by time: made before rows need them, dropped when nothing keeps them.

There are never more than retention and the span of one allow: rows older than what is kept are not
written, and rows are no newer than the exchange's time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

NS_PER_S = 1_000_000_000
DAY_S = 86_400
LOCK_TIMEOUT_MS = 1_000
"""How long a partition to be made or dropped waits for readers, and others wait behind it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a partition for each day, month or year: `suffix` is its name for strftime,
    digits only and the largest unit first; `span_days` the longest it can be. Rows are kept for
    `kept_s`."""

    name: str
    suffix: str
    span_days: int
    kept_s: int

    def partition(self, time_ns: int) -> str:
        """The name of the partition that a time is in; a later one is greater."""
        day = datetime.fromtimestamp(time_ns // NS_PER_S, UTC)
        return f"{self.name}_{day.strftime(self.suffix)}"

    def bounds_ns(self, partition: str) -> tuple[int, int]:
        """Start and (exclusive) end of a partition by its name."""
        start_ns = self._start_ns(partition)
        # A longest span after any start is within the next one.
        after = self.partition(start_ns + self.span_days * DAY_S * NS_PER_S)
        return start_ns, self._start_ns(after)

    def keeps_from_ns(self, now_ns: int) -> int:
        """The oldest time that is kept: where the partition begins in which retention ends."""
        return self._start_ns(self.partition(now_ns - self.kept_s * NS_PER_S))

    def _start_ns(self, partition: str) -> int:
        text = partition.removeprefix(f"{self.name}_")
        start = datetime.strptime(text, self.suffix).replace(tzinfo=UTC)
        return int(start.timestamp()) * NS_PER_S


_PARTITIONS = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = %s::regclass
"""
# Processes take turns; the lock ends with the transaction.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('tigerex-partitions-' || current_schema, 0))"


class Partitions:
    """Makes and drops the partitions of some tables; knows those that it has made."""

    def __init__(self, pool: AsyncConnectionPool[Any], tables: Sequence[Table]) -> None:
        self._pool = pool
        self._tables = tables
        self._known: set[str] = set()

    def forget(self) -> None:
        """Look again which there are: another process may have dropped one."""
        self._known.clear()

    async def ensure(self, times_ns: Mapping[Table, Iterable[int]], now_ns: int) -> None:
        """There is a partition for each of a table's times, and for now and the next span of every
        table. Raises psycopg.Error."""
        wanted: dict[str, Table] = {}
        for table in self._tables:
            _, next_ns = table.bounds_ns(table.partition(now_ns))
            days = {time_ns // (DAY_S * NS_PER_S) for time_ns in times_ns.get(table, ())}
            times = (now_ns, next_ns, *(day * DAY_S * NS_PER_S for day in days))
            wanted |= {table.partition(time_ns): table for time_ns in times}
        missing = {name: table for name, table in wanted.items() if name not in self._known}
        if not missing:
            return
        async with self._pool.connection() as connection, connection.transaction():
            await _take_turn(connection)
            for name, table in sorted(missing.items()):
                start_ns, end_ns = table.bounds_ns(name)
                await connection.execute(
                    sql.SQL(
                        "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})"
                    ).format(
                        sql.Identifier(name),
                        sql.Identifier(table.name),
                        sql.Literal(start_ns),
                        sql.Literal(end_ns),
                    )
                )
        self._known |= missing.keys()

    async def drop_old(self, now_ns: int) -> list[str]:
        """Drop those of which nothing is kept any more; their names. Raises psycopg.Error."""
        dropped = []
        for table in self._tables:
            oldest = table.partition(table.keeps_from_ns(now_ns))
            for name in await self._existing(table):
                if name >= oldest:
                    continue
                async with self._pool.connection() as connection, connection.transaction():
                    await _take_turn(connection)
                    await connection.execute(
                        sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name))
                    )
                self._known.discard(name)
                dropped.append(name)
        return dropped

    async def _existing(self, table: Table) -> list[str]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_PARTITIONS, (table.name,))
            return sorted(row[0] for row in await cursor.fetchall())


async def _take_turn(connection: AsyncConnection[Any]) -> None:
    await connection.execute(
        sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT_MS))
    )
    await connection.execute(_TURN)
