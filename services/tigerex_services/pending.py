"""What a projection has folded and not yet kept: a bounded buffer, which queries see as if stored,
and its one writer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

PROGRESS_BATCHES = 10  # without rows


class Rows(Protocol):
    """Rows of all batches up to `seq`, whose time is `time_ns`."""

    seq: int
    time_ns: int

    def __len__(self) -> int: ...

    def add(self, update: Any, /) -> None:  # noqa: ANN401 - of the projection's own kind
        """The rows of the next batch."""


SomeRows = TypeVar("SomeRows", bound=Rows)


class Pending(Generic[SomeRows]):
    """What waits, and what is being written; `make` gives empty rows as of a seq and its time."""

    def __init__(
        self, make: Callable[[int, int], SomeRows], *, rows_max: int, seq: int = 0
    ) -> None:
        self._make = make
        self._rows_max = rows_max
        self._waiting = make(seq, 0)
        self._writing: SomeRows | None = None
        self._written_seq = seq

    @property
    def full(self) -> bool:
        """Whether the reader must wait for the writer."""
        return len(self._waiting) >= self._rows_max

    @property
    def has_news(self) -> bool:
        """Whether there are rows to write, or a seq PROGRESS_BATCHES beyond the last written one.

        A quiet exchange still ticks: its progress need not be written every time.
        """
        if self._writing is not None or self._waiting:
            return True
        return self._waiting.seq >= self._written_seq + PROGRESS_BATCHES

    def add(self, update: Any) -> None:  # noqa: ANN401 - of the projection's own kind
        self._waiting.add(update)

    def take(self) -> SomeRows:
        """The rows to write next: those whose writing failed before, else all that wait."""
        if self._writing is None:
            rows = self._waiting
            self._freeze(rows)
            self._writing, self._waiting = rows, self._make(rows.seq, rows.time_ns)
        return self._writing

    def written(self) -> None:
        """The rows of the last `take` are kept."""
        if self._writing is not None:
            self._written_seq = self._writing.seq
        self._writing = None

    def _freeze(self, rows: SomeRows) -> None:
        """Called once when rows are taken: copies what goes on changing with the fold."""

    def _all(self) -> list[SomeRows]:
        """Oldest first, so that newer forms win."""
        return [rows for rows in (self._writing, self._waiting) if rows is not None]


class Writer(Generic[SomeRows]):
    """Keeps what waits, one write at a time."""

    def __init__(
        self, pending: Pending[SomeRows], keep: Callable[[SomeRows], Awaitable[None]]
    ) -> None:
        self._pending = pending
        self._keep = keep
        self._space = asyncio.Event()
        self._writing = asyncio.Lock()

    async def space(self) -> None:
        """Returns when more may be added."""
        while self._pending.full:
            self._space.clear()
            await self._space.wait()

    async def flush(self) -> None:
        """Keep all rows that wait. Raises what `keep` does."""
        async with self._writing:
            await self._keep(self._pending.take())
            self._pending.written()

    async def write(self) -> None:
        """Keep what waits if it is worth it. Raises what `keep` does."""
        try:
            if self._pending.has_news:
                await self.flush()
        finally:
            self._space.set()
