"""Intents reach the exchange in order, each once, whatever the calls do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from tests.support.runner_bots import running_bot
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_platform.errors import Unavailable
from tigerex_quant import kernel as k
from tigerex_services.runner.bot import RunningBot
from tigerex_services.runner.submitter import COMMANDS_MAX, Submitter

pytestmark = pytest.mark.unit


class Exchange:
    """Answers batches, or is away for the first few of them; remembers what was executed."""

    def __init__(self, failures: int = 0, lost_answers: int = 0) -> None:
        self.failures = failures
        self.lost_answers = lost_answers
        self.executed: list[pb.PlaceOrderRequest] = []
        self.at_once = self.most_at_once = 0

    async def SubmitBatch(self, request: pb.SubmitBatchRequest) -> pb.SubmitBatchResponse:  # noqa: N802
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.failures:
            self.failures -= 1
            raise Unavailable
        seen = {bytes(place.request_id) for place in self.executed}
        for command in request.commands:
            if bytes(command.place.request_id) not in seen:
                self.executed.append(command.place)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable
        results = [pb.BatchResult(placed=pb.PlaceOrderResponse()) for _ in request.commands]
        return pb.SubmitBatchResponse(results=results)


class Nobody:
    def answered(self, bot: RunningBot, outcome: str) -> None:
        pass


def want(bot: RunningBot, submitter: Submitter, count: int) -> None:
    """The bot decides so many orders; their quantities count up."""
    for _ in range(count):
        intent = np.zeros(k.INTENT_WIDTH, dtype=np.int64)
        bot.emitted += 1
        intent[:] = (k.PLACE, bot.emitted, 1, 1, 1, 1, 100, bot.emitted, 0, 0)
        bot.outbox.append(intent)
    submitter.enqueue(bot, count)


@asynccontextmanager
async def running(exchange: Exchange) -> AsyncIterator[Submitter]:
    submitter = Submitter(exchange, Nobody())  # type: ignore[arg-type]
    task = asyncio.create_task(submitter.run())
    try:
        yield submitter
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("failures", "lost_answers"), [(0, 0), (2, 0), (0, 2), (1, 1)])
async def test_every_bots_orders_arrive_once_and_in_order(failures: int, lost_answers: int) -> None:
    exchange = Exchange(failures, lost_answers)
    bots = [running_bot(account) for account in (11, 12, 13)]
    async with running(exchange) as submitter:
        for round_ in range(5):
            for bot in bots:
                want(bot, submitter, 1 + round_ * 40)
            await asyncio.sleep(0)
        assert await submitter.drain()
    for bot in bots:
        mine = [p for p in exchange.executed if p.account_id == bot.account_id]
        assert [int(p.client_order_id.rsplit("-")[-1]) for p in mine] == list(range(1, 406))
        assert bot.acknowledged == bot.emitted == 405


async def test_many_bots_share_a_call_and_calls_are_bounded() -> None:
    exchange = Exchange()
    async with running(exchange) as submitter:
        for account in range(600):
            want(running_bot(account + 1), submitter, 2)
        assert await submitter.drain()
    assert len(exchange.executed) == 1_200
    assert 1 <= exchange.most_at_once <= 4
    assert COMMANDS_MAX == 256


async def test_a_dropped_bot_sends_nothing_more() -> None:
    exchange = Exchange(failures=1_000)
    bot = running_bot(5)
    async with running(exchange) as submitter:
        want(bot, submitter, 300)
        await asyncio.sleep(0.01)
        bot.dropped = True
        submitter.forget(bot)
        assert len(bot.outbox) <= COMMANDS_MAX
        assert await submitter.drain()
    assert not exchange.executed
