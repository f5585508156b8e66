"""Wires one market's feed."""

import asyncio
import logging
import os

from tigerex_platform.clock import Clock, SystemClock
from tigerex_platform.errors import TigerExError
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.settings import Settings
from tigerex_services.feed.config import VARIABLE, FeedConfig, read_config
from tigerex_services.feed.exchange_client import FeedExchange
from tigerex_services.feed.play import ReplayPlayer
from tigerex_services.feed.simulate import run_simulated
from tigerex_services.permissions import TABLE

logger = logging.getLogger(__name__)

STOP_S = 5.0  # for taking orders off at the end


async def run(settings: Settings, market: str = "") -> None:
    """Feed the market until cancelled; after the end of a replay, do nothing until then.

    Raises InvalidField naming the field of TIGEREX_FEED, NotFound for an unknown market.
    """
    settings.require("exchange_address")
    config = read_config(os.environ.get(VARIABLE, ""), market)
    async with (
        channel(settings, settings.exchange_address) as exchange_channel,
        GrpcServer(settings, TABLE),
    ):
        exchange = FeedExchange(exchange_channel, config.symbol)
        await exchange.open()
        await feed(exchange, config, SystemClock())
        await asyncio.Event().wait()


async def feed(exchange: FeedExchange, config: FeedConfig, clock: Clock) -> None:
    """One feed from its beginning to its end, or until cancelled; then no order of it is left."""
    player: ReplayPlayer | None = None
    try:
        if config.replay is not None:
            speed = config.replay.speed_factor
            player = ReplayPlayer(exchange, config.replay.path, speed, clock)
            await player.run()
        elif config.simulated is not None:
            await run_simulated(exchange, config.simulated, clock)
    except asyncio.CancelledError:
        await asyncio.shield(_stop(exchange, player))
        raise


async def _stop(exchange: FeedExchange, player: ReplayPlayer | None) -> None:
    """A quote that nobody looks after must not stay; the next process would cancel it too."""
    try:
        async with asyncio.timeout(STOP_S):
            if player is not None:
                await player.stop()
            else:
                await exchange.clear_book()
    except (TigerExError, TimeoutError) as error:
        logger.warning("orders may be left until the next start: %s", error)
