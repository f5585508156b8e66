"""Connections to PostgreSQL: one pool a service, in the service's own role and schema."""

from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from tigerex_platform.settings import SettingError, Settings

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 10_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
POOL_TIMEOUT_S = 5.0  # how long a request waits for a free connection
WAITING_MAX = 1_000
CONNECTION_LIFETIME_S_MAX = 1_800.0
OPEN_TIMEOUT_S = 60.0

Pool = AsyncConnectionPool[AsyncConnection[Any]]


def conninfo(settings: Settings, **overrides: str | int) -> str:
    """The libpq connection string of a process, with its password, bounds and search path.

    Read anew for each connection, so that a rotated password is picked up. Raises
    SettingError.
    """
    settings.require("database_url")
    try:
        parts = conninfo_to_dict(settings.database_url)
        int(parts.get("port") or 0)
    except (psycopg.ProgrammingError, ValueError) as error:
        raise SettingError(
            "TIGEREX_DATABASE_URL is malformed; use postgresql://user@host:port/dbname"
        ) from error
    if settings.database_password_file is not None:
        parts["password"] = settings.secret("database_password_file")
    schema = settings.service.replace("-", "_") or "public"
    return make_conninfo(
        "",
        **{
            **parts,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": f"tigerex-{settings.service}",
            "options": (
                f"-c search_path={schema}"
                f" -c statement_timeout={STATEMENT_TIMEOUT_MS}"
                f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}"
            ),
            # A server that vanished without a word is noticed after about 11 s.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": STATEMENT_TIMEOUT_MS,
            **overrides,
        },
    )


async def connect_pool(
    settings: Settings, *, min_size: int = 1, max_size: int = 4, autocommit: bool = False
) -> Pool:
    """An open pool of at most `max_size` connections; close it at the end.

    Waits up to a minute for the database to answer. Raises psycopg_pool.PoolTimeout after that, and
    SettingError.
    """
    conninfo(settings)  # a wrong setting is an error now, not a timeout later
    pool: Pool = AsyncConnectionPool(
        conninfo=lambda: conninfo(settings),
        kwargs={"autocommit": autocommit},
        min_size=min_size,
        max_size=max_size,
        open=False,
        timeout=POOL_TIMEOUT_S,
        max_waiting=WAITING_MAX,
        max_lifetime=CONNECTION_LIFETIME_S_MAX,
        # One round trip tells a connection that died with its server from a live one.
        check=AsyncConnectionPool.check_connection,
        name=settings.service or "tigerex",
    )
    try:
        await pool.open(wait=True, timeout=OPEN_TIMEOUT_S)
    except BaseException:
        await pool.close()
        raise
    return pool
