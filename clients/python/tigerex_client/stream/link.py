"""One subscription on one socket: what comes is held back until what was missed is there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tigerex_client.calls import Call
from tigerex_client.errors import ConsumerTooSlow, Gap, GapTooLarge
from tigerex_client.stream.subscription import Subscription

HELD_MAX = 10_000
SNAPSHOT_PAUSE_S = 0.05
SNAPSHOTS_MAX = 10  # in a row, each older than the changes that it has to meet

Ask = Callable[[Call[Any]], Awaitable[Any]]


class Link:
    def __init__(self, subscription: Subscription[Any]) -> None:
        self.subscription = subscription
        self._held: list[Any] | None = []  # None: live

    def receive(self, data: object) -> bool:
        """Takes one item of the socket; False: something is missing, repair first.

        Raises InvalidAnswer.
        """
        item = self.subscription.topic.read(data)
        if self._held is None:
            try:
                self.subscription.put(self.subscription.follower.accept(item))
            except Gap:
                self._held = [item]
                return False
        elif len(self._held) < HELD_MAX:
            self._held.append(item)
        else:
            self.subscription.fail(ConsumerTooSlow(self.subscription.topic.name, HELD_MAX))
        return True

    async def repair(self, ask: Ask) -> None:
        """Fetches what was missed, then lets through what came meanwhile.

        Raises what `ask` raises, and Gap where no snapshot meets the changes.
        """
        for tried in range(1, SNAPSHOTS_MAX + 1):
            try:
                missed = await self._missed(ask)
            except GapTooLarge as error:
                self.subscription.fail(error)
                return
            held = self._held or []
            try:
                news = [new for item in held for new in self.subscription.follower.accept(item)]
            except Gap:
                if tried == SNAPSHOTS_MAX:
                    raise
                await asyncio.sleep(SNAPSHOT_PAUSE_S)
                continue
            self.subscription.put([*missed, *news])
            self._held = None
            return

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
