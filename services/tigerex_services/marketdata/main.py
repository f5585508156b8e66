"""Wires market data: exchange events in, rows to PostgreSQL, answers and streams out."""

import asyncio
import logging
from contextlib import aclosing

from tigerex.exchange.v1.journal_pb2_grpc import JournalServiceStub
from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceStub

from tigerex_platform.clock import SystemClock
from tigerex_platform.database import connect_pool
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.redis_client import connect_redis
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
from tigerex_services.projection import until_loaded, write_last
from tigerex_services.stream import EventStream

logger = logging.getLogger(__name__)

POOL_MIN = 2
POOL_MAX = 8


async def run(settings: Settings) -> None:
    """Serve until cancelled, then keep what is folded."""
    settings.require("database_url", "redis_url", "exchange_address", "secret_key_file")
    clock = SystemClock()
    pool = await connect_pool(settings, min_size=POOL_MIN, max_size=POOL_MAX)
    redis = connect_redis(settings)
    async with pool, redis, channel(settings, settings.exchange_address) as exchange:
        markets, journal = MarketServiceStub(exchange), JournalServiceStub(exchange)
        storage = Storage(pool, clock)
        fold = await until_loaded(lambda: load_fold(storage, markets, journal))
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
                await asyncio.shield(write_last(projector.flush))
