"""Roles, schemas, migrations and pools against a real PostgreSQL."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import psycopg_pool
import pytest
from tests.support.postgres import Database, PostgresServer
from tests.support.service_schema import admin_settings
from tests.support.tokens import TokenIssuer, environment

from tigerex_platform.database import connect_pool, conninfo
from tigerex_platform.migrations import migrate
from tigerex_platform.settings import SettingError, Settings

pytestmark = pytest.mark.integration

ENV = "from tigerex_platform.migrations import run_env\n\nrun_env()\n"
FIRST = """
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.execute("CREATE TABLE secrets (id int PRIMARY KEY)")
    op.execute("INSERT INTO secrets VALUES (42)")
"""
SECOND = """
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.execute("ALTER TABLE secrets ADD COLUMN name text")
"""
BROKEN = """
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.execute("ALTER TABLE secrets ADD COLUMN half text")
    op.execute("SELECT 1/0")
"""


def history(folder: Path, *versions: str) -> Path:
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    (folder / "env.py").write_text(ENV)
    for number, version in enumerate(versions, start=1):
        (folder / "versions" / f"{number:04}.py").write_text(version)
    return folder


def service_settings(issuer: TokenIssuer, database: Database, service: str) -> Settings:
    return issuer.settings(
        service,
        database_url=database.url_of(service),
        database_password_file=database.role_password_file(service),
    )


@pytest.fixture
def two(issuer: TokenIssuer, database: Database, tmp_path: Path) -> dict[str, Settings]:
    """The services alpha and beta, migrated."""
    histories = {name: history(tmp_path / name, FIRST) for name in ("alpha", "beta")}
    migrate(admin_settings(issuer, database, *histories), histories)
    return {name: service_settings(issuer, database, name) for name in histories}


async def test_each_service_works_in_its_own_schema(two: dict[str, Settings]) -> None:
    for name, settings in two.items():
        async with await connect_pool(settings) as pool, pool.connection() as connection:
            row = await (
                await connection.execute("SELECT id, current_schema(), current_user FROM secrets")
            ).fetchone()
            assert row == (42, name, name)
            timeout = await (await connection.execute("SHOW statement_timeout")).fetchone()
            assert timeout == ("10s",)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM beta.secrets",
        "INSERT INTO beta.secrets VALUES (1)",
        "SELECT * FROM beta.alembic_version",
        "DROP SCHEMA beta CASCADE",
        "CREATE TABLE beta.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "SET ROLE beta",
        "SET ROLE postgres",
        "ALTER ROLE alpha SUPERUSER",
        "GRANT beta TO alpha",
        "CREATE DATABASE mine",
        "SELECT * FROM pg_authid",
        "COPY (SELECT 1) TO '/tmp/x'",
        "CREATE TEMP TABLE mine (id int)",
    ],
)
def test_a_service_cannot_reach_beyond_its_schema(two: dict[str, Settings], statement: str) -> None:
    with (
        psycopg.connect(conninfo(two["alpha"]), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_passwords_are_needed(two: dict[str, Settings]) -> None:
    stranger = two["alpha"].model_copy(
        update={"database_password_file": two["beta"].database_password_file}
    )
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(conninfo(stranger))


def test_migrating_again_changes_nothing_and_goes_on(
    issuer: TokenIssuer, database: Database, tmp_path: Path
) -> None:
    settings = admin_settings(issuer, database, "alpha")
    folder = history(tmp_path / "alpha", FIRST)
    for _ in range(2):
        migrate(settings, {"alpha": folder})
    migrate(settings, {"alpha": history(folder, FIRST, SECOND)})
    with database.connect() as connection:
        assert connection.execute("SELECT id, name FROM alpha.secrets").fetchall() == [(42, None)]
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'alpha'"
        ).fetchall()
        assert owners == [("alpha",)]


def test_a_changed_password_is_set(
    issuer: TokenIssuer, database: Database, two: dict[str, Settings], tmp_path: Path
) -> None:
    settings = admin_settings(issuer, database, "alpha")
    database.role_password_file("alpha").write_text("another password")
    migrate(settings, {"alpha": tmp_path / "alpha"})
    with psycopg.connect(conninfo(two["alpha"])) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_broken_migration_leaves_nothing_half_done(
    issuer: TokenIssuer, database: Database, two: dict[str, Settings], tmp_path: Path
) -> None:
    settings = admin_settings(issuer, database, "alpha")
    with pytest.raises(Exception, match="division by zero"):
        migrate(settings, {"alpha": history(tmp_path / "alpha", FIRST, BROKEN)})
    with database.connect() as connection:
        version = connection.execute("SELECT version_num FROM alpha.alembic_version").fetchall()
        assert version == [("0001",)]
        columns = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'alpha'"
            " AND table_name = 'secrets'"
        ).fetchall()
        assert columns == [("id",)]


def test_two_migrations_at_once_take_turns(
    issuer: TokenIssuer, database: Database, tmp_path: Path
) -> None:
    settings = admin_settings(issuer, database, "alpha")
    folder = history(tmp_path / "alpha", FIRST, SECOND)
    # Processes, as two Jobs would be: Alembic's own context is global within one.
    program = (
        "from pathlib import Path\nfrom tigerex_platform.migrations import migrate\n"
        "from tigerex_platform.settings import Settings\n"
        f"migrate(Settings(), {{'alpha': Path({str(folder)!r})}})"
    )

    def once(_: int) -> int:
        return subprocess.run(
            [sys.executable, "-c", program], env=environment(settings), timeout=60, check=False
        ).returncode

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(once, range(2))) == [0, 0]


def test_missing_and_weak_passwords_are_named(
    issuer: TokenIssuer, database: Database, tmp_path: Path
) -> None:
    settings = admin_settings(issuer, database, "alpha")
    with pytest.raises(SettingError, match="beta"):
        migrate(settings, {"beta": tmp_path})
    database.role_password_file("alpha").write_text("short")
    with pytest.raises(SettingError, match="fewer than 8"):
        migrate(settings, {"alpha": tmp_path})
    with pytest.raises(SettingError, match="TIGEREX_DATABASE_URL"):
        migrate(settings.model_copy(update={"database_url": ""}), {})


def test_names_are_quoted(issuer: TokenIssuer, database: Database, tmp_path: Path) -> None:
    name = 'we"ird'
    migrate(admin_settings(issuer, database, name), {name: history(tmp_path / "w", FIRST)})
    with database.connect() as connection:
        assert connection.execute('SELECT id FROM "we""ird".secrets').fetchall() == [(42,)]


async def test_a_pool_survives_a_killed_server_and_a_cut_connection(
    two: dict[str, Settings], postgres: PostgresServer
) -> None:
    async with await connect_pool(two["alpha"], min_size=2, max_size=2) as pool:
        assert postgres.drop_connections(application_name="tigerex-alpha") == 2
        assert await _ask(pool) == 42, "a dead connection is replaced before it is handed out"
        postgres.kill()
        with pytest.raises((psycopg.OperationalError, psycopg_pool.PoolTimeout)):
            await _ask(pool, timeout_s=0.5)
        postgres.start()
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await _ask(pool, timeout_s=1) == 42
                    break
                except psycopg.OperationalError:
                    await asyncio.sleep(0.1)


async def _ask(pool: psycopg_pool.AsyncConnectionPool, timeout_s: float = 5) -> int:
    async with pool.connection(timeout=timeout_s) as connection:
        row = await (await connection.execute("SELECT id FROM secrets")).fetchone()
        return row[0]


async def test_a_statement_that_takes_too_long_is_ended(
    two: dict[str, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigerex_platform.database.STATEMENT_TIMEOUT_MS", 200)
    async with await connect_pool(two["alpha"]) as pool, pool.connection() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await connection.execute("SELECT pg_sleep(20)")


@pytest.mark.parametrize("url", ["", "postgresql://me@host:port:db", "nonsense"])
async def test_wrong_urls_are_named(issuer: TokenIssuer, url: str) -> None:
    with pytest.raises(SettingError, match="TIGEREX_DATABASE_URL"):
        await connect_pool(issuer.settings("alpha", database_url=url))
