"""The runner: follows the exchange's one stream and folds every bot it holds.

New bots are first folded from their checkpoint up to where the others are, by the journal, in a
roster of their own; then they join. The intents of that refold are sent again: those that were
executed are answered as repetitions.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import grpc
from tigerex.bots.v1 import runner_pb2
from tigerex.exchange.v1 import journal_pb2 as pb

from tigerex_platform.errors import TigerExError
from tigerex_platform.retry import backoff_s
from tigerex_quant import kernel as k
from tigerex_quant.kernel import Ints
from tigerex_services.runner.bot import Decision, RunningBot
from tigerex_services.runner.markets import Markets
from tigerex_services.runner.roster import Roster
from tigerex_services.runner.submitter import Submitter
from tigerex_services.runner.telemetry import Telemetry
from tigerex_services.stream import Batch, rows_of

if TYPE_CHECKING:
    from tigerex.exchange.v1.journal_pb2_grpc import JournalServiceAsyncStub

logger = logging.getLogger(__name__)

RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 2.0


class Runner:
    """Every bot of this process."""

    def __init__(
        self,
        journal: "JournalServiceAsyncStub",
        submitter: Submitter,
        markets: Markets,
        telemetry: Telemetry,
        seq: int,
    ) -> None:
        """`seq` is that of the batch before the first one of the stream."""
        self._journal = journal
        self._submitter = submitter
        self._markets = markets
        self._telemetry = telemetry
        self._main = Roster(_Live(self), seq)
        self._joining: dict[str, RunningBot] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def seq(self) -> int:
        """Everything up to this seq is folded."""
        return self._main.seq

    def bots(self) -> list[RunningBot]:
        """The bots that are up to date."""
        return self._main.bots()

    def known(self) -> list[str]:
        """Keys of all bots that are followed, up to date or not."""
        return [bot.key for bot in self._main.bots()] + list(self._joining)

    async def apply(self, batch: Batch) -> None:
        """Fold the next batch of the stream; waits while too many intents are on their way."""
        await self._submitter.room()
        self._markets.apply(batch.events)
        self._main.apply(batch)
        for bot in [bot for bot in self._main.bots() if bot.dropped]:
            self._drop(bot)

    def follow(self, assignments: list[runner_pb2.Assignment]) -> None:
        """Begin with new bots, in the background."""
        task = asyncio.get_running_loop().create_task(self._join(assignments))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def keep_only(self, keys: set[str]) -> None:
        """Drop the bots that are not ours any more."""
        for bot in [*self._main.bots(), *self._joining.values()]:
            if bot.key not in keys:
                self._drop(bot)

    def lose(self, bot_id: str) -> None:
        """Drop a bot that has moved on."""
        for bot in self._main.bots():
            if bot.bot_id == bot_id:
                self._drop(bot)

    async def close(self) -> None:
        """Stop the background work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def emit(self, bot: RunningBot, intents: Ints, event: Ints) -> None:
        """Send what a bot wants, and remember when and why it did."""
        for intent in intents:
            if intent[k.I_KIND] == k.PLACE:
                ref = int(intent[k.I_REF])
                trace = self._telemetry.decision(bot, ref, event)
                bot.decided(ref, Decision(int(event[k.E_TIME_NS]), trace))
        self._submitter.enqueue(bot, len(intents))

    def observe(self, bot: RunningBot, event: Ints, *, live: bool) -> None:
        """Follow an order from its decision to its fate."""
        kind = event[k.E_KIND]
        if kind in (k.ACCEPTED, k.REJECTED):
            decision = bot.decisions.pop(int(event[k.E_REF]), None)
            if decision is not None and live and kind == k.ACCEPTED:
                self._telemetry.accepted(bot, decision, event)
        elif kind == k.FILLED and live:
            self._telemetry.filled(bot, event)
        ended = kind in (k.CANCELED, k.EXPIRED) or (kind == k.FILLED and event[k.E_REMAINING] == 0)
        if ended:
            bot.over(int(event[k.E_ORDER_ID]))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("bots could not be brought up to date", exc_info=error)

    def _drop(self, bot: RunningBot) -> None:
        logger.info("bot %s is not run here any more", bot.bot_id)
        self._main.remove(bot)
        if self._joining.get(bot.key) is bot:
            del self._joining[bot.key]
        self._submitter.forget(bot)
        self._telemetry.bots(len(self._main.bots()))

    async def _join(self, assignments: list[runner_pb2.Assignment]) -> None:
        bots = []
        for assignment in assignments:
            try:
                market = await self._markets.find(assignment.bot.spec.market)
                bot = RunningBot(assignment, market, self._markets.asset)
            except (TigerExError, grpc.aio.AioRpcError) as error:
                # It stays unknown, so the next heartbeat brings it again.
                logger.warning("bot %s cannot begin: %s", assignment.bot.bot_id, error)
                continue
            if bot.key not in self._joining:
                self._joining[bot.key] = bot
                bots.append(bot)
        try:
            if bots:
                await self._catch_up(bots)
        finally:
            # Those that did not make it are forgotten: the next heartbeat brings them anew.
            for bot in bots:
                self._joining.pop(bot.key, None)

    async def _catch_up(self, bots: list[RunningBot]) -> None:
        roster = Roster(_Past(self), min(bot.skip_until for bot in bots))
        roster.add(bots)
        attempt = 0
        while roster.seq < self._main.seq:
            await self._submitter.room()
            try:
                page = await self._journal.ReadJournal(
                    pb.ReadJournalRequest(from_seq=roster.seq + 1)
                )
            except (grpc.aio.AioRpcError, TigerExError) as error:
                logger.warning("the journal is away: %s", error)
                await asyncio.sleep(backoff_s(attempt, RETRY_FIRST_S, RETRY_MAX_S))
                attempt += 1
                continue
            attempt = 0
            for entry in page.entries:
                rows = rows_of(entry.events, entry.kernel_version)
                roster.apply(Batch(entry.seq, entry.time_ns, rows))
            if all(bot.dropped for bot in bots):
                break
        # From here to the end nothing waits, so no batch can slip in between.
        for bot in bots:
            self._joining.pop(bot.key, None)
            bot.skip_until = max(bot.skip_until, roster.seq)
        self._main.add(bot for bot in bots if not bot.dropped)
        self._telemetry.bots(len(self._main.bots()))


class _Live:
    """What happens to the bots that are up to date."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def on_intents(self, bot: RunningBot, intents: Ints, event: Ints) -> None:
        self._runner.emit(bot, intents, event)

    def on_order_event(self, bot: RunningBot, event: Ints) -> None:
        self._runner.observe(bot, event, live=True)


class _Past(_Live):
    """What happened to bots in the part of the journal that they are refolded from."""

    def on_order_event(self, bot: RunningBot, event: Ints) -> None:
        self._runner.observe(bot, event, live=False)
