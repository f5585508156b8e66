"""Orders as their owners see them: a fold of committed events.

The core keeps only what matching needs. This book adds what an owner asks for (fills so far, how an
order ended) for the open orders and for a bounded number of recently closed ones.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tigerex_core.order_life import CLOSED, OrderState
from tigerex_core.records import Event, EventKind, Side
from tigerex_services.instruments import MarketInfo
from tigerex_services.order_records import (
    FOLLOW,
    OF_TWO_ORDERS,
    EventRow,
    ListRecord,
    OrderRecord,
    absent,
    accepted,
    name_of,
    placed_list,
)

__all__ = [
    "EventRow",
    "ListRecord",
    "OrderBook",
    "OrderBookState",
    "OrderRecord",
    "OrderStatus",
    "accepted",
    "held_by",
    "name_of",
]

CLOSED_ORDERS_MAX = 50_000

OrderStatus = OrderState


def own_hold(order: OrderRecord, market: MarketInfo) -> int:
    """Units that an open order needs by itself: of base to sell, of quote to buy.

    An order that will buy at market needs nothing before it trades.
    """
    if order.side == Side.SELL:
        return order.remaining * market.lot
    return market.notional(order.price, order.remaining)


def held_by(
    order: OrderRecord, market: MarketInfo, sibling: OrderRecord | None = None
) -> tuple[int, int]:
    """(asset id, units) that an order holds; `sibling` is the other order of its list.

    A stop that waits beside its limit order holds only what it needs beyond that one's hold.
    """
    asset = market.base if order.side == Side.SELL else market.quote
    units = own_hold(order, market)
    if order.status is OrderState.WAITING and sibling is not None:
        units = max(0, units - own_hold(sibling, market))
    return asset.asset_id, units


@dataclass(frozen=True, slots=True)
class OrderBookState:
    """All that an OrderBook knows: open orders and closed ones, each oldest first, and lists."""

    open: list[OrderRecord]
    closed: list[OrderRecord]
    last_price: dict[int, int]
    lists: list[ListRecord] = field(default_factory=list)


class OrderBook:
    """Open orders and the newest closed ones, and their lists, by id and by the client's id."""

    def __init__(self, closed_max: int = CLOSED_ORDERS_MAX) -> None:
        self._open: dict[int, OrderRecord] = {}
        self._closed: OrderedDict[int, OrderRecord] = OrderedDict()
        self._closed_max = closed_max
        self._names: dict[tuple[int, str], int] = {}
        self._open_of: dict[int, dict[int, OrderRecord]] = {}
        self._lists: dict[int, ListRecord] = {}
        self._list_names: dict[tuple[int, str], int] = {}
        self.last_price: dict[int, int] = {}  # market id -> ticks of its newest trade

    def find(self, order_id: int) -> OrderRecord | None:
        return self._open.get(order_id) or self._closed.get(order_id)

    def find_by_name(self, account: int, client_order_id: str) -> OrderRecord | None:
        """The newest order that had the name."""
        return self.find(self._names.get((account, client_order_id), 0))

    def open_of(self, account: int) -> list[OrderRecord]:
        """The account's open orders, oldest first."""
        return list(self._open_of.get(account, {}).values())

    def find_list(self, list_id: int) -> ListRecord | None:
        return self._lists.get(list_id)

    def find_list_by_name(self, account: int, client_list_id: str) -> ListRecord | None:
        """The newest list that had the name."""
        return self._lists.get(self._list_names.get((account, client_list_id), 0))

    def sibling(self, order: OrderRecord) -> OrderRecord | None:
        """The other order of the order's list, when both are known."""
        found = self._lists.get(order.terms.list_id)
        return self.find(found.sibling(order.order_id)) if found else None

    def state(self) -> OrderBookState:
        """What a snapshot keeps; the records are the book's own, and change with it."""
        return OrderBookState(
            list(self._open.values()),
            list(self._closed.values()),
            dict(self.last_price),
            list(self._lists.values()),
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
        for each in state.lists:
            book._add_list(each)
        return book

    def apply(self, rows: Sequence[EventRow]) -> None:
        """Fold the events of one committed batch; raises IllegalTransitionError."""
        for row in rows:
            kind = row[Event.KIND]
            if kind in FOLLOW:
                self._follow(row[Event.ORDER_ID], row)
                if kind in OF_TWO_ORDERS:
                    self._follow(row[Event.OTHER_ORDER], row)
                if kind == EventKind.TRADED:
                    self.last_price[row[Event.MARKET]] = row[Event.PRICE]
            elif kind == EventKind.ORDER_ACCEPTED:
                self._open_order(accepted(row))
            elif kind == EventKind.LIST_PLACED:
                self._add_list(placed_list(row))

    def _follow(self, order_id: int, row: EventRow) -> None:
        """One event of one open order."""
        order = self._open.get(order_id) or self._closed.get(order_id) or absent(order_id)
        FOLLOW[row[Event.KIND]](order, row)
        if order.status in CLOSED:
            self._close(order)

    def _open_order(self, order: OrderRecord) -> None:
        self._open[order.order_id] = order
        self._open_of.setdefault(order.account, {})[order.order_id] = order
        if order.client_order_id:
            self._names[order.account, order.client_order_id] = order.order_id

    def _close(self, order: OrderRecord) -> None:
        del self._open[order.order_id]
        del self._open_of[order.account][order.order_id]
        self._closed[order.order_id] = order
        if order.terms.list_id:
            self._lists[order.terms.list_id].open_orders -= 1
        if len(self._closed) > self._closed_max:
            _, oldest = self._closed.popitem(last=False)
            self._forget(oldest)

    def _add_list(self, added: ListRecord) -> None:
        self._lists[added.list_id] = added
        if added.client_list_id:
            self._list_names[added.account, added.client_list_id] = added.list_id

    def _forget(self, order: OrderRecord) -> None:
        """Drop what leads to a closed order; its list goes with the second of its orders."""
        name = (order.account, order.client_order_id)
        if self._names.get(name) == order.order_id:
            del self._names[name]
        found = self._lists.get(order.terms.list_id)
        if found is None or self.find(found.sibling(order.order_id)) is not None:
            return
        del self._lists[found.list_id]
        list_name = (found.account, found.client_list_id)
        if self._list_names.get(list_name) == found.list_id:
            del self._list_names[list_name]
