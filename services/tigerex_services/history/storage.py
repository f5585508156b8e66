"""Keeps accounts, orders, order lists, fills and the last folded seq: one transaction for a range's
rows and its end.

What is open stands in a partition of its own, under the time 0, and leaves it when it ends. Rows
are written only by who is ahead of what is kept: of two processes that fold the same journal the
one that is behind writes nothing, and a rebuild gives the same rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import args_row, kwargs_row
from psycopg_pool import AsyncConnectionPool

from tigerex_core.records import AccountKind
from tigerex_services.directory import AccountInfo
from tigerex_services.history.fold import KeptList, KeptOrder
from tigerex_services.history.pending import Rows
from tigerex_services.history.rows import (
    ENDED_AT,
    FILL_COLUMNS,
    LIST_COLUMNS,
    LISTS,
    ORDER_COLUMNS,
    ORDERS,
    fill_row,
    kept_order,
)
from tigerex_services.partitions import DAY_S, Partitions, Table

KEPT_S = 2 * 366 * DAY_S
ORDER_TABLE, LIST_TABLE, FILL_TABLE = TABLES = tuple(
    Table(name, "%Y%m", 31, KEPT_S) for name in ("orders", "order_lists", "fills")
)
ACCOUNT_COLUMNS = {
    "account_id": "bigint",
    "user_id": "bigint",
    "user_name": "text",
    "name": "text",
    "kind": "smallint",
}


def _insert(table: str, columns: Mapping[str, str]) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608


_KEEP = " ON CONFLICT DO NOTHING"
_REPLACE = " ON CONFLICT (account_id, market_id, order_id, ended_ns) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ORDER_COLUMNS
)
INSERT_ACCOUNTS = _insert("accounts", ACCOUNT_COLUMNS) + _KEEP
INSERT_ORDERS = _insert("orders", ORDER_COLUMNS) + _REPLACE
INSERT_LISTS = _insert("order_lists", LIST_COLUMNS) + _KEEP
INSERT_FILLS = _insert("fills", FILL_COLUMNS) + _KEEP
# What has ended leaves its open form behind.
REMOVE_ORDERS = """
DELETE FROM orders USING unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS ended (a, m, o)
WHERE ended_ns = 0 AND account_id = a AND market_id = m AND order_id = o
"""
REMOVE_LISTS = """
DELETE FROM order_lists USING unnest(%s::bigint[], %s::bigint[]) AS ended (a, l)
WHERE ended_ns = 0 AND account_id = a AND list_id = l
"""
PROGRESS = "SELECT last_seq, time_ns FROM folded"
OPEN_ORDERS = f"SELECT {ORDERS} FROM orders WHERE ended_ns = 0"  # noqa: S608 - constants
# Each along the index, however few or many there are.
ENDED_ORDERS = f"""
SELECT ended.* FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS key (a, m, o)
CROSS JOIN LATERAL (
    SELECT {ORDERS} FROM orders
    WHERE account_id = a AND market_id = m AND order_id = o AND ended_ns > 0 LIMIT 1
) AS ended
"""  # noqa: S608 - columns are constants


class Storage:
    """Rows of the schema `history`; `read` is who answers queries. All raise psycopg.Error."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._partitions = Partitions(pool, TABLES)

    async def progress(self) -> tuple[int, int]:
        """The last seq whose rows are kept, and its time; (0, 0) in the beginning."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(PROGRESS)).fetchone()
            return (row[0], row[1]) if row else (0, 0)

    async def write(self, rows: Rows) -> None:
        """Keep the rows, all or nothing."""
        orders, lists = rows.order_rows, list(rows.lists.values())
        fills = [fill_row(fill) for fill in rows.fills]
        times_ns = {
            ORDER_TABLE: [time_ns for row in orders if (time_ns := row[ENDED_AT])],
            LIST_TABLE: [kept.ended_ns for kept in lists if kept.ended_ns],
            FILL_TABLE: [fill.record.time_ns for fill in rows.fills],
        }
        try:
            if rows.time_ns:
                await self._partitions.ensure(times_ns, rows.time_ns)
            async with self._pool.connection() as connection, connection.transaction():
                cursor = await connection.execute(f"{PROGRESS} FOR UPDATE")
                (last_seq, _) = await cursor.fetchone() or (0, 0)
                if last_seq >= rows.seq:
                    return
                await _execute(connection, INSERT_ACCOUNTS, map(_account_row, rows.accounts))
                ended = (row[:3] for row in orders if row[ENDED_AT])
                await _execute(connection, REMOVE_ORDERS, ended)
                await _execute(connection, INSERT_ORDERS, orders)
                done = (kept[:2] for kept in lists if kept.ended_ns)
                await _execute(connection, REMOVE_LISTS, done)
                await _execute(connection, INSERT_LISTS, lists)
                await _execute(connection, INSERT_FILLS, fills)
                await connection.execute(
                    "UPDATE folded SET last_seq = %s, time_ns = %s", (rows.seq, rows.time_ns)
                )
        except psycopg.Error:
            self._partitions.forget()  # one may have been dropped by another process
            raise

    async def reset(self) -> None:
        """Forget everything, to be rebuilt from the journal."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("TRUNCATE accounts, orders, order_lists, fills")
            await connection.execute("UPDATE folded SET last_seq = 0, time_ns = 0")

    async def accounts(self) -> list[AccountInfo]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(_account))
            await cursor.execute(f"SELECT {', '.join(ACCOUNT_COLUMNS)} FROM accounts")  # noqa: S608
            accounts: list[AccountInfo] = await cursor.fetchall()
            return accounts

    async def open_orders(self) -> list[KeptOrder]:
        return await self._orders(OPEN_ORDERS, ())

    async def ended_orders(self, keys: Sequence[tuple[int, int, int]]) -> list[KeptOrder]:
        """Orders that are not open any more, by account, market and id."""
        columns = [list(column) for column in zip(*keys, strict=True)]
        return await self._orders(ENDED_ORDERS, columns) if columns else []

    async def _orders(self, statement: str, values: Sequence[object]) -> list[KeptOrder]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=kwargs_row(kept_order))
            await cursor.execute(statement, values)
            orders: list[KeptOrder] = await cursor.fetchall()
            return orders

    async def open_lists(self) -> list[KeptList]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(KeptList))
            await cursor.execute(f"SELECT {LISTS} FROM order_lists WHERE ended_ns = 0")  # noqa: S608
            lists: list[KeptList] = await cursor.fetchall()
            return lists

    async def drop_old(self, now_ns: int) -> list[str]:
        """Drop the partitions of which retention keeps nothing; their names."""
        return await self._partitions.drop_old(now_ns)


async def _execute(
    connection: AsyncConnection[Any], statement: str, rows: Iterable[tuple[object, ...]]
) -> None:
    """A statement over columns of rows; none for no rows."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    if columns:
        await connection.execute(statement, columns)


def _account_row(account: AccountInfo) -> tuple[object, ...]:
    return account.account_id, account.user_id, account.user, account.name, int(account.kind)


def _account(account_id: int, user_id: int, user: str, name: str, kind: int) -> AccountInfo:
    return AccountInfo(account_id, user_id, user, name, AccountKind(kind))
