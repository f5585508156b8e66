"""The one line: batches, order, and nothing leaves before its commit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
import pytest_asyncio

from tigerex_core import Capacity, Core
from tigerex_core.core import EVENT_BUFFER_ROWS
from tigerex_core.records import EVENT_WIDTH, WORLD_ACCOUNT, Event, EventKind, Rows
from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import Unauthenticated, Unavailable
from tigerex_platform.grpc.options import MESSAGE_BYTES_MAX
from tigerex_platform.ids import derive_request_id
from tigerex_services.exchange import commands
from tigerex_services.exchange.entry import Head, JournalEntry
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.crash import CrashPoint
from tigerex_services.exchange.host.replay import Replay, ReplayError
from tigerex_services.exchange.host.sequencer import QUEUE_FULL, Limits, Sequencer
from tigerex_services.exchange.orders import name_of

pytestmark = pytest.mark.unit


class MemoryLog:
    """Entries in a list; `gate` holds commits back, `failure` refuses them."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.started = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def append(self, entry: JournalEntry) -> None:
        self.started += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.entries.append(entry)


class Running:
    """A sequencer at work, with what it writes and publishes."""

    def __init__(self, limits: Limits) -> None:
        self.core = Core(Capacity.small())
        self.log = MemoryLog()
        self.published: list[int] = []
        self.clock = ManualClock()
        self.sequencer = Sequencer(
            self.core,
            self.log,
            Committed(),
            self.clock,
            head=Head(),
            publish=lambda entry: self.published.append(entry.seq),
            crash=CrashPoint(),
            limits=limits,
        )
        self.task = asyncio.create_task(self.sequencer.run())

    def stop(self) -> Awaitable[None]:
        self.sequencer.stop()
        return asyncio.wait_for(self.task, 5)


Start = Callable[..., Running]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    started: list[Running] = []

    def begin(**limits: float) -> Running:
        started.append(Running(Limits(**limits)))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for running in started:
        running.log.gate.set()
        running.sequencer.stop()
        await asyncio.wait([running.task], timeout=5)


def rid(*parts: str | int) -> bytes:
    return derive_request_id(*parts)


def user(name: str) -> bytes:
    return commands.create_user(rid("user", name), name)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_answer_holds_the_events_of_its_own_commands(start: Start) -> None:
    running = start()
    (ada, bob), (asset,) = await asyncio.gather(
        running.sequencer.submit([user("ada"), user("bob")]),
        running.sequencer.submit([commands.create_asset(rid("a"), "BTC", 8)]),
    )
    assert ada.event(EventKind.USER_CREATED)[Event.VALUE] != 0
    assert bob.event(EventKind.USER_CREATED)[Event.VALUE] != 0
    assert [row[Event.KIND] for row in asset.events] == [EventKind.ASSET_CREATED]
    assert running.sequencer.committed.directory.asset("BTC").scale == 8
    await running.stop()
    assert running.published == [entry.seq for entry in running.log.entries]


async def test_nothing_leaves_before_its_commit(start: Start) -> None:
    running = start()
    running.log.gate.clear()
    answer = asyncio.create_task(running.sequencer.submit([user("ada")]))
    await settled()
    read = asyncio.create_task(running.sequencer.read(lambda core: core.balances(WORLD_ACCOUNT)))
    await settled()
    assert running.log.started == 1
    assert not answer.done()
    assert not read.done()
    assert running.published == []
    assert running.sequencer.committed.directory.find_user("ada") is None
    running.log.gate.set()
    assert (await answer)[0].seq == 1
    assert (await read)[1] == 1
    assert running.published == [1]


async def test_the_next_batch_is_computed_during_a_commit_but_not_committed(start: Start) -> None:
    running = start(delay_max_s=0.0)
    running.log.gate.clear()
    tasks = []
    for name in ("ada", "bob", "eve"):
        tasks.append(asyncio.create_task(running.sequencer.submit([user(name)])))
        await settled()
    read = asyncio.create_task(running.sequencer.read(lambda core: None))
    await settled()
    assert running.log.started == 1
    running.log.gate.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.seq for [answer] in answers] == [1, 2, 3]
    assert (await read)[1] == 2  # the third was still queued


