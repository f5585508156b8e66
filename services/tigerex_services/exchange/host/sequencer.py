"""The one line through which everything passes: queue, core, journal, answers.

Group commit, double-buffered: while one batch is committed the next is collected and computed.
A batch closes when it is full, when its first command has waited long enough, or when there is no
commit left to overlap with. Nothing computed leaves before its entry is committed: answers wait for
it, reads capture the value at once and wait for it, events are published after it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from tigerex_core import KERNEL_VERSION, Core
from tigerex_core.records import COMMAND_WIDTH, Command, Event, EventKind, Rows
from tigerex_platform.clock import Clock
from tigerex_platform.errors import Unavailable
from tigerex_platform.telemetry import metrics
from tigerex_services.exchange.entry import Head, JournalEntry, head_of, seal
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.crash import CrashPoint
from tigerex_services.exchange.host.measure import measure_batch
from tigerex_services.exchange.orders import EventRow

Value = TypeVar("Value")

# Commands for one call of the core. One command has at most 514 events (of 208 bytes), so a batch
# that is closed once it has `batch_events_max` stays below the 4 MiB of a message.
CHUNK_COMMANDS = 16
QUEUE_FULL_HINT_S = 0.2  # goes with a full queue
RESTART_HINT_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the queue and of one batch."""

    queue_commands_max: int = 16_384
    batch_commands_max: int = 1_024
    batch_events_max: int = 8_192
    delay_max_s: float = 0.002


@dataclass(frozen=True, slots=True)
class Answer:
    """The committed events of one command, in order, where and when they happened."""

    seq: int
    time_ns: int
    events: Sequence[EventRow]

    def event(self, kind: EventKind) -> EventRow:
        """The first event of a kind that an accepted command always has."""
        return next(row for row in self.events if row[Event.KIND] == kind)


class Log(Protocol):
    """Where entries are kept; returns when the entry is committed, raises when that failed."""

    async def append(self, entry: JournalEntry) -> None: ...


@dataclass(frozen=True, slots=True)
class _Item:
    """Some commands of one caller: they go through the core together."""

    commands: bytes
    count: int
    answers: "asyncio.Future[list[Answer]]"
    arrived_s: float


@dataclass(frozen=True, slots=True)
class _Batch:
    entry: JournalEntry
    commands: Rows
    events: Rows
    items: Sequence[_Item]
    committed: "asyncio.Future[None]"


