"""A migrated schema `marketdata` in a real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.postgres import Database
from tests.support.tokens import TokenIssuer

import tigerex_services.marketdata
from tigerex_platform.clock import ManualClock
from tigerex_platform.database import connect_pool
from tigerex_platform.migrations import migrate
from tigerex_services.marketdata.storage import Storage

MIGRATIONS = Path(tigerex_services.marketdata.__file__).parent / "migrations"


@pytest.fixture
async def storage(database: Database, issuer: TokenIssuer) -> AsyncIterator[Storage]:
    """Rows in a fresh database, as the service's own role; its clock stands where tests begin."""
    role_file = database.role_password_file("marketdata")
    admin = issuer.settings(
        "migrate",
        database_url=database.url,
        database_password_file=database.password_file,
        role_passwords_dir=database.role_passwords_dir,
    )
    for _ in range(2):  # the second time changes nothing
        migrate(admin, {"marketdata": MIGRATIONS})
    settings = issuer.settings(
        "marketdata",
        database_url=database.url_of("marketdata"),
        database_password_file=role_file,
    )
    async with await connect_pool(settings, min_size=1, max_size=4) as pool:
        yield Storage(pool, ManualClock())
