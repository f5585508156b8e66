"""A migrated schema `history` in a real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.postgres import Database
from tests.support.tokens import TokenIssuer

import tigerex_services.history
from tigerex_platform.database import Pool, connect_pool
from tigerex_platform.migrations import migrate
from tigerex_services.history.storage import Storage

MIGRATIONS = Path(tigerex_services.history.__file__).parent / "migrations"


@pytest.fixture
async def pool(database: Database, issuer: TokenIssuer) -> AsyncIterator[Pool]:
    """Connections to a fresh database, as the service's own role."""
    role_file = database.role_password_file("history")
    admin = issuer.settings(
        "migrate",
        database_url=database.url,
        database_password_file=database.password_file,
        role_passwords_dir=database.role_passwords_dir,
    )
    for _ in range(2):  # the second time changes nothing
        migrate(admin, {"history": MIGRATIONS})
    settings = issuer.settings(
        "history",
        database_url=database.url_of("history"),
        database_password_file=role_file,
    )
    async with await connect_pool(settings, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
def storage(pool: Pool) -> Storage:
    return Storage(pool)
