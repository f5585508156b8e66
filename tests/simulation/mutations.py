"""Known bugs, to be put into the real code one at a time: what the simulator must find."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tigerex_core.records import Command, EventKind
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.exchange.host import recovery, snapshots
from tigerex_services.exchange.host import sequencer as sequencer_module
from tigerex_services.exchange.host.publisher import Publisher
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.host.sequencer import Answer, Part, Sequencer
from tigerex_services.exchange.orders import OrderBook
from tigerex_services.exchange.service import executor as executor_module
from tigerex_services.exchange.storage.journal import JournalReader, JournalWriter
from tigerex_services.stream import EventStream

Patch = Callable[[pytest.MonkeyPatch], None]


def answer_before_commit(patch: pytest.MonkeyPatch) -> None:
    """The log says "committed" when it has only begun."""
    append = JournalWriter.append

    async def hasty(self: JournalWriter, entry: JournalEntry) -> None:
        self._hasty = asyncio.create_task(append(self, entry))  # type: ignore[attr-defined]

    patch.setattr(JournalWriter, "append", hasty)


def believe_in_lost_commits(patch: pytest.MonkeyPatch) -> None:
    """After a lost connection the entry is taken for committed."""

    async def believe(self: JournalWriter, entry: JournalEntry) -> bool:
        return await self.try_lead()

    patch.setattr(JournalWriter, "_settled", believe)


def settle_without_looking(patch: pytest.MonkeyPatch) -> None:
    """After a lost connection the entry is written again, without lock and comparison."""

    async def again(self: JournalWriter, entry: JournalEntry) -> bool:
        await self.try_lead()
        await self._insert(entry)
        return True

    patch.setattr(JournalWriter, "_settled", again)


def lead_without_lock(patch: pytest.MonkeyPatch) -> None:
    """Everybody leads."""
    try_lead = JournalWriter.try_lead

    async def always(self: JournalWriter) -> bool:
        await try_lead(self)
        return True

    patch.setattr(JournalWriter, "try_lead", always)


def read_before_commit(patch: pytest.MonkeyPatch) -> None:
    """Reads show what is computed and not committed."""

    async def read(self: Sequencer, capture: Callable[[Any], Any]) -> tuple[Any, int]:
        return capture(self._core), self._computed.seq

    patch.setattr(Sequencer, "read", read)


def trust_the_clock(patch: pytest.MonkeyPatch) -> None:
    """Time goes back with the machine's clock."""
    compute = Sequencer._compute

    def trusting(self: Sequencer) -> Any:
        true_time_ns = self._computed.time_ns
        self._computed = replace(self._computed, time_ns=0)
        try:
            return compute(self)
        except BaseException:
            self._computed = replace(self._computed, time_ns=true_time_ns)
            raise

    patch.setattr(Sequencer, "_compute", trusting)


def drop_an_event_of_an_answer(patch: pytest.MonkeyPatch) -> None:
    """Long answers lose their end."""
    answers = Part.answers

    def shortened(self: Part) -> list[Answer]:
        return [replace(answer, events=answer.events[:3]) for answer in answers(self)]

    patch.setattr(Part, "answers", shortened)


def answer_the_neighbour(patch: pytest.MonkeyPatch) -> None:
    """Answers of a batch of many callers are given in the wrong order."""
    answer = sequencer_module._answer

    def wrong(batch: Any) -> None:
        first, *others = batch.shares
        others.sort(key=lambda share: -share.first)
        answer(replace(batch, shares=[first, *others]))

    patch.setattr(sequencer_module, "_answer", wrong)


def forget_what_was_given_back(patch: pytest.MonkeyPatch) -> None:
    """Of a submission that is split between two entries the second part is dropped."""
    give_back = Sequencer._give_back

    def forgetful(self: Sequencer, shares: Any, done: int) -> None:
        give_back(self, shares, done)
        if self._queue and self._queue[0].taken:
            item = self._queue.popleft()
            self._queued_commands -= item.count - item.taken
            if not item.answered.done():
                item.answered.set_result(item.parts)

    patch.setattr(Sequencer, "_give_back", forgetful)


def forget_the_first_answer(patch: pytest.MonkeyPatch) -> None:
    """A repetition is told that it is one, and not what the first answer was."""
    patch.setattr(executor_module, "_duplicate", lambda answer: None)


def publish_before_commit(patch: pytest.MonkeyPatch) -> None:
    """Followers hear of an entry when it is sent to the database."""
    commit = Sequencer._commit

    async def early(self: Sequencer, batch: Any) -> None:
        self._publish(batch.entry)
        await asyncio.sleep(0.003)
        await commit(self, batch)

    patch.setattr(Sequencer, "_commit", early)


def drop_a_published_entry(patch: pytest.MonkeyPatch) -> None:
    """The stream lacks entries and its reader does not look for gaps."""
    publish = Publisher.publish

    def sometimes(self: Publisher, entry: JournalEntry) -> None:
        if entry.seq % 7:
            publish(self, entry)

    async def trusting(self: EventStream) -> Any:
        async for batch in self._backfill():
            yield batch
        while True:
            for batch in await self._read_redis() or []:
                self._handled(batch)
                yield batch

    patch.setattr(Publisher, "publish", sometimes)
    patch.setattr(EventStream, "__aiter__", trusting)


def skip_an_entry_of_a_page(patch: pytest.MonkeyPatch) -> None:
    """Pages for followers end one entry late."""
    events = JournalReader.events

    async def shifted(self: JournalReader, from_seq: int, limit: int, max_bytes: int) -> Any:
        page = await events(self, from_seq, limit, max_bytes)
        return page[:-2] + page[-1:] if len(page) > 4 else page

    patch.setattr(JournalReader, "events", shifted)


