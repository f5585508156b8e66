"""Runs commands for the services: submit, find the first answer of a repeated one, refuse."""

import asyncio
from collections.abc import Callable, Sequence

from tigerex_core.records import Event, EventKind
from tigerex_platform.auth import valid_until_ms
from tigerex_platform.errors import Unavailable
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.exchange.host.sequencer import Answer, Part, Sequencer, group_by_command
from tigerex_services.exchange.orders import EventRow
from tigerex_services.exchange.refusals import find_refusal
from tigerex_services.exchange.storage.journal import JournalReader
from tigerex_services.stream import rows_of


class Executor:
    """The way of every command from a service to the core and back."""

    def __init__(self, leader: Callable[[], Sequencer], journal: JournalReader) -> None:
        self._leader = leader
        self._journal = journal

    @property
    def leader(self) -> Sequencer:
        """The sequencer; raises Unavailable while this process does not lead."""
        return self._leader()

    async def execute(self, command: bytes, *, begun: bool = False) -> Answer:
        """The answer to one command; raises its refusal.

        `begun` says that it goes on with what an earlier command of the same call began, however
        late it is.
        """
        [answer] = await self.answers(await self.enqueue([command], begun=begun))
        error = find_refusal(answer.events, self.leader.committed.directory)
        if error is not None:
            raise error
        return answer

    async def execute_all(self, commands: Sequence[bytes]) -> list[Answer]:
        """The answers to commands, in order; rejections are answers too."""
        return await self.answers(await self.enqueue(commands))

    def enqueue(
        self, commands: Sequence[bytes], *, begun: bool = False
    ) -> "asyncio.Future[list[Part]]":
        """As `execute_all`, without waiting: all of the commands are queued, or none is."""
        return self.leader.enqueue(commands, 0 if begun else valid_until_ms())

    async def answers(self, parts: Sequence[Part]) -> list[Answer]:
        """The answers in what became of commands: of repeated ones the first answers."""
        return [
            answer if (again := _duplicate(answer)) is None else await self._first_answer(again)
            for part in parts
            for answer in part.answers()
        ]

    async def _first_answer(self, duplicate: EventRow) -> Answer:
        entry = await self._journal.entry(duplicate[Event.VALUE])
        if entry is None:
            raise Unavailable("the first answer to this request id cannot be read right now")
        events = first_events(entry, duplicate[Event.REQUEST_HI], duplicate[Event.REQUEST_LO])
        return Answer(entry.seq, entry.time_ns, events)


def _duplicate(answer: Answer) -> EventRow | None:
    """The event that says that a command was a repetition; orders may have expired beside it."""
    for row in answer.events:
        if row[Event.KIND] == EventKind.DUPLICATE:
            return row
    return None


def first_events(entry: JournalEntry, request_hi: int, request_lo: int) -> Sequence[EventRow]:
    """The events of the first command of an entry that has the request id.

    An entry can hold a command and its repetition, whose event says DUPLICATE. What happened around
    a command has no request id.
    """
    rows = rows_of(entry.events).tolist()
    count = rows[-1][Event.COMMAND] + 1 if rows else 0
    for events in group_by_command(rows, count):
        for row in events:
            if row[Event.REQUEST_HI] == request_hi and row[Event.REQUEST_LO] == request_lo:
                return events
    raise Unavailable("the first answer to this request id is not where it should be")
