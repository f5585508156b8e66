"""A site with one market and one user, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.bot_site import BotSite
from tests.support.postgres import Database
from tests.support.redis import RedisServer
from tests.support.tokens import TokenIssuer


@pytest.fixture
async def site(
    tmp_path: Path, database: Database, redis_server: RedisServer, issuer: TokenIssuer
) -> AsyncIterator[BotSite]:
    site = BotSite(tmp_path, database, redis_server, issuer)
    try:
        await site.start()
        yield site
    finally:
        await site.close()