async def test_a_commit_gathers_what_arrives_meanwhile(start: Start) -> None:
    running = start(delay_max_s=5.0)
    running.log.gate.clear()
    first = asyncio.create_task(running.sequencer.submit([user("first")]))
    await settled()
    others = [asyncio.create_task(running.sequencer.submit([user(f"user-{n}")])) for n in range(50)]
    await settled()
    running.log.gate.set()
    assert (await first)[0].seq == 1
    assert {(await other)[0].seq for other in others} == {2}


async def test_what_comes_after_its_window_is_refused_and_nothing_done(start: Start) -> None:
    """While the journal stalls, time passes in the queue."""
    running = start(delay_max_s=0.0)
    now_ms = running.clock.now_ns() // 1_000_000
    running.log.gate.clear()
    queued = []
    for name, until_ms in (("in-flight", 0), ("next", 0), ("late", now_ms + 500), ("any", 0)):
        queued.append(running.sequencer.enqueue([user(name)], until_ms))
        await settled()
    in_time = running.sequencer.enqueue([user("in-time")], now_ms + 5_000)
    running.clock.advance(2.0)
    running.log.gate.set()
    with pytest.raises(Unauthenticated) as refused:
        await queued[2]
    assert refused.value.code == "TIMESTAMP_OUTSIDE_WINDOW"
    await asyncio.gather(queued[0], queued[1], queued[3], in_time)
    directory = running.sequencer.committed.directory
    assert directory.find_user("late") is None
    assert directory.find_user("in-time") is not None
    await running.stop()
    assert all(entry.commands for entry in running.log.entries)


async def test_when_all_is_too_late_there_is_no_entry(start: Start) -> None:
    running = start()
    until_ms = running.clock.now_ns() // 1_000_000
    running.clock.advance(1.0)
    late = [running.sequencer.enqueue([user(f"late-{n}")], until_ms) for n in range(3)]
    for each in late:
        with pytest.raises(Unauthenticated):
            await each
    await running.stop()
    assert running.log.entries == []


async def test_what_has_begun_goes_on_after_its_window(start: Start) -> None:
    """A submission that is split between entries is done as a whole."""
    running = start(batch_commands_max=2, delay_max_s=0.0)
    running.log.gate.clear()
    until_ms = running.clock.now_ns() // 1_000_000 + 1_000
    whole = running.sequencer.enqueue([user(f"part-{n}") for n in range(7)], until_ms)
    await settled()
    running.clock.advance(5.0)
    running.log.gate.set()
    assert sum(part.count for part in await whole) == 7


async def test_a_batch_is_bounded(start: Start) -> None:
    running = start(batch_commands_max=4)
    answers = await asyncio.gather(
        *(running.sequencer.submit([user(f"u{n}a"), user(f"u{n}b")]) for n in range(5))
    )
    assert [answer.seq for answer, _ in answers] == [1, 1, 2, 2, 3]


async def test_a_submission_is_split_between_entries_and_answered_in_one(start: Start) -> None:
    running = start(batch_commands_max=3)
    running.log.gate.clear()
    first = running.sequencer.enqueue([user("a0"), user("a1")])
    await settled()  # on its way
    second = running.sequencer.enqueue([user(f"b{n}") for n in range(7)])
    third = running.sequencer.enqueue([user("c0"), user("c1")])
    running.log.gate.set()
    counts = [[(part.seq, part.count) for part in await each] for each in (first, second, third)]
    assert counts == [[(1, 2)], [(2, 3), (3, 3), (4, 1)], [(4, 2)]]
    for each, names in ((second, [f"b{n}" for n in range(7)]), (third, ["c0", "c1"])):
        answers = [answer for part in await each for answer in part.answers()]
        assert [name_of(answer.events[0]) for answer in answers] == names


class FewEvents(Core):
    """A core whose runs end after two commands."""

    def apply_some(self, commands: Rows, seq: int) -> tuple[int, Rows]:
        return super().apply_some(commands[:2], seq)


