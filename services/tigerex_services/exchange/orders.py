"""Orders as their owners see them: a fold of committed events.

The core keeps only what matching needs. This record adds what an owner asks for (fills so far,
how an order ended) for the open orders and for a bounded number of recently closed ones.
"""

import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from tigerex_core.records import NAME_WORDS, Event, EventKind

CLOSED_ORDERS_MAX = 50_000

EventRow = Sequence[int]

_WORDS = struct.Struct(f"<{NAME_WORDS}q")
_NAME_END = Event.NAME + NAME_WORDS


class OrderStatus(IntEnum):
    """As OrderStatus of the API."""

    NEW = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 4
    EXPIRED = 5


@dataclass(slots=True)
class OrderRecord:
    """One order; price in ticks, quantities in lots, `filled_notional` in quote units.

    The one mutable record of the host: it changes with the fold and is never handed out of it
    before the change that it shows is committed.
    """

    order_id: int
    account: int
    market: int
    side: int
    order_type: int
    time_in_force: int
    post_only: bool
    price: int
    quantity: int
    client_order_id: str
    created_ns: int
    filled: int = 0
    filled_notional: int = 0
    status: OrderStatus = OrderStatus.NEW

    def fill(self, lots: int, notional: int) -> bool:
        """Add one fill; True when it completed the order."""
        self.filled += lots
        self.filled_notional += notional
        done = self.filled >= self.quantity > 0
        self.status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
        return done


def name_of(row: EventRow) -> str:
    """The name of an event row of plain ints; most rows have none."""
    if not row[Event.NAME]:
        return ""
    return _WORDS.pack(*row[Event.NAME : _NAME_END]).rstrip(b"\0").decode("ascii")


def accepted(row: EventRow) -> OrderRecord:
    """The record that an ORDER_ACCEPTED event begins."""
    how = row[Event.VALUE]
    return OrderRecord(
        row[Event.ORDER_ID],
        row[Event.ACCOUNT],
        row[Event.MARKET],
        row[Event.SIDE],
        how & 15,
        (how >> 4) & 15,
        bool(how >> 8),
        row[Event.PRICE],
        row[Event.QUANTITY],
        name_of(row),
        row[Event.TIME_NS],
    )


@dataclass(frozen=True, slots=True)
class OrderBookState:
    """All that an OrderBook knows: open orders and closed ones, each oldest first."""

    open: list[OrderRecord]
    closed: list[OrderRecord]
    last_price: dict[int, int]


class OrderBook:
    """Open orders and the newest closed ones, by id and by client order id."""

    def __init__(self, closed_max: int = CLOSED_ORDERS_MAX) -> None:
        self._open: dict[int, OrderRecord] = {}
        self._closed: OrderedDict[int, OrderRecord] = OrderedDict()
        self._closed_max = closed_max
        self._names: dict[tuple[int, str], int] = {}
        self._open_of: dict[int, dict[int, OrderRecord]] = {}
        self.last_price: dict[int, int] = {}  # market id -> ticks of its newest trade

    def find(self, order_id: int) -> OrderRecord | None:
        return self._open.get(order_id) or self._closed.get(order_id)

    def find_by_name(self, account: int, client_order_id: str) -> OrderRecord | None:
        """The newest order that had the name."""
        return self.find(self._names.get((account, client_order_id), 0))

    def open_of(self, account: int) -> list[OrderRecord]:
        """The account's open orders, oldest first."""
        return list(self._open_of.get(account, {}).values())

    def state(self) -> OrderBookState:
        """What a snapshot keeps; the records are the book's own, and change with it."""
        return OrderBookState(
            list(self._open.values()), list(self._closed.values()), dict(self.last_price)
        )

    @classmethod
    def restore(cls, state: OrderBookState) -> "OrderBook":
        """The book that had the state."""
        book = cls()
        for order in sorted([*state.closed, *state.open], key=lambda order: order.order_id):
            if order.client_order_id:
                book._names[order.account, order.client_order_id] = order.order_id
        for order in state.open:
            book._open[order.order_id] = order
            book._open_of.setdefault(order.account, {})[order.order_id] = order
        book._closed.update((order.order_id, order) for order in state.closed)
        book.last_price.update(state.last_price)
        return book

    def apply(self, rows: Sequence[EventRow]) -> None:
        """Fold the events of one committed batch."""
        for row in rows:
            match row[Event.KIND]:
                case EventKind.ORDER_ACCEPTED:
                    self._open_order(accepted(row))
                case EventKind.TRADED:
                    self._trade(row)
                case EventKind.ORDER_CANCELED:
                    self._close(row[Event.ORDER_ID], OrderStatus.CANCELED)
                case EventKind.ORDER_EXPIRED:
                    self._close(row[Event.ORDER_ID], OrderStatus.EXPIRED)
                case _:
                    pass

    def _open_order(self, order: OrderRecord) -> None:
        self._open[order.order_id] = order
        self._open_of.setdefault(order.account, {})[order.order_id] = order
        if order.client_order_id:
            self._names[order.account, order.client_order_id] = order.order_id

    def _trade(self, row: EventRow) -> None:
        lots, notional = row[Event.QUANTITY], row[Event.AMOUNT]
        self.last_price[row[Event.MARKET]] = row[Event.PRICE]
        for order_id in (row[Event.ORDER_ID], row[Event.OTHER_ORDER]):
            if self._open[order_id].fill(lots, notional):
                self._close(order_id, OrderStatus.FILLED)

    def _close(self, order_id: int, status: OrderStatus) -> None:
        order = self._open.pop(order_id)
        del self._open_of[order.account][order_id]
        order.status = status
        self._closed[order_id] = order
        if len(self._closed) > self._closed_max:
            _, oldest = self._closed.popitem(last=False)
            name = (oldest.account, oldest.client_order_id)
            if self._names.get(name) == oldest.order_id:
                del self._names[name]
