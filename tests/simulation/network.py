"""Calls from clients to hosts: messages are late, lost, or find nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from tests.simulation.loop import SimLoop
from tests.simulation.plan import Plan
from tests.simulation.randoms import Randoms

from tigerex_platform.errors import TigerExError

if TYPE_CHECKING:
    from tests.simulation.exchange_process import ExchangeProcess

USUAL_S = 0.001
LATE_S = 4.0

Value = TypeVar("Value")
Work = Callable[["ExchangeProcess"], Awaitable[Value]]


class UnknownResult(Exception):  # noqa: N818 - as the field calls it
    """The host has died, or too much time went by: nobody knows what became of the call."""


@dataclass(eq=False, slots=True)
class _Call:
    process: "ExchangeProcess"
    answer: "asyncio.Future[Any]"
    serving: "asyncio.Task[None] | None" = None


@dataclass(eq=False)
class Network:
    """Between clients and hosts."""

    loop: SimLoop
    randoms: Randoms
    plan: Plan
    broken: Callable[[Exception], None]
    healed: bool = False
    _calls: list[_Call] = field(default_factory=list)

    async def call(self, process: "ExchangeProcess", work: Work[Value], deadline_s: float) -> Value:
        """What the process answers; raises its typed errors, or UnknownResult."""
        call = _Call(process, self.loop.create_future())
        self._calls.append(call)
        if not self._lost():
            self.loop.later(self._delay_s(), self._arrive, call, work)
        self.loop.later(deadline_s, self._give_up, call)
        try:
            return await call.answer  # type: ignore[no-any-return]
        finally:
            self._calls.remove(call)

    def process_died(self, process: "ExchangeProcess") -> None:
        """Whoever waits for it hears of it, sooner or later."""
        for call in self._calls:
            if call.process is process:
                self.loop.later(self._delay_s(), _fail, call.answer, UnknownResult("host died"))

    def _arrive(self, call: _Call, work: Work[Any]) -> None:
        if not call.process.tag.alive:
            _fail(call.answer, UnknownResult("nobody there"))
        elif not call.answer.done():
            call.serving = self.loop.spawn(self._serve(call, work), call.process.tag)

    async def _serve(self, call: _Call, work: Work[Any]) -> None:
        """In the process: work, and send the answer off."""
        try:
            value = await work(call.process)
        except TigerExError as error:
            self._send(_fail, call, error)
        except psycopg.Error as error:
            self._send(_fail, call, UnknownResult(str(error)))
        except Exception as error:  # noqa: BLE001 - a host must not break over a request
            self.broken(error)
        else:
            self._send(_give, call, value)

    def _send(self, how: Callable[..., None], call: _Call, what: Any) -> None:
        if not self._lost():
            self.loop.later(self._delay_s(), how, call.answer, what)

    def _give_up(self, call: _Call) -> None:
        _fail(call.answer, UnknownResult("deadline exceeded"))
        if call.serving is not None and not call.serving.done() and call.process.tag.alive:
            call.serving.cancel()

    def _lost(self) -> bool:
        return not self.healed and self.randoms.network.random() < self.plan.message_lost

    def _delay_s(self) -> float:
        random = self.randoms.network
        usual = random.uniform(0, USUAL_S)
        late = not self.healed and random.random() < self.plan.message_late
        return random.uniform(0, LATE_S) if late else usual


def _give(answer: "asyncio.Future[Any]", value: object) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: "asyncio.Future[Any]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
