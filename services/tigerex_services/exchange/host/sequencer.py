"""The one line through which everything passes: queue, core, journal, answers.

Group commit, double-buffered: while one batch is committed the next is collected and computed.
A batch closes when it is full, when its first command has waited long enough, or when there is no
commit left to overlap with. Nothing computed leaves before its entry is committed: answers wait for
it, reads capture the value at once and wait for it, events are published after it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from tigerex_core import KERNEL_VERSION, Core
from tigerex_core.core import EVENT_BUFFER_ROWS
from tigerex_core.records import COMMAND_WIDTH, EVENT_WIDTH, Command, Event, EventKind, Rows
from tigerex_platform.auth.hmac_signature import TIMESTAMP_HEADER
from tigerex_platform.clock import Clock
from tigerex_platform.errors import Unauthenticated, Unavailable
from tigerex_platform.telemetry import metrics
from tigerex_services.exchange.commands import ROW_BYTES, TICK
from tigerex_services.exchange.entry import Head, JournalEntry, head_of, seal
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.crash import CrashPoint
from tigerex_services.exchange.host.measure import COMMIT, KERNEL, Work, measure_batch
from tigerex_services.exchange.orders import EventRow

Value = TypeVar("Value")

# One run of the core writes at most EVENT_BUFFER_ROWS rows (8 commands of the most that one can
# have, COMMAND_EVENTS_MAX = 1,282: 10,256 rows), and a batch takes no further run once it has
# `batch_events_max`. So an entry has at most 7,499 + 10,256 rows of 224 bytes, 3,977,120 bytes:
# below the 4 MiB (4,194,304) of a message, whatever the commands do.
ENTRY_BYTES_MAX = 4_000_000
QUEUE_FULL = "QUEUE_FULL"  # nothing was queued; other refusals of the host mean that it ends
QUEUE_FULL_HINT_S = 0.2
RESTART_HINT_S = 1.0
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the queue and of one batch."""

    queue_commands_max: int = 16_384
    batch_commands_max: int = 1_024
    batch_events_max: int = 7_500
    delay_max_s: float = 0.002

    def __post_init__(self) -> None:
        most = (self.batch_events_max - 1 + EVENT_BUFFER_ROWS) * EVENT_WIDTH * 8
        if most > ENTRY_BYTES_MAX:
            raise ValueError(f"an entry could have {most} bytes; at most {ENTRY_BYTES_MAX}")


@dataclass(frozen=True, slots=True)
class Answer:
    """The committed events of one command, in order, where and when they happened."""

    seq: int
    time_ns: int
    events: Sequence[EventRow]

    def event(self, kind: EventKind) -> EventRow:
        """The first event of a kind that an accepted command always has."""
        return next(row for row in self.events if row[Event.KIND] == kind)


@dataclass(frozen=True, slots=True)
class Part:
    """The committed events of some commands in a row, of one entry: Event.COMMAND counts from
    `first` on.
    """

    seq: int
    time_ns: int
    first: int
    count: int
    events: Rows

    def answers(self) -> list[Answer]:
        grouped: list[list[EventRow]] = [[] for _ in range(self.count)]
        for row in self.events.tolist():
            grouped[row[Event.COMMAND] - self.first].append(row)
        return [Answer(self.seq, self.time_ns, own) for own in grouped]


class Log(Protocol):
    """Where entries are kept; returns when the entry is committed, raises when that failed."""

    async def append(self, entry: JournalEntry) -> None: ...


@dataclass(slots=True)
class _Item:
    """The commands of one submission: they follow each other, but may be split between entries."""

    commands: bytes
    count: int
    answered: "asyncio.Future[list[Part]]"
    arrived_s: float
    valid_until_ms: int  # 0: at any time
    taken: int = 0
    parts: list[Part] = field(default_factory=list)

    def is_late(self, time_ns: int) -> bool:
        """Whether it is not begun and must not be any more."""
        return not self.taken and 0 < self.valid_until_ms < time_ns // NS_PER_MS


