"""One exchange of real processes for the tests of a module."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from binance.client import Client as PythonBinance
from tests.support.binance_clients import binance_of, cancel_all, ccxt_binance
from tests.support.exchange_stack import ExchangeStack, exchange_stack
from tests.support.gateway_client import Client
from tests.support.otlp import Collector, collecting
from tests.support.postgres import PostgresServer, fresh_database
from tests.support.redis import RedisServer

BINANCE_SYMBOL = "BTCUSDT"


@pytest.fixture(scope="module")
def collector_at() -> Iterator[tuple[Collector, str]]:
    """Gets the spans of all processes."""
    with collecting() as found:
        yield found


@pytest.fixture
def collector(collector_at: tuple[Collector, str]) -> Collector:
    return collector_at[0]


@pytest.fixture(scope="module")
def branding() -> str:
    """The gateway's setting; a module may have its own."""
    return ""


@pytest.fixture(scope="module")
def stack(
    collector_at: tuple[Collector, str],
    branding: str,
    postgres: PostgresServer,
    redis_server_session: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ExchangeStack]:
    folder = tmp_path_factory.mktemp("stack")
    if not redis_server_session.running:
        redis_server_session.start()
    redis_server_session.wipe()
    with (
        fresh_database(postgres, folder / "database") as database,
        exchange_stack(
            folder,
            database,
            redis_server_session,
            otlp_endpoint=collector_at[1],
            branding=branding,
        ) as stack,
    ):
        yield stack
        stack.verify()


@pytest.fixture
async def ann(stack: ExchangeStack) -> AsyncIterator[Client]:
    """A client of the user who may do everything."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        yield Client(http, stack.keys["ann"].key, stack.keys["ann"].secret)


@pytest.fixture
def bob(ann: Client, stack: ExchangeStack) -> Client:
    """A client of a user who trades and has no bots."""
    return Client(ann.http, stack.keys["bob"].key, stack.keys["bob"].secret)


@pytest.fixture
def eve(ann: Client, stack: ExchangeStack) -> Client:
    """A client of a user who may only read."""
    return Client(ann.http, stack.keys["eve"].key, stack.keys["eve"].secret)


def _binance(stack: ExchangeStack, user: str) -> Iterator[PythonBinance]:
    """A client that was written for Binance; nothing of the user's stays open."""
    client = binance_of(stack, user)
    yield client
    cancel_all(client, BINANCE_SYMBOL)


@pytest.fixture
def ann_binance(stack: ExchangeStack) -> Iterator[PythonBinance]:
    yield from _binance(stack, "ann")


@pytest.fixture
def bob_binance(stack: ExchangeStack) -> Iterator[PythonBinance]:
    """The other side of the market."""
    yield from _binance(stack, "bob")


@pytest.fixture
def ann_ccxt(stack: ExchangeStack, ann_binance: PythonBinance) -> Any:
    exchange = ccxt_binance(stack.url, stack.keys["ann"].key, stack.keys["ann"].secret)
    exchange.load_markets()
    return exchange
