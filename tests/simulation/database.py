"""PostgreSQL as the journal's writer and reader see it, in memory and as unreliable as asked.

The server has sessions, a lock that lives with its session, and rows that are committed by their
INSERT or not at all. A client's connection may break at any time: then the statement under way was
executed, is still going to be, or never will be, and the session lives on for a while.

Faithful in what the journal relies on: a session ends only after its statement, so its lock is free
only then; `seq` is unique. Less kind than PostgreSQL in one thing: a lock can vanish from under a
session, as it does when a standby database takes over; then `seq` alone holds two writers apart.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
from psycopg import errors
from tests.simulation.loop import Process, SimLoop
from tests.simulation.plan import Plan
from tests.simulation.randoms import Randoms
from tests.simulation.trace import Trace

from tigerex_services.exchange.entry import JournalEntry

USUAL_S = 0.001
SLOW_S = 3.0
HALF_OPEN_S = 6.0  # until the server notices that a client is gone, at most
AWAY_S = 8.0

_SPACES = re.compile(r"\s+")
_INSERT = re.compile(r"INSERT INTO journal \(([a-z_, ]+)\) VALUES")
_SELECT = re.compile(r"SELECT ([a-z_, ]+) FROM journal WHERE seq >= %s ORDER BY seq LIMIT %s$")
_HEAD = re.compile(r"SELECT ([a-z_, ]+) FROM journal ORDER BY seq DESC LIMIT 1$")
_LOCK = re.compile(r"SELECT pg_try_advisory_lock\(")


class Committing(Protocol):
    """Who is told of each commit, in the moment it happens."""

    def __call__(self, entry: JournalEntry, process: Process) -> None: ...


@dataclass(eq=False, slots=True)
class Session:
    """The server's side of a connection."""

    process: Process
    number: int
    open: bool = True
    busy: bool = False
    ending: bool = False  # as soon as its statement is done


class Cursor:
    """What a statement gave."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows = list(rows)
        self.rowcount = len(self._rows)

    async def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    async def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows


class Connection:
    """The client's side, with the part of psycopg.AsyncConnection that the journal uses."""

    def __init__(self, database: "Database", session: Session) -> None:
        self._database = database
        self._session = session
        self.closed = False

    async def execute(
        self,
        query: str,
        params: Sequence[Any] = (),
        *,
        prepare: bool | None = None,
        binary: bool = False,
    ) -> Cursor:
        if self.closed:
            raise psycopg.OperationalError("the connection is closed")
        return Cursor(await self._database.execute(self, self._session, query, params))

    async def close(self) -> None:
        self.closed = True
        self._database.end_session(self._session)


class Pool:
    """Connections for reading."""

    def __init__(self, database: "Database", process: Process) -> None:
        self._database = database
        self._process = process

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        connection = await self._database.connect(self._process)
        try:
            yield connection
        finally:
            await connection.close()


