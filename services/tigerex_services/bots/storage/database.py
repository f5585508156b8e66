"""Rows as the service's dataclasses."""

from dataclasses import fields
from typing import Any, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tigerex_services.bots.model import BotRow, RunRow

Row = TypeVar("Row")
Connection = AsyncConnection[Any]

BOT_COLUMNS = ", ".join(f.name for f in fields(BotRow))
RUN_COLUMNS = ", ".join(f.name for f in fields(RunRow))


async def one(connection: Connection, kind: type[Row], query: str, *params: Any) -> Row | None:  # noqa: ANN401
    """The first row of a query, or None."""
    cursor = connection.cursor(row_factory=class_row(kind))
    await cursor.execute(query, params)
    return await cursor.fetchone()


async def several(connection: Connection, kind: type[Row], query: str, *params: Any) -> list[Row]:  # noqa: ANN401
    """Every row of a query, which bounds their number itself."""
    cursor = connection.cursor(row_factory=class_row(kind))
    await cursor.execute(query, params)
    return await cursor.fetchall()
