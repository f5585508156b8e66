"""Wires history: exchange events in, rows to PostgreSQL, answers and streams out."""

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
from tigerex_services.history.hub import Hub
from tigerex_services.history.pending import Pending
from tigerex_services.history.projector import Projector
from tigerex_services.history.queries import Queries
from tigerex_services.history.service import HistoryService
from tigerex_services.history.servicer import SERVICE, HistoryServicer, add_to_server
from tigerex_services.history.start import load_fold
from tigerex_services.history.storage import Storage
from tigerex_services.permissions import TABLE
from tigerex_services.projection import until_loaded, write_last
from tigerex_services.stream import EventStream

logger = logging.getLogger(__name__)

POOL_MIN = 2
POOL_MAX = 8


async def run(settings: Settings) -> None:
    """Serve until cancelled, then keep what is folded."""
    settings.require("database_url", "redis_url", "exchange_address", "secret_key_file")
    pool = await connect_pool(settings, min_size=POOL_MIN, max_size=POOL_MAX)
    redis = connect_redis(settings)
    async with pool, redis, channel(settings, settings.exchange_address) as exchange:
        markets, journal = MarketServiceStub(exchange), JournalServiceStub(exchange)
        storage = Storage(pool)
        fold = await until_loaded(lambda: load_fold(storage, markets, journal))
        logger.info("history begins after seq %d", fold.seq)
        hub, pending = Hub(), Pending(fold.seq)
        projector = Projector(fold, pending, storage, hub, SystemClock())
        service = HistoryService(fold, pending, Queries(pool), hub)
        server = GrpcServer(
            settings,
            TABLE,
            remote_key_store(settings, exchange),
            [(add_to_server, HistoryServicer(service), SERVICE)],
        )
        stream = aiter(EventStream(redis, journal, from_seq=fold.seq + 1))
        async with server, aclosing(stream):  # type: ignore[type-var]
            try:
                await projector.run(stream)
            finally:
                hub.close()
                await asyncio.shield(write_last(projector.flush))
