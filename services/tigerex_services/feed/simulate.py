"""The loop of a simulated feed: clear the book, then step after step while the market is open."""

import logging

from tigerex_core.records import MarketState
from tigerex_platform.clock import Clock
from tigerex_platform.telemetry import metrics
from tigerex_services.feed.config import SimulatedConfig
from tigerex_services.feed.exchange_client import FeedExchange, Outcome
from tigerex_services.feed.simulated import STEP_MS, Simulation
from tigerex_services.feed.steps import steps_of

logger = logging.getLogger(__name__)

STEP_S = STEP_MS / 1000
LAG_S_MAX = 1.0  # further behind than this, steps are not made up for
HALT_POLL_S = 2.0
HALTED = "MARKET_HALTED"


async def run_simulated(exchange: FeedExchange, config: SimulatedConfig, clock: Clock) -> None:
    """Until cancelled. Raises InvalidField for a configuration that does not fit the market."""
    steps = steps_of(exchange.market)
    config.plan(steps, run=0)  # refuse at once what the market cannot have
    while True:
        await wait_until_open(exchange, clock)
        _, seq = await exchange.clear_book()
        _, last_ticks = await exchange.state()
        # The seq is new after every command, so no two runs have ids in common.
        plan = config.plan(steps, run=seq, last_ticks=last_ticks)
        logger.info("simulating %s from seq %d around tick %d", plan.symbol, seq, plan.start_ticks)
        await _run_while_open(exchange, Simulation(plan), clock)


async def wait_until_open(exchange: FeedExchange, clock: Clock) -> None:
    """Return when the market takes orders."""
    told = False
    while True:
        state, _ = await exchange.state()
        if state is MarketState.OPEN:
            return
        if not told:
            logger.warning("%s is halted: waiting until it is opened", exchange.market.symbol)
            told = True
        await clock.sleep(HALT_POLL_S)


async def _run_while_open(exchange: FeedExchange, simulation: Simulation, clock: Clock) -> None:
    due_s = clock.monotonic_s()
    while True:
        outcome = await exchange.submit(simulation.step())
        count(outcome, exchange.market.symbol)
        if outcome.refused[HALTED]:
            return
        due_s += STEP_S
        now_s = clock.monotonic_s()
        if now_s - due_s > LAG_S_MAX:
            due_s = now_s
        await clock.sleep(max(0.0, due_s - now_s))


def count(outcome: Outcome, symbol: str) -> None:
    """Into the metrics: accepted commands, and refused ones by reason."""
    metrics.FEED_ORDERS.add(outcome.accepted, {"market": symbol, "outcome": "accepted"})
    for reason, number in outcome.refused.items():
        metrics.FEED_ORDERS.add(number, {"market": symbol, "outcome": reason.lower()})
