"""A migrated schema `marketdata` in a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from tests.support.postgres import Database
from tests.support.service_schema import migrated
from tests.support.tokens import TokenIssuer

from tigerex_platform.clock import ManualClock
from tigerex_platform.database import connect_pool
from tigerex_services.marketdata.storage import Storage


@pytest.fixture
async def storage(database: Database, issuer: TokenIssuer) -> AsyncIterator[Storage]:
    """Rows in a fresh database, as the service's own role; its clock stands where tests begin."""
    settings = migrated("marketdata", database, issuer)
    async with await connect_pool(settings, min_size=1, max_size=4) as pool:
        yield Storage(pool, ManualClock())
