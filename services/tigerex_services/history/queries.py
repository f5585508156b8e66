"""What is read of the tables: one account's rows, each query along one index.

The first rows from an id or a time on, or the newest ones (`newest`), always sorted by id: ids and
times of an account's orders, and of a market's trades, grow together.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from psycopg.rows import BaseRowFactory, args_row, kwargs_row
from psycopg_pool import AsyncConnectionPool

from tigerex_services.history.fold import KeptFill, KeptList, KeptOrder
from tigerex_services.history.rows import FILLS, LISTS, ORDERS, kept_fill, kept_order

INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows: ids from `from_id` on, times in [start, end), at most `limit`."""

    from_id: int
    start_ns: int
    end_ns: int
    limit: int

    @property
    def newest(self) -> bool:
        """Without a beginning the newest rows are wanted."""
        return not (self.from_id or self.start_ns)

    @property
    def timed(self) -> bool:
        return self.start_ns > 0 or self.end_ns < INT64_MAX

    def has(self, row_id: int, time_ns: int) -> bool:
        return row_id >= self.from_id and self.start_ns <= time_ns < self.end_ns

    def cut(self, rows: list[Any]) -> list[Any]:
        """The wanted ones of rows that are sorted by id."""
        return rows[-self.limit :] if self.newest else rows[: self.limit]


class Queries:
    """Reads the schema `history`. All raise psycopg.Error."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def orders(self, account: int, market: int, span: Span) -> list[KeptOrder]:
        statement = orders_statement(span)
        values = (account, market, span.from_id, span.start_ns, span.end_ns, span.limit)
        return await self._rows(statement, values, kwargs_row(kept_order))

    async def orders_of_lists(
        self, account: int, markets: Collection[int], ids: Collection[int], since_ns: int
    ) -> list[KeptOrder]:
        """Orders with these ids that are open, or ended from a time on."""
        values = (account, list(markets), list(ids), since_ns)
        return await self._rows(ORDERS_OF_LISTS, values, kwargs_row(kept_order))

    async def fills(self, account: int, market: int, order_id: int, span: Span) -> list[KeptFill]:
        """Of one order, or (0) of all."""
        statement = fills_statement(span, of_order=order_id > 0)
        values = (account, market, span.from_id, span.start_ns, span.end_ns)
        ends = (order_id, span.limit) if order_id else (span.limit,)
        return await self._rows(statement, (*values, *ends), args_row(kept_fill))

    async def lists(self, account: int, span: Span) -> list[KeptList]:
        values = (account, span.from_id, span.start_ns, span.end_ns, span.limit)
        return await self._rows(lists_statement(span), values, args_row(KeptList))

    async def _rows(
        self, statement: str, values: tuple[object, ...], factory: BaseRowFactory[Any]
    ) -> list[Any]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=factory)
            await cursor.execute(statement, values)
            found: list[Any] = await cursor.fetchall()
            return found


def orders_statement(span: Span) -> str:
    """Values: account, market, from id, start, end, limit."""
    return (
        f"SELECT {ORDERS} FROM orders"  # noqa: S608 - columns are constants
        " WHERE account_id = %s AND market_id = %s AND order_id >= %s"
        " AND created_ns >= %s AND created_ns < %s"
        f" ORDER BY {_order(span, 'created_ns', 'order_id')} LIMIT %s"
    )


def fills_statement(span: Span, *, of_order: bool) -> str:
    """Values: account, market, from id, start, end, the order's id where there is one, limit."""
    ids = _order(span, "", "trade_id", "maker")
    return (
        f"SELECT {FILLS} FROM fills"  # noqa: S608 - columns are constants
        " WHERE account_id = %s AND market_id = %s AND trade_id >= %s"
        " AND time_ns >= %s AND time_ns < %s"
        + (
            f" AND order_id = %s ORDER BY {ids} LIMIT %s"
            if of_order
            else f" ORDER BY {_order(span, 'time_ns', 'trade_id', 'maker')} LIMIT %s"
        )
    )


def lists_statement(span: Span) -> str:
    """Values: account, from id, start, end, limit."""
    return (
        f"SELECT {LISTS} FROM order_lists"  # noqa: S608 - columns are constants
        " WHERE account_id = %s AND list_id >= %s AND created_ns >= %s AND created_ns < %s"
        f" ORDER BY {_order(span, 'created_ns', 'list_id')} LIMIT %s"
    )


ORDERS_OF_LISTS = (
    f"SELECT {ORDERS} FROM orders"  # noqa: S608 - columns are constants
    " WHERE account_id = %s AND market_id = ANY(%s) AND order_id = ANY(%s)"
    " AND (ended_ns = 0 OR ended_ns >= %s)"
)


def _order(span: Span, time: str, *ids: str) -> str:
    """By time where a time is asked for: along the index that finds it."""
    columns = (time, *ids) if time and span.timed else ids
    return ", ".join(f"{column} {'DESC' if span.newest else 'ASC'}" for column in columns)
