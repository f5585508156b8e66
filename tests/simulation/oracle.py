"""What must be true, checked at every commit and at every answer, from the journal alone.

It replays each committed entry on a core and a fold of its own and, in some runs, on the plain
reference. What the journal says about request ids it checks with a dictionary, not with the core.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tests.simulation.loop import Process
from tests.simulation.trace import SimulationFailure
from tests.support.core_rows import totals
from tests.support.reference import Reference

from tigerex_core import Capacity, Core
from tigerex_core.records import COMMAND_WIDTH, EVENT_WIDTH, Command, Event, EventKind, Reason
from tigerex_services.exchange.entry import GENESIS_HASH, JournalEntry
from tigerex_services.exchange.host import snapshots
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.host.snapshots_fold import dump_fold
from tigerex_services.exchange.storage.snapshots import SnapshotHead

Row = list[int]
RequestId = tuple[int, int]

ENTRY_BYTES_MAX = 4 * 2**20  # of a message that carries one


@dataclass(frozen=True, slots=True)
class First:
    """Where a request id was used first."""

    content: Row
    seq: int
    events: list[Row]


@dataclass(frozen=True, slots=True)
class Taken:
    """One committed entry, taken apart."""

    entry: JournalEntry
    process: Process
    commands: list[Row]
    events: dict[int, list[Row]]  # by command


def need(condition: bool, what: str) -> None:
    if not condition:
        raise SimulationFailure(what)


def content_of(command: Row) -> Row:
    """What makes two requests the same."""
    return [command[Command.KIND], *command[Command.ACCOUNT :]]


class Oracle:
    """All that was committed and what follows from it."""

    def __init__(self, capacity: Capacity, window: int) -> None:
        """`window` request ids are to be remembered."""
        self._capacity = capacity
        self._window_size = window
        self.reference = Reference(capacity)
        self._replay = Replay(Core(capacity), Committed())
        self._window: OrderedDict[RequestId, First] = OrderedDict()
        self._firsts: dict[RequestId, First] = {}
        self._writers: list[Process] = []
        self.log: list[Taken] = []
        self.digests: list[bytes] = [self._replay.core.digest()]  # by seq
        self.answers = 0

    @property
    def head_seq(self) -> int:
        return len(self.log)

    # Commits

    def commit(self, entry: JournalEntry, process: Process) -> None:
        """Check an entry that is now in the journal."""
        before = self.log[-1].entry.hash if self.log else GENESIS_HASH
        need(entry.seq == self.head_seq + 1, f"entry {entry.seq} follows entry {self.head_seq}")
        need(entry.prev_hash == before, f"entry {entry.seq} does not link to its predecessor")
        size = len(entry.commands) + len(entry.events)
        need(size <= ENTRY_BYTES_MAX, f"entry {entry.seq} has {size} bytes")
        self._check_writer(entry, process)
        self._replay.advance([entry])
        committed = _take_apart(entry, process)
        self._check_requests(committed)
        self._check_reference(entry)
        self._check_state(entry.seq)
        self.log.append(committed)
        self.digests.append(self._replay.core.digest())

    def _check_writer(self, entry: JournalEntry, process: Process) -> None:
        """One process after the other leads, each once."""
        if not self._writers or self._writers[-1] is not process:
            need(
                process not in self._writers,
                f"{process.name} commits entry {entry.seq}, though another has led since",
            )
            self._writers.append(process)

    def _check_requests(self, committed: Taken) -> None:
        """A request id is applied once; its repetition says so, and its misuse too."""
        seq = committed.entry.seq
        for index, command in enumerate(committed.commands):
            events = committed.events.get(index, [])
            need(bool(events), f"command {index} of entry {seq} has no event")
            request = (command[Command.REQUEST_HI], command[Command.REQUEST_LO])
            if request == (0, 0):
                continue
            own = [e for e in events if (e[Event.REQUEST_HI], e[Event.REQUEST_LO]) == request]
            need(bool(own), f"no event of command {index} of entry {seq} has its request id")
            first = self._window.get(request)
            duplicate = [e[Event.VALUE] for e in own if e[Event.KIND] == EventKind.DUPLICATE]
            reused = [e for e in own if e[Event.REASON] == Reason.REQUEST_ID_REUSED]
            where = f"request {request}, command {index} of entry {seq}"
            if first is None:
                need(not duplicate and not reused, f"{where}: called a repetition, is the first")
                self._remember(request, First(content_of(command), seq, events))
            elif first.content == content_of(command):
                need(duplicate == [first.seq] and len(own) == 1, f"{where}: applied again")
            else:
                need(len(reused) == len(own) == 1, f"{where}: other content was not refused")

    def _remember(self, request: RequestId, first: First) -> None:
        self._window[request] = self._firsts[request] = first
        if len(self._window) > self._window_size:
            self._window.popitem(last=False)

    def _check_reference(self, entry: JournalEntry) -> None:
        expected = self.reference.apply(_rows(entry.commands, COMMAND_WIDTH), entry.seq)
        need(
            _rows(entry.events, EVENT_WIDTH).tolist() == expected,
            f"entry {entry.seq} is not what the plain reference gives",
        )

    def _check_state(self, seq: int) -> None:
        core = self._replay.core
        broken = core.check()
        need(not broken, f"after entry {seq}: {broken}")
        accounts = [one.account_id for one in self._replay.committed.directory.all_accounts()]
        sums = totals({account: core.balances(account) for account in accounts})
        need(not any(sums.values()), f"after entry {seq} the sums over all accounts are {sums}")

    # Answers

    def check_answers(self, commands: Sequence[bytes], answers: Sequence[Answer]) -> None:
        """Each answer a client got is what the journal says about its command."""
        need(len(commands) == len(answers), f"{len(commands)} commands, {len(answers)} answers")
        for raw, answer in zip(commands, answers, strict=True):
            self.answers += 1
            self._check_answer(_rows(raw, COMMAND_WIDTH)[0].tolist(), answer)

    def _check_answer(self, command: Row, answer: Answer) -> None:
        seq = answer.seq
        need(seq <= self.head_seq, f"answered with entry {seq}, committed is {self.head_seq}")
        committed = self.log[seq - 1]
        need(answer.time_ns == committed.entry.time_ns, f"answer of entry {seq}: wrong time")
        events = [list(event) for event in answer.events]
        need(bool(events), f"an answer of entry {seq} without an event")
        index = events[0][Event.COMMAND]
        need(
            committed.events.get(index) == events,
            f"answered with other events than command {index} of entry {seq} has",
        )
        theirs = committed.commands[index]
        where = f"the answer to a request is that of command {index} of entry {seq}"
        need(content_of(theirs) == content_of(command), f"{where}, which has other content")
        request = (command[Command.REQUEST_HI], command[Command.REQUEST_LO])
        need(
            (theirs[Command.REQUEST_HI], theirs[Command.REQUEST_LO]) == request,
            f"{where}, which has another request id",
        )
        if request == (0, 0):
            return
        first = self._window.get(request)
        if first is not None and first.content == content_of(command):
            need((first.seq, first.events) == (seq, events), f"{where}, not the first")

    def check_read(self, digest: bytes, seq: int) -> None:
        """A read is the state after an entry that was committed."""
        need(seq <= self.head_seq, f"read entry {seq}, committed is {self.head_seq}")
        need(digest == self.digests[seq], f"read something else than the state after entry {seq}")

    def check_published(self, seq: int, time_ns: int, events: bytes) -> None:
        """What a follower was given."""
        need(seq <= self.head_seq, f"followers got entry {seq}, committed is {self.head_seq}")
        entry = self.log[seq - 1].entry
        same = (entry.time_ns, entry.events) == (time_ns, events)
        need(same, f"followers got other events than those of entry {seq}")

    # The end

    def check_replay(self, journal: Sequence[JournalEntry]) -> None:
        """The whole journal once more, from nothing."""
        need([one.entry for one in self.log] == list(journal), "the journal has changed")
        self._check_end(Replay(Core(self._capacity), Committed()), "from nothing")

    def check_snapshot(self, head: SnapshotHead, data: bytes) -> None:
        """A snapshot is the state after its entry, and leads to the same end as everything else."""
        need(head.seq <= self.head_seq, f"a snapshot of entry {head.seq}, which is not committed")
        replay = snapshots.unpack(head, data)
        same = replay.core.digest() == self.digests[head.seq]
        need(same, f"the snapshot of entry {head.seq} is another state")
        self._check_end(replay, f"from the snapshot of entry {head.seq}")

    def _check_end(self, replay: Replay, how: str) -> None:
        replay.advance(one.entry for one in self.log[replay.head.seq :])
        need(replay.core.digest() == self.digests[-1], f"a replay {how} gives another state")
        fold = dump_fold(replay.committed) == dump_fold(self._replay.committed)
        need(fold, f"a replay {how} gives another fold of the events")


def _take_apart(entry: JournalEntry, process: Process) -> Taken:
    events: dict[int, list[Row]] = {}
    for event in _rows(entry.events, EVENT_WIDTH).tolist():
        events.setdefault(event[Event.COMMAND], []).append(event)
    return Taken(entry, process, _rows(entry.commands, COMMAND_WIDTH).tolist(), events)


def _rows(raw: bytes, width: int) -> np.ndarray:
    return np.frombuffer(raw, "<i8").reshape(-1, width).copy()
