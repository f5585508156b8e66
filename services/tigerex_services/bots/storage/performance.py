"""Keeps the figures of running bots once a minute."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from tigerex_services.bots.model import BotRow
from tigerex_services.bots.storage.database import BOT_COLUMNS, several

BATCH: Final = 200  # bots measured at once
SHARPE_HOURS: Final = 720  # values it is computed from
KEPT_DAYS: Final = 90
PRUNED_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Point:
    """A row of bot_performance; money in quote asset, rates as fractions."""

    bot_id: UUID
    timestamp: datetime
    total_value: Decimal
    profit_loss: Decimal
    roi: Decimal
    sharpe_ratio: float | None
    max_drawdown: Decimal
    trades: int
    win_rate: Decimal


@dataclass(frozen=True, slots=True)
class _Hour:
    total_value: Decimal


class PerformanceStorage:
    """Rows of bot_performance."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def due(self) -> list[BotRow]:
        """Bots at work that have no point for this minute."""
        async with self._pool.connection() as connection:
            return await several(
                connection,
                BotRow,
                f"SELECT {', '.join('b.' + c for c in BOT_COLUMNS.split(', '))}"  # noqa: S608
                " FROM trading_bots b JOIN bot_runs r ON r.bot_id = b.id"
                " WHERE r.stage = 'active' AND NOT EXISTS (SELECT FROM bot_performance p"
                " WHERE p.bot_id = b.id AND p.timestamp = date_trunc('minute', now()))"
                " ORDER BY b.id LIMIT %s",
                BATCH,
            )

    async def count_by_status(self) -> dict[str, int]:
        """How many bots there are of each status that any has."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT status, count(*) FROM trading_bots GROUP BY 1"
            )
            return {str(status): int(number) for status, number in await cursor.fetchall()}

    async def hourly_values(self, bot_id: UUID) -> list[float]:
        """The last value of each hour, oldest first."""
        async with self._pool.connection() as connection:
            rows = await several(
                connection,
                _Hour,
                "SELECT DISTINCT ON (date_trunc('hour', timestamp)) total_value"
                " FROM bot_performance WHERE bot_id = %s"
                " AND timestamp > now() - make_interval(hours => %s)"
                " ORDER BY date_trunc('hour', timestamp), timestamp DESC",
                bot_id,
                SHARPE_HOURS,
            )
        return [float(row.total_value) for row in rows]

    async def add(self, points: list[Point], peaks: dict[UUID, Decimal]) -> None:
        """Keep points of this minute; another replica's come first."""
        async with self._pool.connection() as connection, connection.transaction():
            for point in points:
                await connection.execute(
                    "INSERT INTO bot_performance (bot_id, timestamp, total_value, profit_loss, roi,"
                    " sharpe_ratio, max_drawdown, trades, win_rate)"
                    " SELECT id, date_trunc('minute', now()), %s, %s, %s, %s, %s, %s, %s"
                    " FROM trading_bots WHERE id = %s ON CONFLICT (bot_id, timestamp) DO NOTHING",
                    (
                        point.total_value,
                        point.profit_loss,
                        point.roi,
                        point.sharpe_ratio,
                        point.max_drawdown,
                        point.trades,
                        point.win_rate,
                        point.bot_id,
                    ),
                )
                await connection.execute(
                    "UPDATE trading_bots SET peak_value = greatest(peak_value, %s),"
                    " max_drawdown = greatest(max_drawdown, %s) WHERE id = %s",
                    (peaks[point.bot_id], point.max_drawdown, point.bot_id),
                )

    async def prune(self) -> None:
        """Forget the oldest points, some at a time."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "DELETE FROM bot_performance WHERE id IN (SELECT id FROM bot_performance"
                " WHERE timestamp < now() - make_interval(days => %s) ORDER BY id LIMIT %s)",
                (KEPT_DAYS, PRUNED_AT_ONCE),
            )

    async def page(self, bot_id: UUID, limit: int) -> list[Point]:
        """The newest points, newest first."""
        async with self._pool.connection() as connection:
            return await several(
                connection,
                Point,
                "SELECT bot_id, timestamp, total_value, profit_loss, roi, sharpe_ratio,"
                " max_drawdown, trades, win_rate FROM bot_performance WHERE bot_id = %s"
                " ORDER BY timestamp DESC LIMIT %s",
                bot_id,
                limit,
            )
