"""Keeps what owners want of their bots; changes raise the revision the reconciler follows."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from tigerex_services.bots.model import BotRow
from tigerex_services.bots.storage.database import BOT_COLUMNS, one, several

_FIND = f"SELECT {BOT_COLUMNS} FROM trading_bots WHERE id = %s"  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class NewBot:
    """The columns that a new bot begins with."""

    id: UUID
    user_id: int
    user_name: str
    account_name: str
    bot_type: str
    name: str
    symbol: str
    config: dict[str, Any]
    isolation: str
    shard: str
    desired_state: str
    managed: bool
    generation: int


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A bot's own account (0 before its first start) and the runner that holds it (or "")."""

    bot_id: UUID
    account_id: int
    runner: str


class BotStorage:
    """Rows of trading_bots as their owners see them."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def find(self, bot_id: UUID) -> BotRow | None:
        async with self._pool.connection() as connection:
            return await one(connection, BotRow, _FIND, bot_id)

    async def page(self, user: str, after: UUID | None, limit: int) -> list[BotRow]:
        """Bots of a user (empty: of all) in the order of their ids, after the given one."""
        async with self._pool.connection() as connection:
            return await several(
                connection,
                BotRow,
                f"SELECT {BOT_COLUMNS} FROM trading_bots"  # noqa: S608 - constants only
                " WHERE (%s = '' OR user_name = %s) AND id > %s ORDER BY id LIMIT %s",
                user,
                user,
                after or UUID(int=0),
                limit,
            )

    async def whereabouts(self, bot_ids: list[UUID]) -> dict[UUID, Whereabouts]:
        async with self._pool.connection() as connection:
            rows = await several(
                connection,
                Whereabouts,
                "SELECT r.bot_id, r.account_id, CASE WHEN r.stage = 'active' AND r.signalled"
                " AND l.expires_at > now() AND l.runner_id = r.fenced_for"
                " THEN l.runner_id ELSE '' END AS runner"
                " FROM bot_runs r JOIN trading_bots b ON b.id = r.bot_id"
                " JOIN shard_leases l ON l.shard = b.shard WHERE r.bot_id = ANY(%s)",
                bot_ids,
            )
        return {row.bot_id: row for row in rows}

    async def insert(self, bot: NewBot) -> tuple[BotRow, bool]:
        """The kept bot, and whether it is new: an id is taken once."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                "INSERT INTO trading_bots (id, user_id, user_name, account_name, bot_type, name,"
                " symbol, config, isolation, shard, desired_state, managed, generation)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (id) DO NOTHING",
                (
                    bot.id,
                    bot.user_id,
                    bot.user_name,
                    bot.account_name,
                    bot.bot_type,
                    bot.name,
                    bot.symbol,
                    Jsonb(bot.config),
                    bot.isolation,
                    bot.shard,
                    bot.desired_state,
                    bot.managed,
                    bot.generation,
                ),
            )
            created = cursor.rowcount == 1
            if created:
                await connection.execute("INSERT INTO bot_runs (bot_id) VALUES (%s)", (bot.id,))
                if bot.shard.startswith("bot:"):
                    await connection.execute(
                        "INSERT INTO shard_leases (shard) VALUES (%s) ON CONFLICT DO NOTHING",
                        (bot.shard,),
                    )
            kept = await one(connection, BotRow, _FIND, bot.id)
            if kept is None:
                raise LookupError(f"bot {bot.id} vanished within its transaction")
            return kept, created

    async def change_spec(
        self, bot_id: UUID, *, name: str, config: dict[str, Any], bot_type: str
    ) -> BotRow | None:
        """A new generation; None when there is no such bot, or it is being deleted."""
        return await self._update(
            "UPDATE trading_bots SET name = %(name)s, bot_type = %(type)s,"
            " config_version = config_version + (config <> %(config)s)::int,"
            " config = %(config)s, generation = generation + 1"
            " , revision = revision + 1, updated_at = now()"
            " WHERE id = %(id)s AND NOT deleting",
            {"id": bot_id, "name": name, "type": bot_type, "config": Jsonb(config)},
            bot_id,
        )

    async def apply(self, bot: NewBot) -> BotRow | None:
        """Take over a resource's newer generation; an older or equal one changes nothing.

        A run that ended by itself may begin again: the resource says something new.
        """
        return await self._update(
            "UPDATE trading_bots SET name = %(name)s, bot_type = %(type)s,"
            " config_version = config_version + (config <> %(config)s OR outcome <> '')::int,"
            " config = %(config)s, desired_state = %(desired)s, generation = %(generation)s,"
            " outcome = '', revision = revision + 1, updated_at = now()"
            " WHERE id = %(id)s AND NOT deleting AND generation < %(generation)s",
            {
                "id": bot.id,
                "name": bot.name,
                "type": bot.bot_type,
                "config": Jsonb(bot.config),
                "desired": bot.desired_state,
                "generation": bot.generation,
            },
            bot.id,
        )

    async def set_desired(self, bot_id: UUID, desired: str) -> BotRow | None:
        """None when there is no such bot, or it is being deleted.

        Asking for it to run after a run that ended by itself begins a new one.
        """
        return await self._update(
            "UPDATE trading_bots SET desired_state = %(desired)s,"
            " generation = generation + restart::int,"
            " config_version = config_version + restart::int,"
            " outcome = CASE WHEN restart THEN '' ELSE outcome END,"
            " revision = revision + 1, updated_at = now()"
            " FROM (SELECT outcome <> '' AND %(desired)s = 'running' AS restart"
            "   FROM trading_bots WHERE id = %(id)s) AS wish"
            " WHERE id = %(id)s AND NOT deleting AND (desired_state <> %(desired)s OR restart)",
            {"id": bot_id, "desired": desired},
            bot_id,
        )

    async def mark_deleting(self, bot_id: UUID) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE trading_bots SET deleting = true, revision = revision + 1,"
                " updated_at = now() WHERE id = %s AND NOT deleting",
                (bot_id,),
            )

    async def _update(self, query: str, params: dict[str, Any], bot_id: UUID) -> BotRow | None:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(query, params)
            bot = await one(connection, BotRow, _FIND, bot_id)
            return None if bot is None or bot.deleting else bot
