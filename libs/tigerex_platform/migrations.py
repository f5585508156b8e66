"""Database roles, schemas and migrations: one role, one schema and one Alembic history a service.

Run with admin credentials and idempotent: roles and schemas are created or brought to what they
should be, then each history is upgraded as its own role, so that every table belongs to it.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import alembic.command
import alembic.config
import alembic.context
import psycopg
import sqlalchemy
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tigerex_platform.database import conninfo
from tigerex_platform.settings import SettingError, Settings, read_secret

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_MS = 60_000  # a migration behind a forgotten transaction gives up instead of queueing
MIGRATION_TIMEOUT_MS = 600_000
CONNECT_WAIT_S_MAX = 120.0
CONNECT_PAUSE_S = 0.5
LOCK_NAME = "tigerex-migrate"
PASSWORD_CHARS_MIN = 8


@dataclass(frozen=True, slots=True)
class History:
    """A service's migrations: `folder` holds env.py and versions/."""

    service: str
    folder: Path


def migrate(settings: Settings, histories: Mapping[str, Path]) -> None:
    """Create roles and schemas of `histories` (service → folder), then upgrade each to its head.

    Waits two minutes for a database that is starting. Raises SettingError for a missing setting
    or password, and psycopg.Error or sqlalchemy.exc.SQLAlchemyError when the database refuses.
    """
    settings.require("database_url", "role_passwords_dir")
    assert settings.role_passwords_dir is not None  # noqa: S101 - required above
    passwords = {name: _password(settings.role_passwords_dir / name) for name in histories}
    admin = conninfo(
        settings.model_copy(update={"service": ""}),
        options=f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={MIGRATION_TIMEOUT_MS}",
    )
    with _connect(admin) as connection:
        # Two Jobs at once take turns; the lock ends with the connection.
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (LOCK_NAME,))
        _close_public(connection)
        for service, password in passwords.items():
            _ensure_role(connection, service, password)
            _ensure_schema(connection, service)
        for service, folder in histories.items():
            upgrade(History(service, folder), _as_role(admin, service, passwords[service]))
            logger.info("schema %s is up to date", service)


def upgrade(history: History, connection_string: str) -> None:
    """Upgrade one history to its head over a libpq connection string."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(history.folder).replace("%", "%%"))
    config.attributes["schema"] = history.service
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(connection_string),
        poolclass=sqlalchemy.NullPool,
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def run_env() -> None:
    """All that a service's `migrations/env.py` does: run its versions in one transaction."""
    attributes = alembic.context.config.attributes
    alembic.context.configure(
        connection=attributes["connection"],
        version_table="alembic_version",
        version_table_schema=attributes["schema"],
        transactional_ddl=True,
    )
    with alembic.context.begin_transaction():
        alembic.context.run_migrations()


def _connect(connection_string: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection, waiting for a database that is only just starting."""
    deadline_s = time.monotonic() + CONNECT_WAIT_S_MAX
    while True:
        try:
            return psycopg.connect(connection_string, autocommit=True)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline_s:
                raise
            logger.info("waiting for the database: %s", error)
        time.sleep(CONNECT_PAUSE_S)


def _password(path: Path) -> str:
    try:
        password = read_secret(path)
    except OSError as error:
        raise SettingError(f"TIGEREX_ROLE_PASSWORDS_DIR: {error}") from error
    if len(password) < PASSWORD_CHARS_MIN:
        raise SettingError(f"{path} holds fewer than {PASSWORD_CHARS_MIN} characters")
    return password


def _close_public(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Nobody has anything by being able to connect: rights are given by name below."""
    database = sql.Identifier(connection.info.dbname)
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))


def _ensure_role(
    connection: psycopg.Connection[tuple[object, ...]], role: str, password: str
) -> None:
    name = sql.Identifier(role)
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if found is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    # Hashed here, so that the password itself reaches neither the server's log nor its statistics.
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL(
            "ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            " NOINHERIT PASSWORD {}"
        ).format(name, sql.Literal(hashed.decode()))
    )
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))
    connection.execute(
        sql.SQL("ALTER ROLE {} IN DATABASE {} SET search_path = {}").format(name, database, name)
    )


def _ensure_schema(connection: psycopg.Connection[tuple[object, ...]], role: str) -> None:
    name = sql.Identifier(role)
    connection.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(name, name)
    )
    connection.execute(sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(name, name))
    connection.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM PUBLIC").format(name))


def _as_role(admin: str, role: str, password: str) -> str:
    parts = {**conninfo_to_dict(admin), "user": role, "password": password}
    options = f"{parts.get('options', '')} -c search_path={role}"
    return make_conninfo("", **{**parts, "options": options})