@dataclass(frozen=True, slots=True)
class _Share:
    """What one batch has of an item: `count` commands, the first at `first` in the batch."""

    item: _Item
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class _Batch:
    entry: JournalEntry
    commands: Rows
    events: Rows
    shares: Sequence[_Share]
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
        self._work = Work()
        self.committed = committed
        self.committed_seq = head.seq

    async def submit(self, commands: Sequence[bytes]) -> list[Answer]:
        """The committed answers to one or more command rows, applied in order.

        Raises Unavailable when the queue is full or the host stops; in the latter case nothing is
        known about the commands, and repeating them with the same request ids is harmless.
        """
        return [answer for part in await self.enqueue(commands) for answer in part.answers()]

    def enqueue(
        self, commands: Sequence[bytes], valid_until_ms: int = 0
    ) -> "asyncio.Future[list[Part]]":
        """As `submit`, without waiting: all of the commands are queued, or none is.

        Rows may come one by one or many together. With `valid_until_ms`, no entry that is younger
        begins with them: they are refused (Unauthenticated) when their turn comes too late.
        """
        rows = b"".join(commands)
        count = len(rows) // ROW_BYTES
        if self._stopped:
            raise Unavailable("the exchange is restarting", retry_after_s=RESTART_HINT_S)
        if self._queued_commands + count > self._limits.queue_commands_max:
            raise Unavailable(
                "the exchange is busy: its queue is full",
                retry_after_s=QUEUE_FULL_HINT_S,
                code=QUEUE_FULL,
            )
        return self._put(rows, count, valid_until_ms)

    async def read(self, capture: Callable[[Core], Value]) -> tuple[Value, int]:
        """A value of the core and the seq that it reflects, given after that seq is committed."""
        value, seq = capture(self._core), self._computed.seq
        if self._in_flight:
            await asyncio.shield(self._in_flight[-1].committed)
        return value, seq

    def _put(
        self, commands: bytes, count: int, valid_until_ms: int = 0
    ) -> "asyncio.Future[list[Part]]":
        answered = asyncio.get_running_loop().create_future()
        if count:
            arrived_s = self._clock.monotonic_s()
            self._queue.append(_Item(commands, count, answered, arrived_s, valid_until_ms))
            self._queued_commands += count
            self._changed.set()
        else:
            answered.set_result([])
        return answered

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
                if batch is None:
                    continue
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

    def _compute(self) -> _Batch | None:
        """The next entry; None where all that was queued came too late."""
        time_ns = max(self._computed.time_ns + 1, self._clock.now_ns())
        shares: list[_Share] = []
        try:
            commands = self._take(shares, time_ns)
            if not shares:
                return None
            commands, events = self._apply(commands, shares)
        except BaseException:
            error = Unavailable("the exchange is restarting", retry_after_s=RESTART_HINT_S)
            _fail((share.item for share in shares), error)
            raise
        entry = seal(self._computed, KERNEL_VERSION, time_ns, commands.tobytes(), events.tobytes())
        self._computed = head_of(entry)
        batch = _Batch(entry, commands, events, shares, asyncio.get_running_loop().create_future())
        self._in_flight.append(batch)
        self._go_on(len(commands) < len(events))
        return batch

    def _apply(self, commands: Rows, shares: list[_Share]) -> tuple[Rows, Rows]:
        """Apply the commands of `shares` until the batch is full in events: those that were
        applied, and their events. The others go back to the queue.
        """
        seq = self._computed.seq + 1
        started_s = self._clock.monotonic_s()
        done = event_count = 0
        parts: list[Rows] = []
        while done < len(commands) and event_count < self._limits.batch_events_max:
            count, events = self._core.apply_some(commands[done:], seq)
            events[:, Event.COMMAND] += done
            parts.append(events)
            done += count
            event_count += len(events)
        self._give_back(shares, done)
        self._work.add(KERNEL, self._clock.monotonic_s() - started_s)
        return commands[:done], parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _take(self, shares: list[_Share], time_ns: int) -> Rows:
        """The rows of what is queued, as many as a batch of that time may have; fills `shares`.

        What must not be begun any more is refused.
        """
        raw: list[bytes] = []
        count = 0
        while self._queue and count < self._limits.batch_commands_max:
            item = self._queue[0]
            if item.is_late(time_ns):
                self._queue.popleft()
                self._queued_commands -= item.count
                _fail([item], _too_late())
                continue
            taken = min(item.count - item.taken, self._limits.batch_commands_max - count)
            raw.append(item.commands[item.taken * ROW_BYTES : (item.taken + taken) * ROW_BYTES])
            shares.append(_Share(item, count, taken))
            item.taken += taken
            count += taken
            if item.taken == item.count:
                self._queue.popleft()
        self._queued_commands -= count
        # A copy of our own: the core and the time stamp write into it.
        rows = np.frombuffer(bytearray().join(raw), dtype="<i8").reshape(-1, COMMAND_WIDTH)
        rows[:, Command.TIME_NS] = time_ns
        return rows

    def _give_back(self, shares: list[_Share], done: int) -> None:
        """Put what did not fit into the entry back to the front of the queue."""
        while shares and shares[-1].first + shares[-1].count > done:
            item, first, count = shares[-1].item, shares[-1].first, shares[-1].count
            back = min(count, first + count - done)
            if item.taken == item.count:
                self._queue.appendleft(item)
            item.taken -= back
            self._queued_commands += back
            shares.pop()
            if back < count:
                shares.append(_Share(item, first, count - back))

    def _go_on(self, happened: bool) -> None:
        """Let the core run what it has left of this batch: stops that fired, orders that expire.

        Their turn comes with every command, so a tick of the host's own is needed only where no
        other is waiting. Where a batch did nothing beside its commands, the once-a-second tick
        must do: no fault of the core may keep the host busy for nothing.
        """
        if happened and not self._queue and not self._stopped and self._core.pending:
            self._put(TICK, 1)

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
        _answer(batch)
        self._in_flight.popleft()
        metrics.EXCHANGE_COMMIT_DURATION.record(committed_s - started_s)
        for share in batch.shares:
            metrics.EXCHANGE_COMMAND_DURATION.record(committed_s - share.item.arrived_s)
        metrics.EXCHANGE_QUEUE_LENGTH.set(self._queued_commands)
        self._work.add(COMMIT, committed_s - started_s)
        self._work.report()
        measure_batch(entry.seq, batch.commands, batch.events, self.committed.directory)

    def _abandon(self) -> None:
        """Tell everybody who still waits that the outcome is unknown."""
        error = Unavailable("the exchange is restarting", retry_after_s=RESTART_HINT_S)
        for batch in self._in_flight:
            if not batch.committed.done():
                batch.committed.set_exception(error)
                batch.committed.exception()  # nobody may be waiting: that is not a fault
            _fail((share.item for share in batch.shares), error)
        _fail(self._queue, error)
        self._queue.clear()


