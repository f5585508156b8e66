"""One subscription on one socket: what comes is held back until what was missed is there."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from tigerex_client.calls import Call
from tigerex_client.errors import ConsumerTooSlow, Gap, GapTooLarge
from tigerex_client.stream.subscription import Subscription

HELD_MAX = 10_000
REPAIRS_MAX = 10  # in a row, each answered with less than what the socket tells already
REPAIR_PAUSE_S = 0.05

Ask = Callable[[Call[Any]], Awaitable[Any]]


class Link:
    def __init__(self, subscription: Subscription[Any]) -> None:
        self.subscription = subscription
        self._held: deque[Any] = deque()
        self._live = False

    def receive(self, data: object) -> bool:
        """Takes one item of the socket; False: something is missing, repair first.

        Raises InvalidAnswer.
        """
        if len(self._held) >= HELD_MAX:
            self.subscription.fail(ConsumerTooSlow(self.subscription.topic.name, HELD_MAX))
            return True
        self._held.append(self.subscription.topic.read(data))
        if not self._live:
            return True
        self._live = self._let_through()
        return self._live

    async def repair(self, ask: Ask) -> None:
        """Fetches what was missed, then lets through what came meanwhile.

        Raises what `ask` raises, and Gap where what is fetched never meets what comes.
        """
        for _ in range(REPAIRS_MAX):
            try:
                self.subscription.put(await self._missed(ask))
            except GapTooLarge as error:
                self.subscription.fail(error)
                return
            self._live = self._let_through()
            if self._live:
                return
            await asyncio.sleep(REPAIR_PAUSE_S)
        self.subscription.follower.accept(self._held[0])

    def _let_through(self) -> bool:
        """Whether all of it could be."""
        while self._held:
            try:
                news = self.subscription.follower.accept(self._held[0])
            except Gap:
                return False
            self._held.popleft()
            self.subscription.put(news)
        return True

    async def _missed(self, ask: Ask) -> list[Any]:
        steps = self.subscription.follower.repair()
        answer: Any = None
        while True:
            try:
                call = steps.send(answer)
            except StopIteration as done:
                missed: list[Any] = done.value
                return missed
            answer = await ask(call)
