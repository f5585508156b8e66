"""Tells the bots service what happened: fills soon, checkpoints every few seconds.

A checkpoint (state, seq) is sent when every intent of the events up to seq is acknowledged and
every fill in them is reported. So whoever resumes from it misses nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import grpc
from tigerex.bots.v1 import runner_pb2 as pb

from tigerex_platform.errors import TigerExError
from tigerex_services.runner.bot import RunningBot

if TYPE_CHECKING:
    from tigerex.bots.v1.runner_pb2_grpc import RunnerServiceAsyncStub

logger = logging.getLogger(__name__)

REPORT_EVERY_S: Final = 0.2
CHECKPOINT_EVERY_S: Final = 3.0
TRADES_MAX: Final = 500  # in one call
CHECKPOINTS_MAX: Final = 100
# A bot to which nothing happens is checkpointed after so many entries, to keep a refold short.
QUIET_SEQS: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A checkpoint that waits for acknowledgements and reports."""

    update: pb.CheckpointUpdate
    emitted: int
    traded: int


class Keeper:
    """Reports and checkpoints of all bots of this process."""

    def __init__(
        self,
        service: "RunnerServiceAsyncStub",
        runner_id: str,
        bots: Callable[[], Iterable[RunningBot]],
        seq: Callable[[], int],
        lose: Callable[[str], None],
    ) -> None:
        self._service = service
        self._runner_id = runner_id
        self._bots = bots
        self._seq = seq
        self._lose = lose
        self._waiting: dict[RunningBot, _Snapshot] = {}
        self._saved: dict[RunningBot, tuple[int, bytes]] = {}

    async def run(self) -> None:
        """Report and save until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(REPORT_EVERY_S, self.report))
            group.create_task(_every(CHECKPOINT_EVERY_S, self.save))
            group.create_task(_every(REPORT_EVERY_S, self.save_changed_status))

    async def report(self) -> None:
        """Report the fills that are not yet, of each bot in order."""
        for bot in [bot for bot in self._bots() if bot.trades]:
            while bot.trades and not bot.dropped:
                trades = list(islice(bot.trades, TRADES_MAX))
                request = pb.ReportTradesRequest(bot_id=bot.bot_id, trades=trades)
                await self._service.ReportTrades(request)
                for _ in trades:
                    bot.trades.popleft()

    async def save(self) -> None:
        """Save what is ripe, then take new snapshots of what has changed."""
        await self._flush()
        seq = self._seq()
        for bot in self._bots():
            if bot not in self._waiting and self._worth_saving(bot, seq):
                self._waiting[bot] = self._snapshot(bot, seq)
        await self._flush()

    async def save_changed_status(self) -> None:
        """A new status is told soon."""
        seq = self._seq()
        changed = False
        for bot in self._bots():
            if bot.status() != bot.told_status:
                bot.told_status = bot.status()
                self._waiting[bot] = self._snapshot(bot, seq)
                changed = True
        if changed or any(s.update.status for s in self._waiting.values()):
            await self._flush()

    def _worth_saving(self, bot: RunningBot, seq: int) -> bool:
        saved_seq, state = self._saved.get(bot, (0, b""))
        return seq > saved_seq and (seq - saved_seq >= QUIET_SEQS or state != bot.fold.checkpoint())

    def _snapshot(self, bot: RunningBot, seq: int) -> _Snapshot:
        status, reason = bot.status()
        update = pb.CheckpointUpdate(
            checkpoint=bot.checkpoint(seq), epoch=bot.epoch, status=status, status_reason=reason
        )
        return _Snapshot(update, bot.emitted, bot.traded)

    async def _flush(self) -> None:
        """Save the snapshots whose intents are acknowledged and whose fills are reported."""
        living = set(self._bots())
        for bot in [bot for bot in self._waiting if bot not in living]:
            del self._waiting[bot]
        for bot in [bot for bot in self._saved if bot not in living]:
            del self._saved[bot]
        ripe = [
            bot
            for bot, snapshot in self._waiting.items()
            if bot.acknowledged >= snapshot.emitted and bot.reported >= snapshot.traded
        ]
        while ripe:
            chunk, ripe = ripe[:CHECKPOINTS_MAX], ripe[CHECKPOINTS_MAX:]
            await self._save({bot: self._waiting.pop(bot) for bot in chunk})

    async def _save(self, snapshots: dict[RunningBot, _Snapshot]) -> None:
        updates = [snapshot.update for snapshot in snapshots.values()]
        request = pb.SaveCheckpointsRequest(runner_id=self._runner_id, checkpoints=updates)
        try:
            answer = await self._service.SaveCheckpoints(request)
        except (grpc.aio.AioRpcError, TigerExError):
            for bot, snapshot in snapshots.items():
                self._waiting.setdefault(bot, snapshot)
            raise
        for bot, snapshot in snapshots.items():
            checkpoint = snapshot.update.checkpoint
            self._saved[bot] = (checkpoint.seq, checkpoint.state)
        for bot_id in answer.lost_bot_ids:
            self._lose(bot_id)


async def _every(seconds: float, call: Callable[[], Awaitable[None]]) -> None:
    """Call again and again; a service that is away is asked again the next time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await call()
        except (grpc.aio.AioRpcError, TigerExError) as error:
            logger.warning("the bots service did not take a report: %s", error)
