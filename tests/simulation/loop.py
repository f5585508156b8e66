"""An event loop without a world behind it: time is a number, and a seed decides what runs next.

The driver calls `turn`, which runs one callback. When none is ready, time jumps to the next timer.
Every callback belongs to the process in whose context it was scheduled; those of a killed process
are parked, as if its machine had lost power: no `finally` runs, nothing is sent.
"""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any

SHUFFLE_WINDOW = 8  # callbacks that can overtake one another
THREAD_S_MAX = 0.02  # how long the work of a thread takes at most
FUNERAL_ROUNDS = 50
FUNERAL_TURNS = 20_000


class Process:
    """What lives and dies together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.parked: list[asyncio.Handle] = []


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def context_of(process: Process | None) -> Context:
    """A context whose callbacks and tasks are the process's; None: of the world."""
    context = copy_context()
    context.run(_PROCESS.set, process)
    return context


class StuckError(Exception):
    """Nothing is ready and no timer is set: nothing will ever happen again."""


class SimLoop(asyncio.BaseEventLoop):
    """`shuffle` is the share of turns that do not take the oldest ready callback."""

    _ready: "deque[asyncio.Handle]"
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, random: Random, shuffle: float) -> None:
        super().__init__()
        self._random = random
        self._shuffle = shuffle
        self._now_s = 0.0
        self.turns = 0
        self.faults: list[BaseException] = []
        self.set_exception_handler(self._keep_fault)

    def time(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass while nothing runs."""
        self._now_s += seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside it, this is the running loop and `turn` may be called."""
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(None)

    def turn(self) -> None:
        """Run one callback of a living process; raises StuckError."""
        while True:
            handle = self._next()
            if handle.cancelled():
                continue
            process = handle._context.get(_PROCESS)
            if process is not None and not process.alive:
                process.parked.append(handle)
                continue
            self.turns += 1
            handle._run()
            return

    def spawn(self, coroutine: Any, process: Process | None) -> "asyncio.Task[Any]":
        """A task of a process, or of the world."""
        return self.create_task(coroutine, context=context_of(process))

    def later(self, delay_s: float, callback: Callable[..., object], *args: object) -> None:
        """Call back in the world's context: no process's death prevents it."""
        self.call_later(delay_s, callback, *args, context=context_of(None))

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Threads do their work in one piece, a little later, in the loop."""
        future = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001 - handed to the caller
                future.set_exception(error)

        self.call_later(self._random.uniform(0, THREAD_S_MAX), work)
        return future

    def bury(self, processes: list[Process]) -> None:
        """End every task, the killed processes' included, so that nothing is left to complain."""
        for process in processes:
            process.alive = True
            self._ready.extend(process.parked)
            process.parked.clear()
        for _ in range(FUNERAL_ROUNDS):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self._run_down()
        self.faults.clear()
        self.close()

    def _run_down(self) -> None:
        for _ in range(FUNERAL_TURNS):
            try:
                self.turn()
            except StuckError:
                return
            if not asyncio.all_tasks(self):
                return

    def _next(self) -> asyncio.Handle:
        self._collect_due()
        if not self._ready:
            while self._scheduled and self._scheduled[0].cancelled():
                heapq.heappop(self._scheduled)
            if not self._scheduled:
                raise StuckError
            self._now_s = max(self._now_s, self._scheduled[0].when())
            self._collect_due()
        if len(self._ready) > 1 and self._random.random() < self._shuffle:
            index = self._random.randrange(min(len(self._ready), SHUFFLE_WINDOW))
            handle = self._ready[index]
            del self._ready[index]
            return handle
        return self._ready.popleft()

    def _collect_due(self) -> None:
        while self._scheduled and self._scheduled[0].when() <= self._now_s:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False
            self._ready.append(timer)

    def _keep_fault(self, loop: asyncio.AbstractEventLoop, about: dict[str, Any]) -> None:
        """A callback that raised is a fault of the code or of the simulation; a task whose
        exception nobody fetched is not: whoever started it has gone."""
        if "Task exception was never retrieved" in about.get("message", ""):
            return
        if "Future exception was never retrieved" in about.get("message", ""):
            return
        self.faults.append(about.get("exception") or RuntimeError(about.get("message")))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass  # found when it is due

    def _write_to_self(self) -> None:
        raise RuntimeError("a thread called into the simulation")

    def _process_events(self, event_list: Any) -> None:
        raise RuntimeError("there is no selector")
