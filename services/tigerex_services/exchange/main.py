"""Wires the exchange: settings in, a running process out.

`run` is the process; `verify` is `tigerex exchange --verify`: it prints each check and what it
counted, and returns the exit code.
"""

import asyncio
import os
from functools import partial

from tigerex.exchange.v1 import (
    accounts_pb2_grpc,
    admin_pb2_grpc,
    journal_pb2_grpc,
    markets_pb2_grpc,
    trading_pb2_grpc,
)

from tigerex_core import Core
from tigerex_platform.auth import SecretBox
from tigerex_platform.clock import SystemClock
from tigerex_platform.database import Pool, connect_pool, conninfo
from tigerex_platform.grpc.server import GrpcServer, Servicer
from tigerex_platform.redis_client import connect_redis
from tigerex_platform.settings import Settings
from tigerex_services.exchange.host.crash import CrashPoint, crash_point
from tigerex_services.exchange.host.host import Host
from tigerex_services.exchange.host.publisher import Publisher
from tigerex_services.exchange.host.snapshots_keeper import Keeper
from tigerex_services.exchange.service.account_admin import AccountAdmin
from tigerex_services.exchange.service.accounts import AccountService
from tigerex_services.exchange.service.admin import AdminService
from tigerex_services.exchange.service.audited import Audited
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.journal import JournalService
from tigerex_services.exchange.service.keys import KeyService
from tigerex_services.exchange.service.limits import RateLimits
from tigerex_services.exchange.service.market_admin import MarketAdmin
from tigerex_services.exchange.service.markets import MarketService
from tigerex_services.exchange.service.trading import TradingService
from tigerex_services.exchange.servicers.accounts import AccountServicer
from tigerex_services.exchange.servicers.admin import AdminServicer
from tigerex_services.exchange.servicers.journal import JournalServicer
from tigerex_services.exchange.servicers.markets import MarketServicer
from tigerex_services.exchange.servicers.trading import TradingServicer
from tigerex_services.exchange.snapshot_process import archive_of, make_beside, snapshot_store
from tigerex_services.exchange.storage.journal import JournalReader, JournalWriter
from tigerex_services.exchange.storage.keys import AdminStorage
from tigerex_services.exchange.verify_process import prove, prove_beside
from tigerex_services.exchange.wire.batch import compile_wire
from tigerex_services.permissions import TABLE

POOL_MIN, POOL_MAX = 1, 4  # for reads and keys; the journal is written over its own connection
PACKAGE = "tigerex.exchange.v1"


async def run(settings: Settings) -> None:
    """Stand by, lead and serve until cancelled; raises what ended the leadership."""
    settings.require("tenant", "database_url", "redis_url", "secret_key_file")
    compile_wire()
    crash = crash_point(os.environ)
    box = SecretBox.from_settings(settings)
    redis = connect_redis(settings)
    pool = await connect_pool(settings, min_size=POOL_MIN, max_size=POOL_MAX, autocommit=True)
    async with pool, redis:
        await _serve(settings, pool, box, Publisher(redis), crash)


async def verify(settings: Settings) -> int:
    """Print each check of the journal with what it counted; 0 when all passed, else 1."""
    settings.require("database_url")
    report = prove(settings)
    for check in report.checks:
        print(f"{'ok    ' if check.passed else 'FAILED'} {check.name}: {check.detail}")  # noqa: T201
    print(f"{'verified' if report.passed else 'NOT VERIFIED'} up to entry {report.seq}")  # noqa: T201
    return 0 if report.passed else 1


async def _serve(
    settings: Settings, pool: Pool, box: SecretBox, publisher: Publisher, crash: CrashPoint
) -> None:
    clock = SystemClock()
    reader = JournalReader(pool, archive_of(settings))
    writer = JournalWriter(
        partial(conninfo, settings, application_name="tigerex-journal"),
        f"tigerex-journal:{settings.tenant}",
    )

    async def say_serving(serving: bool) -> None:
        await server.set_serving(serving)

    keeper = Keeper(snapshot_store(settings), clock, partial(make_beside, settings))
    host = Host(Core, writer, reader, keeper, publisher, clock, crash=crash, serving=say_serving)
    executor = Executor(host.leader, reader)
    keys = KeyService(executor, AdminStorage(pool), box, clock)
    limits = RateLimits.from_settings(settings, clock)
    audited = Audited(executor, AdminStorage(pool), clock)
    journal = JournalService(executor, reader, partial(prove_beside, settings))
    server = GrpcServer(
        settings,
        TABLE,
        keys,
        _servicers(
            TradingServicer(TradingService(executor), limits),
            AccountServicer(AccountService(executor)),
            MarketServicer(MarketService(executor)),
            JournalServicer(journal),
            AdminServicer(AdminService(audited), MarketAdmin(audited), AccountAdmin(audited), keys),
        ),
        limiter=limits,
    )
    await server.start(serving=False)
    try:
        await host.run()
    finally:
        await asyncio.shield(server.stop())


def _servicers(
    trading: TradingServicer,
    accounts: AccountServicer,
    markets: MarketServicer,
    journal: JournalServicer,
    admin: AdminServicer,
) -> list[Servicer]:
    return [
        (
            trading_pb2_grpc.add_TradingServiceServicer_to_server,
            trading,
            f"{PACKAGE}.TradingService",
        ),
        (
            accounts_pb2_grpc.add_AccountServiceServicer_to_server,
            accounts,
            f"{PACKAGE}.AccountService",
        ),
        (markets_pb2_grpc.add_MarketServiceServicer_to_server, markets, f"{PACKAGE}.MarketService"),
        (
            journal_pb2_grpc.add_JournalServiceServicer_to_server,
            journal,
            f"{PACKAGE}.JournalService",
        ),
        (admin_pb2_grpc.add_AdminServiceServicer_to_server, admin, f"{PACKAGE}.AdminService"),
    ]
