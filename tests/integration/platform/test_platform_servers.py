"""The servers that other tests stand on: they die, come back, and keep what they must."""

import pytest
import redis
from tests.support.postgres import Database, PostgresServer
from tests.support.redis import RedisServer

pytestmark = pytest.mark.integration


def test_postgres_keeps_what_was_committed_over_a_kill(
    postgres: PostgresServer, database: Database
) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    postgres.restart()
    with database.connect() as connection:
        assert connection.execute("SELECT id FROM kept").fetchall() == [(1,)]
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_each_test_has_a_database_of_its_own(database: Database) -> None:
    with database.connect() as connection:
        tables = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchall() == []


def test_redis_comes_back_empty_on_the_same_port(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set("gone", "soon")
    redis_server.kill()
    with redis_server.client() as client, pytest.raises(redis.ConnectionError):
        client.ping()
    redis_server.start()
    with redis_server.client() as client:
        assert client.get("gone") is None
