"""Rows that are folded and not yet kept: a bounded buffer, which queries see as if stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tigerex_services.directory import AccountInfo
from tigerex_services.history.fold import KeptFill, KeptList, KeptOrder, Update
from tigerex_services.history.rows import order_row

ROWS_MAX = 20_000
PROGRESS_BATCHES = 10  # without rows


@dataclass(slots=True)
class Rows:
    """Rows of all batches up to `seq`; of an order and of a list only the newest form."""

    accounts: list[AccountInfo] = field(default_factory=list)
    orders: dict[int, KeptOrder] = field(default_factory=dict)
    lists: dict[int, KeptList] = field(default_factory=dict)
    fills: list[KeptFill] = field(default_factory=list)
    seq: int = 0
    time_ns: int = 0
    order_rows: list[tuple[Any, ...]] = field(default_factory=list)
    """Columns of the orders as of `seq`: their records go on changing with the fold."""

    def __len__(self) -> int:
        return len(self.accounts) + len(self.orders) + len(self.lists) + len(self.fills)

    def add(self, update: Update) -> None:
        self.accounts += update.accounts
        self.orders |= update.orders
        self.lists |= update.lists
        self.fills += update.fills
        self.seq, self.time_ns = update.seq, update.time_ns


class Pending:
    """What waits, and what is being written."""

    def __init__(self, seq: int = 0) -> None:
        self._waiting = Rows(seq=seq)
        self._writing: Rows | None = None
        self._written_seq = seq

    @property
    def full(self) -> bool:
        """Whether the reader must wait for the writer."""
        return len(self._waiting) >= ROWS_MAX

    @property
    def has_news(self) -> bool:
        """Whether there are rows to write, or a seq PROGRESS_BATCHES beyond the last written one.

        A quiet exchange still ticks: its progress need not be written every time.
        """
        if self._writing is not None or self._waiting:
            return True
        return self._waiting.seq >= self._written_seq + PROGRESS_BATCHES

    def add(self, update: Update) -> None:
        self._waiting.add(update)

    def take(self) -> Rows:
        """The rows to write next: those whose writing failed before, else all that wait."""
        if self._writing is None:
            rows = self._waiting
            rows.order_rows = [order_row(order) for order in rows.orders.values()]
            self._writing, self._waiting = rows, Rows(seq=rows.seq, time_ns=rows.time_ns)
        return self._writing

    def written(self) -> None:
        """The rows of the last `take` are kept."""
        if self._writing is not None:
            self._written_seq = self._writing.seq
        self._writing = None

    def orders(self, account: int) -> dict[int, KeptOrder]:
        """Orders not yet stored as they are now, by id."""
        return {
            order_id: order
            for rows in self._all()
            for order_id, order in rows.orders.items()
            if order.record.account == account
        }

    def fills(self, account: int) -> list[KeptFill]:
        """Fills not yet stored."""
        return [
            fill for rows in self._all() for fill in rows.fills if fill.record.account == account
        ]

    def lists(self, account: int) -> dict[int, KeptList]:
        """Lists not yet stored, by id."""
        return {
            list_id: kept
            for rows in self._all()
            for list_id, kept in rows.lists.items()
            if kept.account == account
        }

    def _all(self) -> Iterator[Rows]:
        """Oldest first, so that newer forms win."""
        if self._writing is not None:
            yield self._writing
        yield self._waiting
