"""What a consumer holds: a bounded queue that is read with `async for`."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

from tigerex_client.errors import ConsumerTooSlow, TigerExError
from tigerex_client.stream.followers import Follower
from tigerex_client.stream.frames import Topic

Out = TypeVar("Out")

WAITING_MAX = 10_000


class Subscription(Generic[Out]):
    """Iterates over what is new, in order. Ends with `close`, or by raising what ended it, after
    everything that came before it was read.
    """

    def __init__(
        self,
        topic: Topic[Any],
        follower: Follower[Any, Out],
        leave: "Callable[[Subscription[Any]], None]",
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.topic = topic
        self.follower = follower
        self._leave = leave
        self._waiting_max = waiting_max
        self._waiting: deque[Out] = deque()
        self._wake = asyncio.Event()
        self._end: TigerExError | None = None
        self.closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Out:
        while True:
            if self._waiting:
                return self._waiting.popleft()
            if self._end is not None:
                raise self._end
            if self.closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()

    def close(self) -> None:
        """Unsubscribes; what was not read is dropped."""
        self._waiting.clear()
        self._finish(None)

    def put(self, items: list[Out]) -> None:
        """Adds what is new; where it has no room, the subscription ends with ConsumerTooSlow."""
        for item in items:
            if self.closed:
                return
            if len(self._waiting) >= self._waiting_max:
                self.fail(ConsumerTooSlow(self.topic.name, self._waiting_max))
                return
            self._waiting.append(item)
        self._wake.set()

    def fail(self, error: TigerExError) -> None:
        """The consumer gets the error once it has read what waits."""
        self._finish(error)

    def _finish(self, error: TigerExError | None) -> None:
        if self.closed:
            return
        self.closed = True
        self._end = error
        self._wake.set()
        self._leave(self)
