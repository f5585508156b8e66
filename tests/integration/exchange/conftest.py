"""Exchanges for tests: one for each test that changes things, one for those that are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from tests.integration.exchange.site import Site
from tests.support.postgres import Database, PostgresServer, fresh_database
from tests.support.redis import RedisServer
from tests.support.tokens import TokenIssuer


@asynccontextmanager
async def running_site(folder: Path, database: Database, redis: RedisServer) -> AsyncIterator[Site]:
    site = Site(folder, database, redis, TokenIssuer(folder))
    try:
        site.migrate()
        await site.start()
        await site.furnish()
        yield site
    finally:
        await site.close()


@pytest_asyncio.fixture
async def site(
    tmp_path: Path, database: Database, redis_server: RedisServer
) -> AsyncIterator[Site]:
    """An exchange of this test's own."""
    folder = tmp_path / "site"
    folder.mkdir()
    async with running_site(folder, database, redis_server) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_site(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: PostgresServer,
    redis_server_session: RedisServer,
) -> AsyncIterator[Site]:
    """An exchange for tests whose calls are all refused: nothing of theirs stays."""
    folder = tmp_path_factory.mktemp("shared-site")
    with fresh_database(postgres, folder / "database") as database:
        async with running_site(folder, database, redis_server_session) as site:
            yield site
