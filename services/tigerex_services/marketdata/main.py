"""Wires market data: exchange events in, rows to PostgreSQL, answers and streams out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

import grpc
import psycopg
from tigerex.exchange.v1.journal_pb2_grpc import JournalServiceStub
from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceStub

from tigerex_platform.clock import SystemClock
from tigerex_platform.database import connect_pool
from tigerex_platform.errors import TigerExError, from_rpc_error
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.redis_client import connect_redis
from tigerex_platform.retry import retry
from tigerex_platform.settings import Settings
from tigerex_services.api_keys import remote_key_store
from tigerex_services.marketdata.book import Book
from tigerex_services.marketdata.hub import Hub
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.projector import Projector
from tigerex_services.marketdata.publisher import Publisher
from tigerex_services.marketdata.service import MarketDataService
from tigerex_services.marketdata.servicer import SERVICE, MarketDataServicer, add_to_server
from tigerex_services.marketdata.start import load_book, load_fold
from tigerex_services.marketdata.storage import Storage
from tigerex_services.permissions import TABLE
from tigerex_services.stream import EventStream

logger = logging.getLogger(__name__)

POOL_MIN = 2
POOL_MAX = 8
LOAD_ATTEMPTS = 60  # about two minutes for the exchange to come up
LOAD_FIRST_S = 0.2
LOAD_MAX_S = 4.0
LAST_WRITE_S = 5.0

Loaded = TypeVar("Loaded")


async def run(settings: Settings) -> None:
    """Serve until cancelled, then keep what is folded."""
    settings.require("database_url", "redis_url", "exchange_address", "secret_key_file")
    clock = SystemClock()
    pool = await connect_pool(settings, min_size=POOL_MIN, max_size=POOL_MAX)
    redis = connect_redis(settings)
    async with pool, redis, channel(settings, settings.exchange_address) as exchange:
        markets, journal = MarketServiceStub(exchange), JournalServiceStub(exchange)
        storage = Storage(pool, clock)
        fold = await _until_loaded(lambda: load_fold(storage, markets, journal))
        logger.info("market data begins after seq %d", fold.seq)

        async def renew_book(market_id: int) -> Book:
            market = fold.directory.market_by_id(market_id)
            return await load_book(markets, market, fold.time_ns)

        hub, pending = Hub(), Pending(fold.seq)
        publisher = Publisher(fold, hub)
        projector = Projector(fold, pending, storage, publisher, renew_book, clock)
        service = MarketDataService(fold, pending, storage, hub, clock)
        server = GrpcServer(
            settings,
            TABLE,
            remote_key_store(settings, exchange),
            [(add_to_server, MarketDataServicer(service), SERVICE)],
        )
        stream = aiter(EventStream(redis, journal, from_seq=fold.seq + 1))
        async with server, aclosing(stream):  # type: ignore[type-var]
            try:
                await projector.run(stream)
            finally:
                hub.close()
                await asyncio.shield(_keep(projector))


async def _keep(projector: Projector) -> None:
    """The last write; without it the next process folds a little again."""
    try:
        async with asyncio.timeout(LAST_WRITE_S):
            await projector.flush()
    except (psycopg.Error, OSError, TimeoutError) as error:
        logger.warning("the last rows are not kept, the next process folds them: %s", error)


async def _until_loaded(load: Callable[[], Awaitable[Loaded]]) -> Loaded:
    """The result as soon as the exchange answers. Raises TigerExError when it does not."""

    async def attempt() -> Loaded:
        try:
            return await load()
        except grpc.aio.AioRpcError as error:
            logger.info("waiting for the exchange: %s", error.details())
            raise from_rpc_error(error) from error

    return await retry(
        attempt,
        attempts=LOAD_ATTEMPTS,
        first_delay_s=LOAD_FIRST_S,
        max_delay_s=LOAD_MAX_S,
        retryable=lambda error: isinstance(error, TigerExError) and error.retryable,
    )
