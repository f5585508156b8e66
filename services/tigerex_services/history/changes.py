"""What followers of accounts are told of one batch: its changes, in order. Pure."""

from collections.abc import Container, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from tigerex.history.v1 import history_pb2 as pb

from tigerex_core.records import Event, EventKind
from tigerex_services.order_records import EventRow, FillRecord, ListRecord, OrderRecord, fill_of

EXECUTIONS: Mapping[int, "pb.Execution.ValueType"] = {
    EventKind.ORDER_ACCEPTED: pb.EXECUTION_NEW,
    EventKind.TRADED: pb.EXECUTION_TRADE,
    EventKind.ORDER_CANCELED: pb.EXECUTION_CANCELED,
    EventKind.ORDER_EXPIRED: pb.EXECUTION_EXPIRED,
    EventKind.ORDER_AMENDED: pb.EXECUTION_AMENDED,
    EventKind.ORDER_TRIGGERED: pb.EXECUTION_TRIGGERED,
    EventKind.SELF_TRADE_PREVENTED: pb.EXECUTION_PREVENTED,
}


@dataclass(slots=True)
class OrderChanged:
    """One execution; `order` as it is after it, and after what it brought about by itself: its
    terms, its place on the book, the end of an order whose amount is traded."""

    account: int
    time_ns: int
    execution: "pb.Execution.ValueType"
    order: OrderRecord
    client_list_id: str
    fill: FillRecord | None
    row: EventRow


@dataclass(frozen=True, slots=True)
class ListChanged:
    """A list began, or is all done; with its orders as they are then."""

    account: int
    time_ns: int
    record: ListRecord
    orders: Sequence[OrderRecord]


@dataclass(frozen=True, slots=True)
class BalanceChanged:
    """So many units more (below zero: fewer) of an asset; 0 where they are only held now."""

    account: int
    time_ns: int
    asset: int
    units: int


Change = OrderChanged | ListChanged | BalanceChanged


@dataclass(slots=True)
class Changes:
    """Collects the changes of the accounts that are followed; others cost next to nothing."""

    followed: Container[int]
    found: list[Change] = field(default_factory=list)
    _last: dict[int, OrderChanged] = field(default_factory=dict)

    def order(self, order: OrderRecord, client_list_id: str, row: EventRow) -> None:
        """An event of an order, which is already in its record."""
        if order.account not in self.followed:
            return
        execution = EXECUTIONS.get(row[Event.KIND])
        if execution is None:
            if (last := self._last.get(order.order_id)) is not None:
                last.order, last.client_list_id = copy(order), client_list_id
            return
        traded = execution == pb.EXECUTION_TRADE
        change = OrderChanged(
            order.account,
            row[Event.TIME_NS],
            execution,
            copy(order),
            client_list_id,
            fill_of(row, order.order_id) if traded else None,
            row,
        )
        self._last[order.order_id] = change
        self.found.append(change)

    def order_list(self, changed: ListRecord, orders: Sequence[OrderRecord], time_ns: int) -> None:
        """A list that begins, or is all done."""
        if changed.account in self.followed:
            self.found.append(
                ListChanged(changed.account, time_ns, copy(changed), [copy(o) for o in orders])
            )

    def transfer(self, row: EventRow) -> None:
        """A transfer's event: of money that moves, or is held for it, or no longer."""
        units = 0
        if row[Event.KIND] in (EventKind.TRANSFERRED, EventKind.TRANSFER_POSTED):
            units = row[Event.AMOUNT]
            self._balance(row, row[Event.ACCOUNT], -units)
            self._balance(row, row[Event.OTHER_ACCOUNT], units)
        else:
            self._balance(row, row[Event.ACCOUNT], 0)

    def _balance(self, row: EventRow, account: int, units: int) -> None:
        if account in self.followed:
            self.found.append(BalanceChanged(account, row[Event.TIME_NS], row[Event.ASSET], units))
