"""The way from tables without partitions and back: rows are made again from the journal."""

import alembic.command
import alembic.config
import psycopg
import pytest
import sqlalchemy
from tests.support.postgres import Database
from tests.support.service_schema import migrations_of

from tigerex_services.marketdata.storage import Storage

pytestmark = pytest.mark.integration

RELATIONS = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'marketdata' ORDER BY 1
"""


def move(database: Database, revision: str, *, up: bool) -> list[str]:
    """Up or down to a revision; the relations that there are then."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(migrations_of("marketdata")))
    config.attributes["schema"] = "marketdata"
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(
            database.conninfo, options="-c search_path=marketdata -c role=marketdata"
        ),
        poolclass=sqlalchemy.NullPool,
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (alembic.command.upgrade if up else alembic.command.downgrade)(config, revision)
    with database.connect() as connection:
        return [str(row[0]) for row in connection.execute(RELATIONS)]


async def test_the_journal_is_folded_again(storage: Storage, database: Database) -> None:
    flat = move(database, "0002", up=False)
    with database.connect() as connection:
        connection.execute("INSERT INTO marketdata.trades VALUES (1, 1, 1, 1, 1, 1, 1, 1)")
        connection.execute("UPDATE marketdata.folded SET last_seq = 9, time_ns = 9")
    move(database, "0003", up=True)
    assert await storage.progress() == (0, 0)
    assert await storage.trades(1, 0, 2**62, 10) == []
    assert move(database, "0002", up=False) == flat
