"""Drives every bot from what it is to what its owner wants, step by step.

All replicas do this; a row lock gives each bot to one of them at a time, and a replica that dies
gives it up with its connection. What is left to do is read from the tables, never remembered.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from tigerex_platform.errors import TigerExError
from tigerex_services.bots.service.decide import next_step
from tigerex_services.bots.service.steps import Steps
from tigerex_services.bots.storage.work import Claim, WorkStorage

logger = logging.getLogger(__name__)

WORKERS: Final = 4
IDLE_WAIT_S: Final = 0.25  # another replica's changes and taken leases are seen at the latest then
RETRY_FIRST_S: Final = 0.25
RETRY_MAX_S: Final = 30.0
RETRY_DOUBLINGS_MAX: Final = 7
DATABASE_PAUSE_S: Final = 1.0


class Reconciler:
    """A few workers, each taking one step of one bot at a time."""

    def __init__(self, work: WorkStorage, steps: Steps) -> None:
        self._work = work
        self._steps = steps
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Something was changed here: look now."""
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            try:
                worked = await self.work_once()
            except (psycopg.OperationalError, psycopg.InternalError, PoolTimeout) as error:
                logger.warning("the database is away: %s", error)
                await asyncio.sleep(DATABASE_PAUSE_S)
                continue
            if not worked:
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_WAIT_S):
                        await self._changed.wait()

    async def work_once(self) -> bool:
        """Take one step of the bot that waits longest; False when no bot needs any."""
        async with self._work.claim() as claim:
            if claim is None:
                return False
            step = next_step(claim.bot, claim.run, claim.holder)
            try:
                await self._steps.take(step, claim)
            except TigerExError as error:
                await _postpone(claim, error)
                logger.info("bot %s, %s: %s", claim.bot.id, step.name, error.message)
            return True


async def _postpone(claim: Claim, error: TigerExError) -> None:
    """Try again later, and show the owner why; nothing of the failed step was kept."""
    delay_s = RETRY_FIRST_S * 2 ** min(claim.run.attempts, RETRY_DOUBLINGS_MAX)
    await claim.retry_after(min(delay_s, RETRY_MAX_S))
    await claim.update_bot(status_reason=f"{error.code}: {error.message}")
