"""The life of the exchange process: standby, recovery, leadership.

A standby follows the journal with its own core. When it gets the lock it executes what is left and
leads from there; it stays leader until it stops, or until something fails, which ends the process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg

from tigerex_core import Core
from tigerex_platform.clock import Clock
from tigerex_platform.errors import Unavailable
from tigerex_platform.telemetry import metrics
from tigerex_services.exchange import commands
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.crash import CrashPoint
from tigerex_services.exchange.host.publisher import Publisher
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.host.sequencer import Limits, Sequencer
from tigerex_services.exchange.storage.journal import JournalReader, JournalWriter

logger = logging.getLogger(__name__)

TICK_S = 1.0
STANDBY_POLL_S = 0.25
STANDBY_RETRY_MAX_S = 2.0
CATCH_UP_ENTRIES = 256  # read and executed at once
STANDBY_HINT_S = 1.0


class Host:
    """Gets the lead and keeps it; `leader` is how services reach the sequencer."""

    def __init__(
        self,
        core: Core,
        writer: JournalWriter,
        reader: JournalReader,
        publisher: Publisher,
        clock: Clock,
        *,
        crash: CrashPoint,
        serving: Callable[[bool], Awaitable[None]],
        limits: Limits | None = None,
    ) -> None:
        self._replay = Replay(core, Committed())
        self._writer = writer
        self._reader = reader
        self._publisher = publisher
        self._clock = clock
        self._crash = crash
        self._serving = serving
        self._limits = limits or Limits()
        self._sequencer: Sequencer | None = None
        self._stopping = asyncio.Event()

    def leader(self) -> Sequencer:
        """The sequencer of the leading process; raises Unavailable on a standby."""
        if self._sequencer is None:
            raise Unavailable(
                "this exchange process is on standby or recovering; try again, or another address",
                retry_after_s=STANDBY_HINT_S,
            )
        return self._sequencer

    def stop(self) -> None:
        """Answer what was accepted, then let `run` return."""
        self._stopping.set()
        if self._sequencer is not None:
            self._sequencer.stop()

    async def run(self) -> None:
        """Stand by, then lead until stopped.

        Raises what ended the leadership (AppendError, DeposedError, BrokenChainError, ReplayError,
        or an exception of the kernel): the process must end then, and the next one recovers.
        """
        try:
            if await self._gain_leadership():
                await self._lead()
        finally:
            await self._set_serving(False)
            await self._writer.close()

    async def _gain_leadership(self) -> bool:
        """True with the lock held and the journal executed to its end; False when stopped first."""
        retry_s = STANDBY_POLL_S
        begun_s = self._clock.monotonic_s()
        recovered = False
        while not self._stopping.is_set():
            try:
                await self._catch_up()
                if not recovered:
                    metrics.EXCHANGE_RECOVERY_DURATION.record(self._clock.monotonic_s() - begun_s)
                recovered = True
                if await self._writer.try_lead():
                    await self._catch_up()
                    return not self._stopping.is_set()
                retry_s = STANDBY_POLL_S
            except (psycopg.OperationalError, TimeoutError) as error:
                logger.warning("journal is away: %s", error)
                retry_s = min(retry_s * 2, STANDBY_RETRY_MAX_S)
            try:
                async with asyncio.timeout(retry_s):
                    await self._stopping.wait()
            except TimeoutError:
                continue
        return False

    async def _catch_up(self) -> None:
        while True:
            entries = await self._reader.entries(self._replay.head.seq + 1, CATCH_UP_ENTRIES)
            # In a thread, so that the process answers its probes while it recovers.
            await asyncio.to_thread(self._replay.advance, entries)
            if len(entries) < CATCH_UP_ENTRIES:
                return

    async def _lead(self) -> None:
        replay = self._replay
        logger.info("leading from entry %d on", replay.head.seq + 1)
        sequencer = Sequencer(
            replay.core,
            self._writer,
            replay.committed,
            self._clock,
            head=replay.head,
            publish=self._publisher.publish,
            crash=self._crash,
            limits=self._limits,
        )
        self._sequencer = sequencer
        await self._set_serving(True)
        tasks = [
            asyncio.create_task(sequencer.run()),
            asyncio.create_task(self._publisher.run(replay.head.seq)),
            asyncio.create_task(self._tick(sequencer)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sequencer.stop()
            await self._set_serving(False)
            for task in tasks[1:]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _set_serving(self, serving: bool) -> None:
        metrics.EXCHANGE_LEADER.set(int(serving))
        await self._serving(serving)

    async def _tick(self, sequencer: Sequencer) -> None:
        """Let time pass in the journal, once a second."""
        while True:
            try:
                sequencer.enqueue([commands.TICK])
            except Unavailable:
                logger.warning("no tick: the queue is full")
            await self._clock.sleep(TICK_S)
