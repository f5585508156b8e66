"""The partitions of the large tables: made before rows need them, dropped when nothing keeps them.

There are never more than retention and the span of one allow: rows older than what is kept are not
written, and rows are no newer than the exchange's time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

from tigerex_services.marketdata.candles import NS_PER_S

_DAY_S = 86_400
_YEAR_S = 366 * _DAY_S
LOCK_TIMEOUT_MS = 1_000
"""How long a partition to be made or dropped waits for readers, and others wait behind it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a partition for each day, month or year: `suffix` is its name for strftime,
    `span_days` the longest it can be; rows are kept for `kept_s`."""

    name: str
    suffix: str
    span_days: int
    kept_s: int

    def partition(self, time_ns: int) -> str:
        """The name of the partition that a time is in."""
        day = datetime.fromtimestamp(time_ns // NS_PER_S, UTC)
        return f"{self.name}_{day.strftime(self.suffix)}"

    def bounds_ns(self, partition: str) -> tuple[int, int]:
        """Start and (exclusive) end of a partition by its name."""
        begin_ns = self._start_ns(partition)
        # A longest span after any start is within the next one.
        after = self.partition(begin_ns + self.span_days * _DAY_S * NS_PER_S)
        return begin_ns, self._start_ns(after)

    def keeps_from_ns(self, now_ns: int) -> int:
        """The oldest time that retention keeps."""
        return now_ns - self.kept_s * NS_PER_S

    def _start_ns(self, partition: str) -> int:
        text = partition.removeprefix(f"{self.name}_")
        start = datetime.strptime(text, self.suffix).replace(tzinfo=UTC)
        return int(start.timestamp()) * NS_PER_S


TRADES = Table("trades", "%Y%m%d", 1, 7 * _DAY_S)
AGGREGATE_TRADES = Table("aggregate_trades", "%Y%m%d", 1, 7 * _DAY_S)
CANDLES: Mapping[int, Table] = {
    1: Table("candles_1s", "%Y%m%d", 1, _DAY_S),
    60: Table("candles_1m", "%Y%m", 31, _YEAR_S),
    300: Table("candles_5m", "%Y%m", 31, _YEAR_S),
    1_800: Table("candles_30m", "%Y", 366, 5 * _YEAR_S),
    3_600: Table("candles_1h", "%Y", 366, 5 * _YEAR_S),
    14_400: Table("candles_4h", "%Y", 366, 5 * _YEAR_S),
}
"""By seconds; candles of a day are kept for ever, in one table."""
TABLES = (TRADES, AGGREGATE_TRADES, *CANDLES.values())

_PARTITIONS = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = %s::regclass
"""
# Processes take turns; the lock ends with the transaction.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('tigerex-marketdata-partitions', 0))"


class Partitions:
    """Makes and drops partitions; knows those that it has seen."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._known: set[str] = set()

    def forget(self) -> None:
        """Look again which there are: another process may have dropped one."""
        self._known.clear()

    async def ensure(self, times_ns: Mapping[Table, Iterable[int]], now_ns: int) -> None:
        """There is a partition for each of a table's times, and for now and the next span of every
        table. Raises psycopg.Error."""
        wanted: dict[str, Table] = {}
        for table in TABLES:
            _, next_ns = table.bounds_ns(table.partition(now_ns))
            days = {time_ns // (_DAY_S * NS_PER_S) for time_ns in times_ns.get(table, ())}
            times = (now_ns, next_ns, *(day * _DAY_S * NS_PER_S for day in days))
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

    async def drop_old(self, now_ns: int) -> int:
        """Drop those of which nothing is kept any more; how many it was. Raises psycopg.Error."""
        dropped = 0
        for table in TABLES:
            for name in await self._existing(table):
                if table.bounds_ns(name)[1] > table.keeps_from_ns(now_ns):
                    continue
                async with self._pool.connection() as connection, connection.transaction():
                    await _take_turn(connection)
                    await connection.execute(
                        sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name))
                    )
                self._known.discard(name)
                dropped += 1
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
