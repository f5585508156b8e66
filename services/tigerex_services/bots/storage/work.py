"""Hands out work: one bot at a time, to one replica at a time, by a row lock that dies with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from tigerex_services.bots.model import BotRow, RunRow
from tigerex_services.bots.storage.database import BOT_COLUMNS, RUN_COLUMNS, Connection, one

# Due: something was changed, a signal is written and not sent, or the lease went to a runner that
# the bot is not yet fenced for.
_CLAIM = f"""
SELECT {", ".join("r." + c for c in RUN_COLUMNS.split(", "))} FROM bot_runs r
JOIN trading_bots b ON b.id = r.bot_id
LEFT JOIN shard_leases l ON l.shard = b.shard AND l.expires_at > now()
WHERE r.retry_at <= now() AND (
    b.revision > r.settled_revision OR NOT r.signalled
    OR (r.stage = 'active' AND l.runner_id <> '' AND l.runner_id <> r.fenced_for))
ORDER BY r.retry_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED
"""  # noqa: S608 - constants only
_HOLDER = "SELECT runner_id FROM shard_leases WHERE shard = %s AND expires_at > now()"


class Claim:
    """One bot whose work is ours until the transaction ends."""

    def __init__(self, connection: Connection, bot: BotRow, run: RunRow, holder: str) -> None:
        self._connection = connection
        self.bot = bot
        self.run = run
        self.holder = holder
        """The runner that holds the bot's lease; empty when none does."""

    async def update_run(self, **values: Any) -> None:  # noqa: ANN401
        """Set columns of the run; the row stays due unless `settle` or `retry_after` says so."""
        await self._set("bot_runs", "bot_id", {"attempts": 0, **values})

    async def update_bot(self, **values: Any) -> None:  # noqa: ANN401
        await self._set("trading_bots", "id", {**values, "updated_at": datetime.now(UTC)})

    async def settle(self) -> None:
        """Nothing is left to do for the revision that was seen."""
        await self.update_run(settled_revision=self.bot.revision)

    async def retry_after(self, seconds: float) -> None:
        """Leave it for a while."""
        await self._connection.execute(
            "UPDATE bot_runs SET attempts = attempts + 1,"
            " retry_at = now() + make_interval(secs => %s) WHERE bot_id = %s",
            (seconds, self.run.bot_id),
        )

    async def checkpoint_seq(self) -> int:
        """Every fill up to this seq was reported; the start when there is no checkpoint."""
        cursor = await self._connection.execute(
            "SELECT seq FROM checkpoints WHERE bot_id = %s AND start_seq = %s",
            (self.run.bot_id, self.run.start_seq),
        )
        row = await cursor.fetchone()
        return int(row[0]) if row else self.run.start_seq

    async def forget_checkpoint(self) -> None:
        await self._connection.execute(
            "DELETE FROM checkpoints WHERE bot_id = %s", (self.run.bot_id,)
        )

    async def remove(self) -> None:
        """Delete the bot with everything about it."""
        await self._connection.execute(
            "DELETE FROM shard_leases WHERE shard = %s", (f"bot:{self.bot.id}",)
        )
        await self._connection.execute("DELETE FROM trading_bots WHERE id = %s", (self.bot.id,))

    @property
    def connection(self) -> Connection:
        """For what is to be kept in the same transaction."""
        return self._connection

    async def _set(self, table: str, key: str, values: dict[str, Any]) -> None:
        if not values:
            return
        query = sql.SQL("UPDATE {} SET {} WHERE {} = {}").format(
            sql.Identifier(table),
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder())
                for name in values
            ),
            sql.Identifier(key),
            sql.Placeholder(),
        )
        params = [Jsonb(v) if isinstance(v, dict) else v for v in values.values()]
        await self._connection.execute(query, [*params, self.bot.id])


class WorkStorage:
    """Claims on the work of bots."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    @asynccontextmanager
    async def claim(self) -> AsyncIterator[Claim | None]:
        """The bot that waits longest, locked for the length of the context; None without work."""
        async with self._pool.connection() as connection, connection.transaction():
            run = await one(connection, RunRow, _CLAIM)
            if run is None:
                yield None
                return
            bot = await one(
                connection,
                BotRow,
                f"SELECT {BOT_COLUMNS} FROM trading_bots WHERE id = %s",  # noqa: S608
                run.bot_id,
            )
            if bot is None:
                yield None  # deleted in this moment
                return
            cursor = await connection.execute(_HOLDER, (bot.shard,))
            row = await cursor.fetchone()
            yield Claim(connection, bot, run, str(row[0]) if row else "")

    async def restart_outdated(self, kernel_version: int) -> int:
        """Let runs that an older kernel decided begin anew; returns how many there are.

        Another kernel would decide otherwise on the same events, so what it found in its state
        would not be what is on the books.
        """
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "UPDATE trading_bots SET config_version = config_version + 1,"
                " revision = revision + 1 WHERE id IN (SELECT c.bot_id FROM checkpoints c"
                " JOIN bot_runs r ON r.bot_id = c.bot_id WHERE r.stage = 'active'"
                " AND r.run_version = trading_bots.config_version AND c.kernel_version < %s)",
                (kernel_version,),
            )
            return int(cursor.rowcount)
