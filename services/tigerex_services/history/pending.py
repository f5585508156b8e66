"""Rows of history that are folded and not yet kept."""

from dataclasses import dataclass, field
from typing import Any

from tigerex_services import pending
from tigerex_services.directory import AccountInfo
from tigerex_services.history.fold import KeptFill, KeptList, KeptOrder, Update
from tigerex_services.history.rows import order_row

ROWS_MAX = 20_000


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


class Pending(pending.Pending[Rows]):
    """Rows of orders, lists and fills."""

    def __init__(self, seq: int = 0) -> None:
        super().__init__(
            lambda seq, time_ns: Rows(seq=seq, time_ns=time_ns), rows_max=ROWS_MAX, seq=seq
        )

    def _freeze(self, rows: Rows) -> None:
        rows.order_rows = [order_row(order) for order in rows.orders.values()]

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