def _too_late() -> Unauthenticated:
    return Unauthenticated(
        "the request's receive window had passed when its turn came; nothing was done: sign again",
        code="TIMESTAMP_OUTSIDE_WINDOW",
        field=TIMESTAMP_HEADER,
    )


def _fail(items: Iterable[_Item], error: Exception) -> None:
    for item in items:
        if not item.answered.done():
            item.answered.set_exception(error)
            item.answered.exception()  # nobody may be waiting: that is not a fault


def _answer(batch: _Batch) -> None:
    """Give every caller the events of its own commands."""
    seq, time_ns = batch.entry.seq, batch.entry.time_ns
    ends = [share.first + share.count for share in batch.shares]
    begin = 0
    for share, end in zip(
        batch.shares, np.searchsorted(batch.events[:, Event.COMMAND], ends).tolist(), strict=True
    ):
        item = share.item
        item.parts.append(Part(seq, time_ns, share.first, share.count, batch.events[begin:end]))
        begin = end
        last = sum(part.count for part in item.parts) == item.count
        if last and not item.answered.done():  # the caller may have gone away
            item.answered.set_result(item.parts)


def group_by_command(rows: Sequence[EventRow], count: int) -> list[list[EventRow]]:
    """The events of each of `count` commands; rows come in the order of their commands."""
    grouped: list[list[EventRow]] = [[] for _ in range(count)]
    for row in rows:
        grouped[row[Event.COMMAND]].append(row)
    return grouped
