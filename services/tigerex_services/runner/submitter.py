"""Sends intents to the exchange: in order for each bot, many bots in one call, each exactly once.

A bot's commands wait in its outbox until they are answered. While some of them are on their way
no others of the same bot are sent, so none can overtake. A call that fails is repeated as it is:
the exchange answers what it has done already as the repetition it is. Refusals are answers too; the
strategy learns of them from the event stream.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

import grpc
from opentelemetry import trace
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_platform.errors import TigerExError
from tigerex_platform.retry import backoff_s
from tigerex_quant import kernel as k
from tigerex_services.runner.bot import RunningBot
from tigerex_services.runner.requests import command_of

if TYPE_CHECKING:
    from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceAsyncStub

logger = logging.getLogger(__name__)

COMMANDS_MAX: Final = 256  # in one call
CALLS_MAX: Final = 4  # at the same time
WAITING_MAX: Final = 20_000  # intents of all bots, before the fold waits
RETRY_FIRST_S: Final = 0.05
RETRY_MAX_S: Final = 2.0
DRAIN_S: Final = 5.0

Part = tuple[RunningBot, int]  # a bot and how many of its commands are in a call


class Observer(Protocol):
    """Hears what became of calls."""

    def answered(self, bot: RunningBot, outcome: str) -> None: ...


class Submitter:
    """The outboxes of all bots of this process."""

    def __init__(self, trading: "TradingServiceAsyncStub", observer: Observer) -> None:
        self._trading = trading
        self._observer = observer
        self._tracer = trace.get_tracer("tigerex_services.runner")
        self._ready: deque[RunningBot] = deque()
        self._queued: set[RunningBot] = set()
        self._work = asyncio.Event()
        self._slots = asyncio.Semaphore(CALLS_MAX)
        self._waiting = 0
        self._answered = asyncio.Event()

    def enqueue(self, bot: RunningBot, count: int) -> None:
        """`count` intents were appended to the bot's outbox."""
        self._waiting += count
        self._make_ready(bot)

    async def room(self) -> None:
        """Return when the number of waiting intents allows for more."""
        await self._at_most(WAITING_MAX)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._work.wait()
                await self._slots.acquire()
                parts = self._take()
                if not parts:
                    self._slots.release()
                    self._work.clear()
                    continue
                group.create_task(self._send(parts))

    async def drain(self) -> bool:
        """Wait until everything is answered, at most five seconds; False when it is not."""
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._at_most(0)
        except TimeoutError:
            return False
        return True

    def forget(self, bot: RunningBot) -> None:
        """Send nothing more of a dropped bot; what is on its way stays there."""
        while len(bot.outbox) > bot.in_flight:
            bot.outbox.pop()
            self._waiting -= 1

    async def _at_most(self, limit: int) -> None:
        while self._waiting > limit:
            self._answered.clear()
            await self._answered.wait()

    def _make_ready(self, bot: RunningBot) -> None:
        if bot.in_flight == 0 and bot.outbox and bot not in self._queued:
            self._queued.add(bot)
            self._ready.append(bot)
            self._work.set()

    def _take(self) -> list[Part]:
        """The next call: whole outboxes while they fit, else the first part of one."""
        parts: list[Part] = []
        room = COMMANDS_MAX
        while self._ready and room:
            bot = self._ready.popleft()
            self._queued.discard(bot)
            bot.in_flight = min(len(bot.outbox), room)
            if bot.in_flight:
                room -= bot.in_flight
                parts.append((bot, bot.in_flight))
        return parts

    async def _send(self, parts: Sequence[Part]) -> None:
        try:
            commands = [
                command_of(bot, intent)
                for bot, count in parts
                for intent in islice(bot.outbox, count)
            ]
            request = pb.SubmitBatchRequest(commands=commands)
            with self._tracer.start_as_current_span("bot.submit", links=_links(parts)):
                answer = await self._call(request, parts)
        finally:
            self._slots.release()
        results = iter(answer.results if answer else ())
        for bot, count in parts:
            for result in islice(results, count):
                self._observer.answered(bot, _outcome(result))
            for _ in range(count):
                bot.outbox.popleft()
            self._waiting -= count
            bot.in_flight = 0
            self._make_ready(bot)
        self._answered.set()

    async def _call(
        self, request: pb.SubmitBatchRequest, parts: Sequence[Part]
    ) -> pb.SubmitBatchResponse | None:
        """The answer, however long it takes; None when nobody needs it any more."""
        attempt = 0
        while not all(bot.dropped for bot, _ in parts):
            try:
                return await self._trading.SubmitBatch(request)
            except (grpc.aio.AioRpcError, TigerExError) as error:
                logger.warning("the exchange did not take a batch: %s", error)
            await asyncio.sleep(backoff_s(attempt, RETRY_FIRST_S, RETRY_MAX_S))
            attempt += 1
        return None


def _outcome(result: pb.BatchResult) -> str:
    match result.WhichOneof("result"):
        case "refused":
            return result.refused.reason.lower()
        case "canceled":
            return "canceled"
        case _:
            return "accepted"


def _links(parts: Sequence[Part]) -> list[trace.Link]:
    """The decisions that a call carries out."""
    return [
        trace.Link(decision.trace)
        for bot, count in parts
        for intent in islice(bot.outbox, count)
        if (decision := bot.decisions.get(int(intent[k.I_REF]))) is not None
    ]
