"""Clients: random commands, sent late, twice, out of order, and again until answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from tests.simulation.draw import JournalDraw, first_commands
from tests.simulation.network import UnknownResult
from tests.support.core_rows import Row

from tigerex_core.records import Command
from tigerex_platform.errors import TigerExError

if TYPE_CHECKING:
    from tests.simulation.exchange_process import ExchangeProcess
    from tests.simulation.world import World

UNIQUE_SHARE = 0.75  # of the commands get a request id of their own
TWICE_SHARE = 0.1
READ_SHARE = 0.1
AGAIN_SHARE = 0.05  # repeat something that was answered long ago
HISTORY_MAX = 300
DEADLINES_S = (0.02, 2.0, 10.0)
PAUSE_S = 0.5
SIZES = (1, 1, 1, 1, 2, 3, 5, 20)


@dataclass(eq=False, slots=True)
class Operation:
    """Commands that are sent together, and again together."""

    number: int
    commands: list[bytes]
    repeatable: bool


class Clients:
    """All of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._random: Random = world.randoms.clients
        self._draw = JournalDraw(self._random.getrandbits(32), world)
        self._numbers = 0
        self._history: list[Operation] = []
        self.active = 0
        self.ready = False  # the exchange is set up
        self.finished = 0
        world.loop.spawn(self._set_up(), None)

    def start_one(self) -> None:
        """One more operation, if not too many are under way."""
        if not self.ready or self.active >= self._world.plan.clients_operations_max:
            return
        if self._random.random() < READ_SHARE:
            self._world.loop.spawn(self._guard(self._read), None)
            return
        if self._history and self._random.random() < AGAIN_SHARE:
            operation = self._random.choice(self._history)
        else:
            operation = self._next_operation()
        twice = operation.repeatable and self._random.random() < TWICE_SHARE
        for _ in range(2 if twice else 1):
            self._world.loop.spawn(self._guard(self._operate, operation), None)

    async def _set_up(self) -> None:
        rows = first_commands(crowds=self._world.plan.crowds)
        operation = self._operation(rows, unique=True)
        await self._guard(self._operate, operation)
        self.ready = True

    async def _guard(self, work: Callable[..., Awaitable[None]], *what: Operation) -> None:
        self.active += 1
        try:
            await work(*what)
        except Exception as error:  # noqa: BLE001 - shown with the trace
            self._world.broken(error)
        finally:
            self.active -= 1
            self.finished += 1

    async def _operate(self, operation: Operation) -> None:
        """Send it until it is answered; what cannot be repeated is sent once."""

        async def work(process: "ExchangeProcess") -> object:
            return await process.executor.execute_all(operation.commands)

        while True:
            process = self._world.some_process(self._random)
            try:
                answers = await self._world.network.call(
                    process, work, self._random.choice(DEADLINES_S)
                )
            except (UnknownResult, TigerExError):
                if not operation.repeatable:
                    return
                await asyncio.sleep(self._random.uniform(0, PAUSE_S))
            else:
                self._world.oracle.check_answers(operation.commands, answers)  # type: ignore[arg-type]
                self._remember(operation)
                return

    async def _read(self) -> None:
        async def work(process: "ExchangeProcess") -> tuple[bytes, int]:
            return await process.executor.leader.read(lambda core: core.digest())

        try:
            digest, seq = await self._world.network.call(
                self._world.some_process(self._random), work, 5.0
            )
        except (UnknownResult, TigerExError):
            return
        self._world.oracle.check_read(digest, seq)

    def _remember(self, operation: Operation) -> None:
        if operation.repeatable:
            self._history.append(operation)
            if len(self._history) > HISTORY_MAX:
                self._history.pop(self._random.randrange(HISTORY_MAX))

    def _next_operation(self) -> Operation:
        room = self._world.plan.queue_commands_max // 2
        size = min(self._random.choice(SIZES), room)
        rows = self._draw.batch(size)
        return self._operation(rows, unique=self._random.random() < UNIQUE_SHARE)

    def _operation(self, rows: list[Row], *, unique: bool) -> Operation:
        self._numbers += 1
        for place, row in enumerate(rows):
            if unique:
                row[Command.REQUEST_HI] = self._numbers
                row[Command.REQUEST_LO] = 1_000 + place
        repeatable = all(row[Command.REQUEST_HI] or row[Command.REQUEST_LO] for row in rows)
        raw = [np.array(row, "<i8").tobytes() for row in rows]
        return Operation(self._numbers, raw, repeatable)