async def test_a_batch_is_bounded_in_events(start: Start) -> None:
    """What the core computed beyond the bound stays out; the rest waits for the next entry."""
    running = start(batch_events_max=6)
    running.sequencer._core = FewEvents(Capacity.small())
    users = [user(f"u{n}") for n in range(8)]  # two events each: four commands reach the bound
    answers = await running.sequencer.submit(users)
    assert [answer.seq for answer in answers] == [1] * 4 + [2] * 4
    assert [name_of(answer.events[0]) for answer in answers] == [f"u{n}" for n in range(8)]
    assert [len(entry.commands) // commands.ROW_BYTES for entry in running.log.entries] == [4, 4]


def test_an_entry_stays_below_a_message() -> None:
    most = (Limits().batch_events_max - 1 + EVENT_BUFFER_ROWS) * EVENT_WIDTH * 8
    assert most < MESSAGE_BYTES_MAX - 100_000
    with pytest.raises(ValueError, match="at most"):
        Limits(batch_events_max=20_000)


class Unfinished(Core):
    """A core that has work left for `ticks` commands; each lets something happen, or nothing."""

    ticks = 0
    happening = True

    @property
    def pending(self) -> bool:
        return self.ticks > 0

    def apply_some(self, commands: Rows, seq: int) -> tuple[int, Rows]:
        count, events = super().apply_some(commands, seq)
        self.ticks -= count
        if self.happening:
            events = np.repeat(events, 2, axis=0)
        return count, events


async def test_what_the_core_has_left_is_done_at_once(start: Start) -> None:
    running = start()
    core = running.sequencer._core = Unfinished(Capacity.small())
    core.ticks = 4
    await running.sequencer.submit([commands.TICK])
    await settled()
    assert core.ticks == 0
    assert len(running.log.entries) == 4


async def test_a_core_that_does_nothing_with_its_turns_gets_no_more(start: Start) -> None:
    running = start()
    core = running.sequencer._core = Unfinished(Capacity.small())
    core.ticks, core.happening = 1_000, False
    await running.sequencer.submit([commands.TICK])
    await settled()
    assert len(running.log.entries) == 1


async def test_a_full_queue_refuses_with_a_hint(start: Start) -> None:
    running = start(queue_commands_max=3)
    running.log.gate.clear()
    kept = [running.sequencer.enqueue([user(f"u{n}")]) for n in range(3)]
    with pytest.raises(Unavailable) as caught:
        running.sequencer.enqueue([user("one-too-many")])
    assert caught.value.retry_after_s > 0
    assert caught.value.code == QUEUE_FULL
    running.log.gate.set()
    await asyncio.gather(*kept)


async def test_time_increases_even_when_the_clock_does_not(start: Start) -> None:
    running = start()
    for _ in range(3):
        await running.sequencer.submit([commands.TICK])
    times = [entry.time_ns for entry in running.log.entries]
    assert times == [running.clock.now_ns() + n for n in range(3)]


async def test_a_failed_commit_ends_the_host_and_answers_nobody(start: Start) -> None:
    running = start()
    running.log.failure = OSError("disk full")
    with pytest.raises(Unavailable):
        await running.sequencer.submit([user("ada")])
    with pytest.raises(OSError, match="disk full"):
        await asyncio.wait_for(running.task, 5)
    assert running.published == []
    with pytest.raises(Unavailable):
        running.sequencer.enqueue([user("bob")])


async def test_a_kernel_exception_ends_the_host(start: Start) -> None:
    running = start()
    running.core.apply_some = None  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await running.sequencer.submit([user("ada")])
    with pytest.raises(TypeError):
        await asyncio.wait_for(running.task, 5)
    assert running.log.entries == []


async def test_stopping_answers_what_was_accepted(start: Start) -> None:
    running = start()
    waiting = [running.sequencer.enqueue([user(f"u{n}")]) for n in range(10)]
    await running.stop()
    assert {part.seq for parts in waiting for part in await parts} == {1}


async def test_replay_gives_the_same_bytes_and_state(start: Start) -> None:
    running = start(batch_commands_max=3)
    await asyncio.gather(
        *(running.sequencer.submit([user(f"u{n}"), commands.TICK]) for n in range(9)),
        running.sequencer.submit([user("u1")]),  # a repetition, answered as such
    )
    await running.stop()
    replay = Replay(Core(Capacity.small()), Committed())
    replay.advance(running.log.entries)
    assert replay.core.digest() == running.core.digest()
    assert replay.head.seq == len(running.log.entries)


async def test_replay_finds_events_that_the_commands_do_not_give(start: Start) -> None:
    running = start()
    await running.sequencer.submit([user("ada")])
    await running.stop()
    [entry] = running.log.entries
    from tigerex_services.exchange.entry import seal

    forged = seal(Head(), entry.kernel_version, entry.time_ns, commands.TICK, entry.events)
    with pytest.raises(ReplayError, match="entry 1"):
        Replay(Core(Capacity.small()), Committed()).advance([forged])
