"""Keeps who runs what: leases of shards, and checkpoints."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from tigerex_services.bots.model import SHARDS, BotRow, RunRow
from tigerex_services.bots.storage.database import (
    BOT_COLUMNS,
    RUN_COLUMNS,
    Connection,
    one,
    several,
)

LEASE_MS = 10_000
# A runner that has not been heard of for so long is nobody's rival for shards.
RUNNER_GONE_MS = 30 * LEASE_MS
ASSIGNMENTS_MAX = 5_000  # of one runner

_RENEW = """
UPDATE shard_leases SET expires_at = now() + make_interval(secs => %s)
WHERE runner_id = %s AND expires_at > now() AND shard = ANY(%s)
"""
_TAKE = """
UPDATE shard_leases SET runner_id = %s, epoch = epoch + 1,
    expires_at = now() + make_interval(secs => %s)
WHERE shard IN (
    SELECT shard FROM shard_leases WHERE expires_at <= now() AND shard = ANY(%s)
    ORDER BY shard LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_SHARED = [str(shard) for shard in range(SHARDS)]


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A row of checkpoints."""

    bot_id: UUID
    start_seq: int
    seq: int
    state: bytes
    kernel_version: int


@dataclass(frozen=True, slots=True)
class Held:
    """A bot that a runner holds and is fenced for."""

    bot: BotRow
    run: RunRow
    checkpoint: CheckpointRow | None


class LeaseStorage:
    """Rows of runners, shard_leases and checkpoints."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def renew(self, runner_id: str, dedicated_bot: str) -> None:
        """Renew, take and give back leases, so that live runners hold equal shares."""
        seconds = LEASE_MS / 1000
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO runners (runner_id, dedicated_bot, seen_at) VALUES (%s, %s, now())"
                " ON CONFLICT (runner_id) DO UPDATE SET seen_at = now()",
                (runner_id, dedicated_bot),
            )
            await connection.execute(
                "DELETE FROM runners WHERE seen_at < now() - make_interval(secs => %s)",
                (RUNNER_GONE_MS / 1000,),
            )
            shards = [f"bot:{dedicated_bot}"] if dedicated_bot else _SHARED
            await connection.execute(_RENEW, (seconds, runner_id, shards))
            held = await self._held(connection, runner_id, shards)
            share = 1 if dedicated_bot else await self._share(connection)
            if len(held) < share:
                await connection.execute(_TAKE, (runner_id, seconds, shards, share - len(held)))
            elif len(held) > share:
                await connection.execute(
                    "UPDATE shard_leases SET runner_id = '', expires_at = now()"
                    " WHERE runner_id = %s AND shard = ANY(%s)",
                    (runner_id, held[share:]),
                )

    async def assignments(self, runner_id: str) -> list[tuple[BotRow, RunRow]]:
        """The started bots of the runner's leases that are fenced for it."""
        async with self._pool.connection() as connection:
            bots = await several(
                connection,
                BotRow,
                f"SELECT {_prefixed('b', BOT_COLUMNS)} FROM trading_bots b"  # noqa: S608
                " JOIN bot_runs r ON r.bot_id = b.id JOIN shard_leases l ON l.shard = b.shard"
                " WHERE l.runner_id = %s AND l.expires_at > now() AND r.fenced_for = l.runner_id"
                " AND r.stage = 'active' AND r.signalled AND r.start_seq > 0"
                " ORDER BY b.id LIMIT %s",
                runner_id,
                ASSIGNMENTS_MAX,
            )
            runs = await several(
                connection,
                RunRow,
                f"SELECT {RUN_COLUMNS} FROM bot_runs WHERE bot_id = ANY(%s)",  # noqa: S608
                [bot.id for bot in bots],
            )
        by_id = {run.bot_id: run for run in runs}
        return [(bot, by_id[bot.id]) for bot in bots if bot.id in by_id]

    async def checkpoint(self, bot_id: UUID, start_seq: int) -> CheckpointRow | None:
        """The checkpoint of the run that began at `start_seq`."""
        async with self._pool.connection() as connection:
            return await one(
                connection,
                CheckpointRow,
                "SELECT bot_id, start_seq, seq, state, kernel_version FROM checkpoints"
                " WHERE bot_id = %s AND start_seq = %s",
                bot_id,
                start_seq,
            )

    async def save_checkpoint(
        self, runner_id: str, row: CheckpointRow, status: str, reason: str
    ) -> bool:
        """Keep a checkpoint and the status it shows; False when the bot is not the runner's."""
        async with self._pool.connection() as connection, connection.transaction():
            run = await one(
                connection,
                RunRow,
                f"SELECT {_prefixed('r', RUN_COLUMNS)} FROM bot_runs r"  # noqa: S608
                " JOIN trading_bots b ON b.id = r.bot_id"
                " JOIN shard_leases l ON l.shard = b.shard"
                " WHERE r.bot_id = %s AND r.stage = 'active' AND r.fenced_for = %s"
                " AND l.runner_id = %s AND l.expires_at > now()",
                row.bot_id,
                runner_id,
                runner_id,
            )
            if run is None:
                return False
            await connection.execute(
                "INSERT INTO checkpoints (bot_id, start_seq, seq, state, kernel_version, runner_id)"
                " VALUES (%(bot)s, %(start)s, %(seq)s, %(state)s, %(version)s, %(runner)s)"
                " ON CONFLICT (bot_id) DO UPDATE SET start_seq = excluded.start_seq,"
                " seq = excluded.seq, state = excluded.state,"
                " kernel_version = excluded.kernel_version, runner_id = excluded.runner_id,"
                " saved_at = now()"
                " WHERE (checkpoints.start_seq, checkpoints.seq)"
                " <= (excluded.start_seq, excluded.seq)",
                {
                    "bot": row.bot_id,
                    "start": run.start_seq,
                    "seq": row.seq,
                    "state": row.state,
                    "version": row.kernel_version,
                    "runner": runner_id,
                },
            )
            await _set_status(connection, run, status, reason)
            return True

    async def release(self, runner_id: str) -> None:
        """Free everything the runner holds, at once."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "UPDATE shard_leases SET runner_id = '', expires_at = now() WHERE runner_id = %s",
                (runner_id,),
            )
            await connection.execute("DELETE FROM runners WHERE runner_id = %s", (runner_id,))

    async def _held(self, connection: Connection, runner_id: str, shards: list[str]) -> list[str]:
        cursor = await connection.execute(
            "SELECT shard FROM shard_leases"
            " WHERE runner_id = %s AND expires_at > now() AND shard = ANY(%s) ORDER BY shard",
            (runner_id, shards),
        )
        return [str(row[0]) for row in await cursor.fetchall()]

    async def _share(self, connection: Connection) -> int:
        """Shards for each live runner, rounded up."""
        cursor = await connection.execute(
            "SELECT count(*) FROM runners WHERE dedicated_bot = ''"
            " AND seen_at > now() - make_interval(secs => %s)",
            (LEASE_MS / 1000,),
        )
        row = await cursor.fetchone()
        return -(-SHARDS // max(int(row[0]) if row else 1, 1))


async def _set_status(connection: Connection, run: RunRow, status: str, reason: str) -> None:
    """Take over what the strategy says of itself, unless its configuration is replaced already.

    A run that has ended by itself is work for the reconciler.
    """
    outcome = status if status in ("completed", "failed") else ""
    await connection.execute(
        "UPDATE trading_bots SET status = CASE WHEN %(outcome)s = '' THEN %(status)s ELSE status"
        " END, status_reason = %(reason)s, outcome = %(outcome)s,"
        " revision = CASE WHEN %(outcome)s <> outcome THEN revision + 1 ELSE revision END,"
        " updated_at = now()"
        " WHERE id = %(id)s AND (status, status_reason, outcome)"
        " IS DISTINCT FROM (%(status)s, %(reason)s, %(outcome)s) AND %(status)s <> ''"
        " AND config_version = %(generation)s",
        {
            "id": run.bot_id,
            "status": status,
            "reason": reason,
            "outcome": outcome,
            "generation": run.run_version,
        },
    )


def _prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns.split(", "))
