"""Servers and keys that tests share: started once a session, fresh databases for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.postgres import Database, PostgresServer, fresh_database, postgres_server
from tests.support.redis import RedisServer, redis_server_running
from tests.support.tokens import TokenIssuer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    """An empty database of this test."""
    with fresh_database(postgres, tmp_path / "database") as database:
        yield database


@pytest.fixture(scope="session")
def redis_server_session() -> Iterator[RedisServer]:
    """A real Redis, shared: use `redis_server`, which is empty at the start of each test."""
    with redis_server_running() as server:
        yield server


@pytest.fixture
def redis_server(redis_server_session: RedisServer) -> RedisServer:
    """A real Redis, empty."""
    if not redis_server_session.running:
        redis_server_session.start()
    redis_server_session.wipe()
    return redis_server_session


@pytest.fixture
def issuer(tmp_path: Path) -> TokenIssuer:
    """Signs service-account tokens, and makes settings of services that accept them."""
    folder = tmp_path / "tokens"
    folder.mkdir()
    return TokenIssuer(folder)