@dataclass(eq=False)
class Database:
    """The server."""

    loop: SimLoop
    randoms: Randoms
    plan: Plan
    trace: Trace
    committing: Committing
    crash: Callable[[Process], None]
    unique: bool = True  # a test of the simulator switches the fence off
    healed: bool = False
    entries: list[JournalEntry] = field(default_factory=list)
    lock_holder: Session | None = None
    away_until_s: float = 0.0
    sessions: dict[int, Session] = field(default_factory=dict)
    _numbers: int = 0

    # Clients

    async def connect(self, process: Process) -> Connection:
        await asyncio.sleep(self._delay_s())
        if self.away:
            raise psycopg.OperationalError("connection refused")
        self._numbers += 1
        session = Session(process, self._numbers)
        self.sessions[session.number] = session
        return Connection(self, session)

    async def execute(
        self, connection: Connection, session: Session, query: str, params: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """Hand a statement to the server and wait for what becomes of it."""
        answer: asyncio.Future[list[tuple[Any, ...]]] = self.loop.create_future()
        query = _SPACES.sub(" ", query)
        breaks = not self.healed and self.randoms.database.random() < self.plan.lost
        if breaks:
            self.loop.later(self._delay_s() * 3, self._break, connection, session, answer)
        if not breaks or self.randoms.database.random() < 0.7:
            session.busy = True
            self.loop.later(self._delay_s(), self._run, session, query, params, answer)
        try:
            return await answer
        except psycopg.OperationalError:
            connection.closed = connection.closed or not session.open
            raise

    def _run(
        self, session: Session, query: str, params: Sequence[Any], answer: asyncio.Future[Any]
    ) -> None:
        """The server executes a statement, whether or not anybody waits for it still."""
        session.busy = False
        if not session.open:
            _fail(answer, psycopg.OperationalError("terminating connection"))
            return
        try:
            rows = self._statement(session, query, params)
        except psycopg.Error as error:
            self.loop.later(self._delay_s(), _fail, answer, error)
        else:
            self.loop.later(self._delay_s(), _give, answer, rows)
        if session.ending:
            self.end_session(session)

    def _break(self, connection: Connection, session: Session, answer: asyncio.Future[Any]) -> None:
        """The client loses its connection; the server will notice some time later."""
        if not answer.done():
            self.trace.say(session.process.name, f"loses connection {session.number}")
            connection.closed = True
            answer.set_exception(psycopg.OperationalError("server closed the connection"))
        self.abandon(session)

    # The server

    @property
    def away(self) -> bool:
        return self.loop.time() < self.away_until_s and not self.healed

    @property
    def head_seq(self) -> int:
        return self.entries[-1].seq if self.entries else 0

    def _statement(
        self, session: Session, query: str, params: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        if found := _INSERT.match(query):
            columns = found[1].split(", ")
            return self._insert(session, dict(zip(columns, params, strict=True)))
        if found := _SELECT.match(query):
            columns = found[1].split(", ")
            from_seq, limit = params
            first = max(0, from_seq - 1)
            page = self.entries[first : first + limit]
            return [tuple(getattr(entry, column) for column in columns) for entry in page]
        if found := _HEAD.match(query):
            columns = found[1].split(", ")
            return [tuple(getattr(e, column) for column in columns) for e in self.entries[-1:]]
        if _LOCK.match(query):
            return [(self._try_lock(session),)]
        raise NotImplementedError(f"the simulated database does not know: {query}")

    def _try_lock(self, session: Session) -> bool:
        if self.lock_holder is None:
            self.lock_holder = session
            self.trace.say(session.process.name, f"takes the lock, session {session.number}")
        return self.lock_holder is session

    def _insert(self, session: Session, columns: dict[str, Any]) -> list[tuple[Any, ...]]:
        entry = JournalEntry(**columns)
        if self._chance(self.plan.refused):
            self.trace.say("database", f"refuses entry {entry.seq}: disk full")
            raise errors.DiskFull("could not extend file")
        if self._chance(self.plan.crash_at_commit):
            self.crash(session.process)  # the server has the statement already
        if self.unique and entry.seq <= self.head_seq:
            self.trace.say("database", f"refuses entry {entry.seq} of {session.process.name}")
            raise errors.UniqueViolation(f"Key (seq)=({entry.seq}) already exists.")
        self.entries.append(entry)
        self.trace.say(
            "database",
            f"commits entry {entry.seq} of {session.process.name}, {entry.hash.hex()[:8]}",
        )
        self.committing(entry, session.process)
        if self._chance(self.plan.crash_at_commit):
            self.crash(session.process)
        return []

    # Faults

    def abandon(self, session: Session) -> None:
        """Its client is gone: the session ends some time after its statement."""
        delay_s = self.randoms.database.choice([0.0, USUAL_S, HALF_OPEN_S])
        self.loop.later(self.randoms.database.uniform(0, delay_s), self._end_when_idle, session)

    def end_session(self, session: Session) -> None:
        session.open = False
        self.sessions.pop(session.number, None)
        if self.lock_holder is session:
            self.lock_holder = None

    def abandon_all(self, process: Process) -> None:
        """The process was killed."""
        for session in list(self.sessions.values()):
            if session.process is process:
                self.abandon(session)

    def end_some_session(self) -> None:
        """An administrator ends a session; whatever it does is rolled back."""
        sessions = list(self.sessions.values())
        if sessions:
            session = self.randoms.database.choice(sessions)
            self.trace.say("database", f"ends session {session.number} of {session.process.name}")
            self.end_session(session)

    def lose_lock(self) -> None:
        """The holder is not told."""
        if self.lock_holder is not None:
            self.trace.say("database", f"loses the lock of {self.lock_holder.process.name}")
            self.lock_holder = None

    def go_away(self) -> None:
        """Restart: all sessions end, nobody can connect for a while."""
        self.away_until_s = self.loop.time() + self.randoms.database.uniform(0, AWAY_S)
        self.trace.say("database", f"is away until {self.away_until_s:.3f} s")
        for session in list(self.sessions.values()):
            self.end_session(session)

    def _end_when_idle(self, session: Session) -> None:
        if session.busy:
            session.ending = True
        else:
            self.end_session(session)

    def _chance(self, share: float) -> bool:
        return not self.healed and self.randoms.database.random() < share

    def _delay_s(self) -> float:
        usual = self.randoms.database.uniform(0, USUAL_S)
        return self.randoms.database.uniform(0, SLOW_S) if self._chance(self.plan.slow) else usual


def _give(answer: asyncio.Future[Any], rows: list[tuple[Any, ...]]) -> None:
    if not answer.done():
        answer.set_result(rows)


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
