"""Wires a runner: of shared bots, or of the one that `--bot` names."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import grpc
import redis.asyncio as aioredis
from tigerex.bots.v1.runner_pb2_grpc import RunnerServiceStub
from tigerex.exchange.v1 import journal_pb2
from tigerex.exchange.v1.journal_pb2_grpc import JournalServiceStub
from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceStub
from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceStub

from tigerex_platform.clock import SystemClock
from tigerex_platform.errors import InvalidField, TigerExError
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.redis_client import connect_redis
from tigerex_platform.settings import Settings
from tigerex_quant import compile_kernels
from tigerex_services.permissions import TABLE
from tigerex_services.runner.keeper import Keeper
from tigerex_services.runner.leases import Leases
from tigerex_services.runner.markets import Markets
from tigerex_services.runner.runner import Runner
from tigerex_services.runner.submitter import Submitter
from tigerex_services.runner.telemetry import Telemetry
from tigerex_services.stream import EventStream

if TYPE_CHECKING:
    from tigerex.exchange.v1.journal_pb2_grpc import JournalServiceAsyncStub

logger = logging.getLogger(__name__)

WAIT_FOR_EXCHANGE_S = 0.5
CLOSE_CALL_S = 3.0  # each of the last reports; whoever resumes does without them


async def run(settings: Settings, bot: str = "") -> None:
    """Run bots until cancelled, then hand them over."""
    settings.require("tenant", "redis_url", "exchange_address", "bots_address")
    dedicated = _bot_id(bot)
    compile_kernels()
    async with (
        connect_redis(settings) as redis,
        channel(settings, settings.exchange_address) as exchange,
        channel(settings, settings.bots_address) as bots,
        GrpcServer(settings, TABLE),
    ):
        await _run(redis, exchange, bots, dedicated)


async def _run(
    redis: aioredis.Redis, exchange: grpc.aio.Channel, bots: grpc.aio.Channel, dedicated: str
) -> None:
    journal = JournalServiceStub(exchange)
    service = RunnerServiceStub(bots)
    runner_id = f"{os.uname().nodename}-{secrets.token_hex(4)}"
    seq = await _committed_seq(journal)
    telemetry = Telemetry()
    submitter = Submitter(TradingServiceStub(exchange), telemetry)
    markets = Markets(MarketServiceStub(exchange))
    runner = Runner(journal, submitter, markets, telemetry, seq)
    keeper = Keeper(service, runner_id, runner.bots, lambda: runner.seq, runner.lose)
    leases = Leases(
        service,
        runner_id,
        dedicated,
        known=runner.known,
        follow=runner.follow,
        keep_only=runner.keep_only,
        clock=SystemClock(),
    )
    logger.info("runner %s begins after seq %d", runner_id, seq)
    async with _background(submitter.run):
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_follow(EventStream(redis, journal, from_seq=seq + 1), runner))
                group.create_task(keeper.run())
                group.create_task(leases.run())
        finally:
            await asyncio.shield(_close(runner, submitter, keeper, leases))


async def _follow(stream: EventStream, runner: Runner) -> None:
    async for batch in stream:
        await runner.apply(batch)


async def _close(runner: Runner, submitter: Submitter, keeper: Keeper, leases: Leases) -> None:
    """Send what is decided, tell what happened, give the leases back; each as far as it goes."""
    await runner.close()
    await submitter.drain()
    for call in (keeper.report, keeper.save, leases.release):
        try:
            async with asyncio.timeout(CLOSE_CALL_S):
                await call()
        except (grpc.aio.AioRpcError, TigerExError, TimeoutError) as error:
            logger.warning("at the end: %s", error)


async def _committed_seq(journal: "JournalServiceAsyncStub") -> int:
    """The newest seq, as soon as the exchange answers."""
    while True:
        try:
            request = journal_pb2.ReadJournalRequest(from_seq=1, max_entries=1)
            return int((await journal.ReadJournal(request)).committed_seq)
        except (grpc.aio.AioRpcError, TigerExError) as error:
            logger.warning("waiting for the exchange: %s", error)
            await asyncio.sleep(WAIT_FOR_EXCHANGE_S)


@asynccontextmanager
async def _background(main: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Run something for the length of the context."""
    task = asyncio.get_running_loop().create_task(main())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _bot_id(text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        raise InvalidField("bot", text, "the id of a bot") from None