def forget_a_cancellation(patch: pytest.MonkeyPatch) -> None:
    """The fold of orders overlooks one kind of end."""
    apply = OrderBook.apply

    def partial(self: OrderBook, rows: Any) -> None:
        apply(self, [row for row in rows if row[0] != EventKind.ORDER_RESTED])
        apply(self, [row for row in rows if row[0] == EventKind.ORDER_CANCELED])

    patch.setattr(OrderBook, "apply", partial)


def lose_request_ids(patch: pytest.MonkeyPatch) -> None:
    """Requests of a retry arrive without their ids."""
    enqueue = Sequencer.enqueue
    column = slice(Command.REQUEST_HI * 8, (Command.REQUEST_LO + 1) * 8)

    def forgetful(self: Sequencer, commands: Any, *about: Any) -> Any:
        seen: set[bytes] = self.__dict__.setdefault("_seen", set())
        sent = []
        for command in commands:
            raw = bytearray(command)
            if command in seen:
                raw[column] = bytes(16)
            seen.add(command)
            sent.append(bytes(raw))
        return enqueue(self, sent, *about)

    patch.setattr(Sequencer, "enqueue", forgetful)


def believe_snapshots(patch: pytest.MonkeyPatch) -> None:
    """A start takes any snapshot, with whatever bytes it has, and falls back to none."""

    def believe(head: Any, data: bytes) -> Replay:
        head = replace(head, size=len(data), checksum=snapshots.checksum_of(data))
        return unpack(head, data)

    unpack = snapshots.unpack
    patch.setattr(snapshots, "unpack", believe)
    patch.setattr(recovery, "FAULTS", (ZeroDivisionError,))


def keep_a_running_core(patch: pytest.MonkeyPatch) -> None:
    """A snapshot has the state of one entry and says that it is another's."""
    pack = snapshots.pack

    def early(replay: Replay) -> Any:
        head, data = pack(replay)
        _packed.append((head, data))
        old = _packed[0][1] if len(_packed) > 3 else data
        return replace(head, size=len(old), checksum=snapshots.checksum_of(old)), old

    _packed: list[Any] = []
    patch.setattr(snapshots, "pack", early)


def restore_without_the_fold(patch: pytest.MonkeyPatch) -> None:
    """A snapshot forgets the orders as their owners see them."""
    load = snapshots.load_fold
    patch.setattr(snapshots, "load_fold", lambda text: replace(load(text), orders=OrderBook()))


@dataclass(frozen=True, slots=True)
class Mutation:
    """A bug, by what it must be found, and what it needs to show: of the plan, of the world."""

    patch: Patch
    found: str  # pattern of the failure
    plan: dict[str, object] = field(default_factory=dict)
    world: dict[str, object] = field(default_factory=dict)


def nothing(patch: pytest.MonkeyPatch) -> None:
    """The bug is in the world's arguments."""


TWO_WRITERS = r"entry \d+ follows entry|does not link"
NO_FENCE = {"fence": False}

MUTATIONS: dict[str, Mutation] = {
    "answer before commit": Mutation(
        answer_before_commit, r"entry \d+, committed is", {"shuffle": 0.0}
    ),
    "published before commit": Mutation(publish_before_commit, "followers got entry .* committed"),
    "read before commit": Mutation(read_before_commit, r"read entry \d+, committed is"),
    "take a lost commit for done": Mutation(
        believe_in_lost_commits, rf"{TWO_WRITERS}|entry \d+, committed is", {"lost": 0.05}
    ),
    "no fence, and write again without looking": Mutation(
        settle_without_looking, TWO_WRITERS, {"lost": 0.05}, NO_FENCE
    ),
    "no fence, and the lock is lost": Mutation(
        nothing, TWO_WRITERS, {"lock_stolen": 0.05}, NO_FENCE
    ),
    "no fence, and lead without lock": Mutation(lead_without_lock, TWO_WRITERS, {}, NO_FENCE),
    "the kernel forgets request ids": Mutation(nothing, "applied again", {}, {"window": 8}),
    "the host loses the ids of a retry": Mutation(lose_request_ids, "has another request id"),
    "the first answer is forgotten": Mutation(forget_the_first_answer, "not the first"),
    "time goes back": Mutation(trust_the_clock, "is not later than entry", {"clock_jump": 0.05}),
    "an event of an answer is dropped": Mutation(
        drop_an_event_of_an_answer, "answered with other events"
    ),
    "answers in the wrong order": Mutation(answer_the_neighbour, "other content|without an event"),
    "an entry is dropped from the stream": Mutation(
        drop_a_published_entry, r"followers got \d+, not"
    ),
    "an entry is missing in a page": Mutation(
        skip_an_entry_of_a_page, "JournalGapError", {"stream_away": 0.02}
    ),
    "part of a split submission is dropped": Mutation(
        forget_what_was_given_back, r"commands, \d+ answers", {"batch_events_max": 8}
    ),
    "damaged snapshots are believed": Mutation(
        believe_snapshots, "Error", {"snapshot_fault": 0.5, "snapshot_entries": 3, "crash": 0.02}
    ),
    "a snapshot of another entry": Mutation(
        keep_a_running_core, "another entry|another state", {"snapshot_entries": 3}
    ),
    "a snapshot without orders": Mutation(
        restore_without_the_fold, "another fold|ABSENT", {"snapshot_entries": 3}
    ),
    "the fold misses an end": Mutation(forget_a_cancellation, "IllegalTransitionError"),
}
