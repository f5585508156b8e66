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
from tigerex_services.exchange.entry import JournalEntry, head_of
from tigerex_services.exchange.host.crash import CrashPoint
from tigerex_services.exchange.host.publisher import Publisher
from tigerex_services.exchange.host.recovery import Journal, follow, recover
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.host.sequencer import Limits, Sequencer
from tigerex_services.exchange.host.snapshots import KernelVersionError
from tigerex_services.exchange.host.snapshots_keeper import Keeper
from tigerex_services.exchange.storage.journal import JournalWriter

logger = logging.getLogger(__name__)

TICK_S = 1.0
STANDBY_POLL_S = 0.25
STANDBY_RETRY_MAX_S = 2.0
STANDBY_HINT_S = 1.0


class Host:
    """Gets the lead and keeps it; `leader` is how services reach the sequencer."""

    def __init__(
        self,
        new_core: Callable[[], Core],
        writer: JournalWriter,
        reader: Journal,
        keeper: Keeper,
        publisher: Publisher,
        clock: Clock,
        *,
        crash: CrashPoint,
        serving: Callable[[bool], Awaitable[None]],
        limits: Limits | None = None,
    ) -> None:
        self._new_core = new_core
        self._writer = writer
        self._reader = reader
        self._keeper = keeper
        self._publisher = publisher
        self._clock = clock
        self._crash = crash
        self._serving = serving
        self._limits = limits or Limits()
        self._replay: Replay | None = None
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
        or an exception of the kernel), or KernelVersionError: the process must end then, and the
        next one recovers.
        """
        finished: Replay | None = None
        try:
            replay = await self._gain_leadership()
            if replay is not None:
                finished = replay
                await self._lead(replay)
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                finished = None
            raise
        finally:
            await self._set_serving(False)
            await self._keeper.stop()
            await self._writer.close()  # the next one leads, while this one writes what it knows
            if finished is not None:
                await self._keeper.keep_standing(finished, always=True)

    async def _gain_leadership(self) -> Replay | None:
        """With the lock held and the journal executed to its end; None when stopped first."""
        retry_s = STANDBY_POLL_S
        begun_s = self._clock.monotonic_s()
        while not self._stopping.is_set():
            try:
                replay = await self._executed(begun_s)
                if replay is not None:
                    if await self._writer.try_lead():
                        await follow(replay, self._reader, self._keeper.note)
                        return None if self._stopping.is_set() else replay
                    await self._keeper.keep_standing(replay)
                retry_s = STANDBY_POLL_S
            except (psycopg.OperationalError, TimeoutError) as error:
                logger.warning("journal is away: %s", error)
                retry_s = min(retry_s * 2, STANDBY_RETRY_MAX_S)
            try:
                async with asyncio.timeout(retry_s):
                    await self._stopping.wait()
            except TimeoutError:
                continue
        return None

    async def _executed(self, begun_s: float) -> Replay | None:
        """The journal executed up to now; None while an older build leads, whose entries this one
        cannot execute: it leaves a snapshot when it stops."""
        if self._replay is not None:
            await follow(self._replay, self._reader, self._keeper.note)
            return self._replay
        try:
            self._replay = await self._recover(begun_s)
        except KernelVersionError as error:
            if not await self._writer.try_lead():
                logger.warning("on standby without following: %s", error)
                return None
            # Nobody leads, and what the last one left is there.
            self._replay = await self._recover(begun_s)
        return self._replay

    async def _recover(self, begun_s: float) -> Replay:
        replay, seq = await recover(
            self._keeper.store, self._reader, self._new_core, self._keeper.note
        )
        self._keeper.begin(seq)
        duration_s = self._clock.monotonic_s() - begun_s
        metrics.EXCHANGE_RECOVERY_DURATION.record(duration_s)
        logger.info(
            "executed %d commands up to entry %d after the snapshot of entry %d, in %.2f s",
            replay.commands,
            replay.head.seq,
            seq,
            duration_s,
        )
        return replay

    async def _lead(self, replay: Replay) -> None:
        logger.info("leading from entry %d on", replay.head.seq + 1)

        def publish(entry: JournalEntry) -> None:
            replay.head = head_of(entry)
            self._keeper.note(entry)
            self._publisher.publish(entry)

        sequencer = Sequencer(
            replay.core,
            self._writer,
            replay.committed,
            self._clock,
            head=replay.head,
            publish=publish,
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
            results = await asyncio.gather(*tasks, return_exceptions=True)
            if results[0] is not None:  # also when it fails while it stops
                raise results[0]
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
            self._keeper.lead()
            await self._clock.sleep(TICK_S)
