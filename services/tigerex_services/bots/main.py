"""Wires the bots service."""

import asyncio
import logging

from tigerex.bots.v1 import bots_pb2_grpc, runner_pb2_grpc

from tigerex_platform.clock import SystemClock
from tigerex_platform.database import connect_pool
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.settings import Settings
from tigerex_quant import KERNEL_VERSION
from tigerex_services.api_keys import remote_key_store
from tigerex_services.bots.exchange_client import ExchangeClient
from tigerex_services.bots.service.bots import BotService, Stores
from tigerex_services.bots.service.performance import PerformanceRecorder
from tigerex_services.bots.service.reconciler import WORKERS, Reconciler
from tigerex_services.bots.service.runners import RunnerService
from tigerex_services.bots.service.steps import Steps
from tigerex_services.bots.service.valuation import LastPrices
from tigerex_services.bots.servicers.bots import BotServicer
from tigerex_services.bots.servicers.runner import RunnerServicer
from tigerex_services.bots.storage.bots import BotStorage
from tigerex_services.bots.storage.leases import LeaseStorage
from tigerex_services.bots.storage.performance import PerformanceStorage
from tigerex_services.bots.storage.trades import TradeStorage
from tigerex_services.bots.storage.work import WorkStorage
from tigerex_services.permissions import TABLE

logger = logging.getLogger(__name__)

POOL_MIN = 2
POOL_MAX = WORKERS + 12  # the reconciler's own, and those of calls


async def run(settings: Settings) -> None:
    """Serve until cancelled."""
    settings.require("tenant", "database_url", "exchange_address", "secret_key_file")
    pool = await connect_pool(settings, min_size=POOL_MIN, max_size=POOL_MAX)
    async with pool, channel(settings, settings.exchange_address) as exchange_channel:
        exchange = ExchangeClient(exchange_channel)
        prices = LastPrices(exchange)
        stores = Stores(BotStorage(pool), TradeStorage(pool), PerformanceStorage(pool))
        work = WorkStorage(pool)
        restarted = await work.restart_outdated(KERNEL_VERSION)
        logger.info("%d runs of an older kernel begin anew", restarted)
        reconciler = Reconciler(work, Steps(exchange))
        bots = BotService(stores, exchange, reconciler, SystemClock())
        runners = RunnerService(LeaseStorage(pool), stores.trades, reconciler)
        recorder = PerformanceRecorder(stores.performance, prices)
        server = GrpcServer(
            settings,
            TABLE,
            remote_key_store(settings, exchange_channel),
            [
                (
                    bots_pb2_grpc.add_BotServiceServicer_to_server,
                    BotServicer(bots, stores.bots, prices),
                    "tigerex.bots.v1.BotService",
                ),
                (
                    runner_pb2_grpc.add_RunnerServiceServicer_to_server,
                    RunnerServicer(runners),
                    "tigerex.bots.v1.RunnerService",
                ),
            ],
        )
        async with server, asyncio.TaskGroup() as group:
            group.create_task(reconciler.run())
            group.create_task(recorder.run())
