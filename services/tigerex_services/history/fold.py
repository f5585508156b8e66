"""The projection: committed batches become orders, order lists and fills. Pure."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tigerex_core.order_life import CLOSED
from tigerex_core.records import Event, EventKind
from tigerex_services.directory import AccountInfo, Directory
from tigerex_services.history.changes import Change, Changes
from tigerex_services.order_records import (
    FOLLOW,
    OF_TWO_ORDERS,
    EventRow,
    FillRecord,
    ListRecord,
    OrderRecord,
    absent,
    accepted,
    fill_of,
    placed_list,
)
from tigerex_services.stream import Batch

TRANSFERS = frozenset(
    (
        EventKind.TRANSFERRED,
        EventKind.TRANSFER_RESERVED,
        EventKind.TRANSFER_POSTED,
        EventKind.TRANSFER_VOIDED,
    )
)
KINDS = (EventKind.ORDER_ACCEPTED, EventKind.LIST_PLACED, *FOLLOW, *TRANSFERS)


class KeptOrder(NamedTuple):
    """An order, and how its owner calls the list that it belongs to."""

    record: OrderRecord
    client_list_id: str


class KeptFill(NamedTuple):
    """A fill, and the list that its order belongs to."""

    record: FillRecord
    list_id: int


class KeptList(NamedTuple):
    """An order list; `ended_ns` 0 while one of its orders is open."""

    account: int
    list_id: int
    market: int
    client_list_id: str
    limit_id: int
    stop_id: int
    created_ns: int
    ended_ns: int


@dataclass(slots=True)
class Update:
    """What one batch changed, for storage and followers."""

    seq: int
    time_ns: int
    accounts: list[AccountInfo] = field(default_factory=list)
    """New ones."""
    orders: dict[int, KeptOrder] = field(default_factory=dict)
    """By id; the records are the fold's own, and change with it until the order is closed."""
    lists: dict[int, KeptList] = field(default_factory=dict)
    fills: list[KeptFill] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    """Of the accounts that are followed."""


class Fold:
    """Open orders and lists of all accounts as of `seq`; `time_ns` is the exchange's time then."""

    def __init__(self, seq: int = 0, time_ns: int = 0) -> None:
        self.seq = seq
        self.time_ns = time_ns
        self.directory = Directory()
        self.orders: dict[int, OrderRecord] = {}
        """Open ones, and closed ones whose list is not done."""
        self.lists: dict[int, ListRecord] = {}
        """Those that are not done."""

    def apply(self, batch: Batch, followed: Container[int] = ()) -> Update:
        """Fold the next batch. Raises ValueError for another, IllegalTransitionError for an
        impossible one."""
        if batch.seq != self.seq + 1:
            raise ValueError(f"batch {batch.seq} does not follow {self.seq}")
        update, changes = Update(batch.seq, batch.time_ns), Changes(followed)
        self.directory.apply(batch.events)
        kinds = batch.events[:, Event.KIND]
        made = batch.events[kinds == EventKind.ACCOUNT_CREATED, Event.ACCOUNT]
        update.accounts = [self.directory.account(account) for account in made.tolist()]
        for row in batch.events[np.isin(kinds, KINDS)].tolist():
            self._apply_one(update, changes, row)
        update.changes = changes.found
        self.seq, self.time_ns = batch.seq, batch.time_ns
        return update

    def _apply_one(self, update: Update, changes: Changes, row: EventRow) -> None:
        kind, order_id = row[Event.KIND], row[Event.ORDER_ID]
        if kind in TRANSFERS:
            changes.transfer(row)
        elif kind == EventKind.LIST_PLACED:
            placed = placed_list(row)
            self.lists[order_id] = placed
            update.lists[order_id] = kept_list(placed)
        elif kind == EventKind.ORDER_ACCEPTED:
            self.orders[order_id] = accepted(row)
            self._changed(update, changes, self.orders[order_id], row)
        else:
            self._follow(update, changes, order_id, row)
            if kind in OF_TWO_ORDERS:
                self._follow(update, changes, row[Event.OTHER_ORDER], row)

    def _follow(self, update: Update, changes: Changes, order_id: int, row: EventRow) -> None:
        """One event of one open order."""
        order = self.orders.get(order_id) or absent(order_id)
        FOLLOW[row[Event.KIND]](order, row)
        self._changed(update, changes, order, row)
        if row[Event.KIND] == EventKind.TRADED:
            update.fills.append(KeptFill(fill_of(row, order_id), order.terms.list_id))
        if row[Event.KIND] == EventKind.ORDER_TERMS and order.terms.list_id:
            found = self.lists[order.terms.list_id]
            if order_id == found.stop_id:  # the second one: the list is complete
                changes.order_list(found, self._orders_of(found), row[Event.TIME_NS])
        if order.status in CLOSED:
            self._close(update, changes, order)

    def _changed(self, update: Update, changes: Changes, order: OrderRecord, row: EventRow) -> None:
        found = self.lists.get(order.terms.list_id)
        client_list_id = found.client_list_id if found else ""
        update.orders[order.order_id] = KeptOrder(order, client_list_id)
        changes.order(order, client_list_id, row)

    def _close(self, update: Update, changes: Changes, order: OrderRecord) -> None:
        found = self.lists.get(order.terms.list_id)
        if found is None:
            del self.orders[order.order_id]
            return
        found.open_orders -= 1
        if found.open_orders:
            return
        update.lists[found.list_id] = kept_list(found, order.updated_ns)
        changes.order_list(found, self._orders_of(found), order.updated_ns)
        del self.lists[found.list_id]
        for order_id in (found.limit_id, found.stop_id):
            self.orders.pop(order_id, None)

    def _orders_of(self, found: ListRecord) -> list[OrderRecord]:
        ids = (found.limit_id, found.stop_id)
        return [self.orders[order_id] for order_id in ids if order_id in self.orders]


def kept_list(record: ListRecord, ended_ns: int = 0) -> KeptList:
    """A list that is open, or has ended then."""
    return KeptList(
        record.account,
        record.list_id,
        record.market,
        record.client_list_id,
        record.limit_id,
        record.stop_id,
        record.created_ns,
        ended_ns,
    )