class Sequencer:
    """Orders commands into batches, computes, commits and answers them: the tenant's one writer."""

    def __init__(
        self,
        core: Core,
        log: Log,
        committed: Committed,
        clock: Clock,
        *,
        head: Head,
        publish: Callable[[JournalEntry], None],
        crash: CrashPoint,
        limits: Limits,
    ) -> None:
        self._core = core
        self._log = log
        self._clock = clock
        self._publish = publish
        self._crash = crash
        self._limits = limits
        self._computed = head
        self._queue: deque[_Item] = deque()
        self._queued_commands = 0
        self._changed = asyncio.Event()
        self._in_flight: deque[_Batch] = deque()  # computed, not committed: at most two
        self._stopped = False
        self.committed = committed
        self.committed_seq = head.seq

    async def submit(self, commands: Sequence[bytes]) -> list[Answer]:
        """The committed answers to one or more command rows, applied in order.

        Raises Unavailable when the queue is full or the host stops; in the latter case nothing is
        known about the commands, and repeating them with the same request ids is harmless.
        """
        waiting = self.enqueue(commands)
        if len(waiting) == 1:
            return await waiting[0]
        return [answer for part in await asyncio.gather(*waiting) for answer in part]

    def enqueue(self, commands: Sequence[bytes]) -> "list[asyncio.Future[list[Answer]]]":
        """As `submit`, without waiting: all of the commands are queued, or none is."""
        if self._stopped:
            raise Unavailable("the exchange is restarting", retry_after_s=RESTART_HINT_S)
        if self._queued_commands + len(commands) > self._limits.queue_commands_max:
            raise Unavailable(
                "the exchange is busy: its queue is full", retry_after_s=QUEUE_FULL_HINT_S
            )
        loop = asyncio.get_running_loop()
        arrived_s = self._clock.monotonic_s()
        items = [
            _Item(b"".join(part), len(part), loop.create_future(), arrived_s)
            for part in _parts(commands, CHUNK_COMMANDS)
        ]
        self._queue.extend(items)
        self._queued_commands += len(commands)
        self._changed.set()
        return [item.answers for item in items]

    async def read(self, capture: Callable[[Core], Value]) -> tuple[Value, int]:
        """A value of the core and the seq that it reflects, given after that seq is committed."""
        value, seq = capture(self._core), self._computed.seq
        if self._in_flight:
            await asyncio.shield(self._in_flight[-1].committed)
        return value, seq

    def stop(self) -> None:
        """Refuse what comes from now on; `run` returns when everything before is answered."""
        self._stopped = True
        self._changed.set()

    async def run(self) -> None:
        """Work until stopped; raises when core or journal fail: then the process must end."""
        commit: asyncio.Task[None] | None = None
        try:
            while await self._batch_is_due(commit):
                batch = self._compute()
                if commit is not None:
                    await commit
                commit = asyncio.create_task(self._commit(batch))
            if commit is not None:
                await commit
        finally:
            self._stopped = True
            if commit is not None and not commit.done():
                await asyncio.wait([commit])  # never abandon an entry half way
            self._abandon()

    async def _batch_is_due(self, commit: "asyncio.Task[None] | None") -> bool:
        """Wait until a batch should be computed; False when stopped and nothing is left."""
        while not self._queue:
            if self._stopped:
                return False
            await self._change(commit, timeout_s=None)
        now_s = asyncio.get_running_loop().time
        deadline_s = now_s() + self._limits.delay_max_s
        while (
            commit is not None
            and not commit.done()
            and self._queued_commands < self._limits.batch_commands_max
            and (left_s := deadline_s - now_s()) > 0
        ):
            await self._change(commit, timeout_s=left_s)
        return True

    async def _change(self, commit: "asyncio.Task[None] | None", timeout_s: float | None) -> None:
        """Wait for a new submission or the end of the commit, whose failure ends the host."""
        if commit is not None and commit.done():
            commit.result()
            commit = None
        self._changed.clear()
        arrival = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait(
                [arrival] if commit is None else [arrival, commit],
                timeout=timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            arrival.cancel()

    def _compute(self) -> _Batch:
        time_ns = max(self._computed.time_ns + 1, self._clock.now_ns())
        items: list[_Item] = []
        try:
            commands, events = self._apply_queued(items, time_ns)
        except BaseException:
            _fail(items, Unavailable("the exchange is restarting", retry_after_s=RESTART_HINT_S))
            raise
        entry = seal(self._computed, KERNEL_VERSION, time_ns, commands.tobytes(), events.tobytes())
        self._computed = head_of(entry)
        batch = _Batch(entry, commands, events, items, asyncio.get_running_loop().create_future())
        self._in_flight.append(batch)
        return batch

    def _apply_queued(self, items: list[_Item], time_ns: int) -> tuple[Rows, Rows]:
        """Apply submissions until the batch is full, in commands or in events; fills `items`."""
        seq = self._computed.seq + 1
        commands: list[Rows] = []
        events: list[Rows] = []
        count = event_count = 0
        while self._queue and event_count < self._limits.batch_events_max:
            if items and count + self._queue[0].count > self._limits.batch_commands_max:
                break
            chunk, rows = self._take(count)
            items += chunk
            rows[:, Command.TIME_NS] = time_ns
            happened = self._core.apply(rows, seq)
            happened[:, Event.COMMAND] += count
            commands.append(rows)
            events.append(happened)
            count += len(rows)
            event_count += len(happened)
        return np.concatenate(commands), np.concatenate(events)

    def _take(self, already: int) -> tuple[list[_Item], Rows]:
        """Whole submissions for one call of the core."""
        room = max(1, min(CHUNK_COMMANDS, self._limits.batch_commands_max - already))
        chunk: list[_Item] = []
        count = 0
        while self._queue and (not chunk or count + self._queue[0].count <= room):
            item = self._queue.popleft()
            chunk.append(item)
            count += item.count
        self._queued_commands -= count
        joined = b"".join([item.commands for item in chunk])
        rows = np.frombuffer(joined, dtype="<i8").reshape(-1, COMMAND_WIDTH).copy()
        return chunk, rows

    async def _commit(self, batch: _Batch) -> None:
        entry = batch.entry
        self._crash.reached("before-commit", entry.seq)
        started_s = self._clock.monotonic_s()
        await self._log.append(entry)
        committed_s = self._clock.monotonic_s()
        self._crash.reached("after-commit", entry.seq)
        rows = batch.events.tolist()
        self.committed.apply(batch.events, rows)
        self.committed_seq = entry.seq
        self._publish(entry)
        batch.committed.set_result(None)
        _answer(batch, rows)
        self._in_flight.popleft()
        metrics.EXCHANGE_COMMIT_DURATION.record(committed_s - started_s)
        for item in batch.items:
            metrics.EXCHANGE_COMMAND_DURATION.record(committed_s - item.arrived_s)
        metrics.EXCHANGE_QUEUE_LENGTH.set(self._queued_commands)
        measure_batch(entry.seq, batch.commands, batch.events, self.committed.directory)

    def _abandon(self) -> None:
        """Tell everybody who still waits that the outcome is unknown."""
        error = Unavailable("the exchange is restarting", retry_after_s=RESTART_HINT_S)
        for batch in self._in_flight:
            if not batch.committed.done():
                batch.committed.set_exception(error)
                batch.committed.exception()  # nobody may be waiting: that is not a fault
            _fail(batch.items, error)
        _fail(self._queue, error)
        self._queue.clear()


def _fail(items: Iterable[_Item], error: Exception) -> None:
    for item in items:
        if not item.answers.done():
            item.answers.set_exception(error)
            item.answers.exception()  # nobody may be waiting: that is not a fault


def _answer(batch: _Batch, rows: Sequence[EventRow]) -> None:
    """Give every caller the events of its own commands."""
    seq, time_ns = batch.entry.seq, batch.entry.time_ns
    by_command = group_by_command(rows, sum(item.count for item in batch.items))
    first = 0
    for item in batch.items:
        if not item.answers.done():  # the caller may have gone away
            events = by_command[first : first + item.count]
            item.answers.set_result([Answer(seq, time_ns, own) for own in events])
        first += item.count


def group_by_command(rows: Sequence[EventRow], count: int) -> list[list[EventRow]]:
    """The events of each of `count` commands; rows come in the order of their commands."""
    grouped: list[list[EventRow]] = [[] for _ in range(count)]
    for row in rows:
        grouped[row[Event.COMMAND]].append(row)
    return grouped


def _parts(commands: Sequence[bytes], size: int) -> Iterable[Sequence[bytes]]:
    return (commands[i : i + size] for i in range(0, len(commands), size))
