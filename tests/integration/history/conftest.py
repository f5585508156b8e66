"""A migrated schema `history` in a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from tests.support.postgres import Database
from tests.support.service_schema import migrated
from tests.support.tokens import TokenIssuer

from tigerex_platform.database import Pool, connect_pool
from tigerex_services.history.storage import Storage


@pytest.fixture
async def pool(database: Database, issuer: TokenIssuer) -> AsyncIterator[Pool]:
    """Connections to a fresh database, as the service's own role."""
    settings = migrated("history", database, issuer)
    async with await connect_pool(settings, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
def storage(pool: Pool) -> Storage:
    return Storage(pool)
