"""What runners may ask: leases and the bots that come with them, checkpoints, trades."""

import re
from typing import Final
from uuid import UUID

from tigerex_platform.errors import InvalidField
from tigerex_services.bots.model import BotRow, RunRow
from tigerex_services.bots.service.reconciler import Reconciler
from tigerex_services.bots.storage.leases import CheckpointRow, Held, LeaseStorage
from tigerex_services.bots.storage.trades import Trade, TradeStorage

RUNNER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# Bots told with their checkpoint in one answer, so that it stays well below 4 MiB.
NEW_ASSIGNMENTS_MAX: Final = 100
CHECKPOINTS_MAX: Final = 1_000
STATE_BYTES_MAX: Final = 1 << 20
TRADES_MAX: Final = 1_000


class RunnerService:
    """Decides who runs which bot."""

    def __init__(self, leases: LeaseStorage, trades: TradeStorage, reconciler: Reconciler) -> None:
        self._leases = leases
        self._trades = trades
        self._reconciler = reconciler

    async def heartbeat(
        self, runner_id: str, dedicated_bot: str, known: frozenset[str]
    ) -> tuple[list[tuple[BotRow, RunRow]], list[Held]]:
        """Bots the runner follows already, and some of those it does not, with checkpoints.

        A bot counts as known under "<id>:<start seq>": after a restart it is another one.
        """
        _check_runner(runner_id)
        await self._leases.renew(runner_id, dedicated_bot)
        self._reconciler.notify()  # taken leases may need a fence
        kept: list[tuple[BotRow, RunRow]] = []
        fresh: list[Held] = []
        for bot, run in await self._leases.assignments(runner_id):
            if f"{bot.id}:{run.start_seq}" in known:
                kept.append((bot, run))
            elif len(fresh) < NEW_ASSIGNMENTS_MAX:
                checkpoint = await self._leases.checkpoint(bot.id, run.start_seq)
                fresh.append(Held(bot, run, checkpoint))
        return kept, fresh

    async def save_checkpoints(
        self, runner_id: str, updates: list[tuple[CheckpointRow, str, str]]
    ) -> list[UUID]:
        """Keep (checkpoint, status, reason) of each bot; returns those it has lost."""
        _check_runner(runner_id)
        if len(updates) > CHECKPOINTS_MAX:
            raise InvalidField("checkpoints", len(updates), f"at most {CHECKPOINTS_MAX}")
        lost = []
        ended = False
        for row, status, reason in updates:
            if len(row.state) > STATE_BYTES_MAX:
                allowed = f"at most {STATE_BYTES_MAX} bytes"
                raise InvalidField("checkpoints.state", f"{len(row.state)} bytes", allowed)
            if not await self._leases.save_checkpoint(runner_id, row, status, reason):
                lost.append(row.bot_id)
            ended = ended or status in ("completed", "failed")
        if ended:
            self._reconciler.notify()
        return lost

    async def report_trades(self, bot_id: UUID, trades: list[Trade]) -> None:
        """Keep fills, each once."""
        if len(trades) > TRADES_MAX:
            raise InvalidField("trades", len(trades), f"at most {TRADES_MAX}")
        await self._trades.record(bot_id, trades)

    async def release(self, runner_id: str) -> None:
        """Free the runner's leases at once."""
        _check_runner(runner_id)
        await self._leases.release(runner_id)


def _check_runner(runner_id: str) -> None:
    if not RUNNER_ID.fullmatch(runner_id):
        raise InvalidField("runner_id", runner_id, "1 to 128 letters, digits, '.', '_' or '-'")
