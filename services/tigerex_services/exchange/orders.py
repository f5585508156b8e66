"""Orders as their owners see them: a fold of committed events.

The core keeps only what matching needs. These records add what an owner asks for (fills so far,
how an order ended) for the open orders and for a bounded number of recently closed ones. Every
change is a step of the table in `order_life`; events that no exchange could have written raise.
"""

import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tigerex_core.order_life import (
    CLOSED,
    IllegalTransitionError,
    OrderState,
    Step,
    accepted_step,
    after,
    expired_step,
    traded_step,
)
from tigerex_core.records import NAME_WORDS, Event, EventKind, Reason, Side
from tigerex_services.directory import MarketInfo

CLOSED_ORDERS_MAX = 50_000

EventRow = Sequence[int]
OrderStatus = OrderState

_WORDS = struct.Struct(f"<{NAME_WORDS}q")
_NAME_END = Event.NAME + NAME_WORDS


@dataclass(frozen=True, slots=True)
class Terms:
    """What few orders say: prices in ticks, lots, quote units, basis points, nanoseconds; 0: not.

    `self_trade` is the mode that the order itself names, `list_id` the list that it belongs to.
    """

    stop_price: int = 0
    trailing: int = 0
    display: int = 0
    amount: int = 0
    expire_ns: int = 0
    self_trade: int = 0
    list_id: int = 0


NO_TERMS = Terms()


@dataclass(slots=True)
class OrderRecord:
    """One order; prices in ticks, quantities in lots, `filled_notional` in quote units.

    The one kind of mutable record of the host, with ListRecord: it changes with the fold and is
    never handed out of it before the change that it shows is committed.
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
    terms: Terms = NO_TERMS
    status: OrderState = OrderState.ABSENT
    filled: int = 0
    filled_notional: int = 0
    prevented: int = 0  # lost to self-trade prevention
    visible: int = 0  # what the book shows
    amendments: int = 0
    triggered_ns: int = 0
    triggered_price: int = 0
    updated_ns: int = 0
    end_reason: int = Reason.NONE

    @property
    def remaining(self) -> int:
        """Lots that can still trade."""
        if self.status in CLOSED or not self.quantity:
            return 0
        return self.quantity - self.filled - self.prevented

    def take(self, step: Step, time_ns: int) -> None:
        """One step of the order's life; raises IllegalTransitionError."""
        self.status = after(self.status, step)
        self.updated_ns = time_ns

    def fill(self, row: EventRow) -> None:
        """One trade of the order, as taker or as maker."""
        self.filled += row[Event.QUANTITY]
        self.filled_notional += row[Event.AMOUNT]
        left = 1 if self.terms.amount else self.quantity - self.filled - self.prevented
        self.take(traded_step(left), row[Event.TIME_NS])

    def end(self, step: Step, row: EventRow) -> None:
        """The exchange or somebody ended the order."""
        self.take(step, row[Event.TIME_NS])
        self.end_reason = row[Event.REASON]
        self.visible = 0


@dataclass(slots=True)
class ListRecord:
    """Two orders of which one cancels the other."""

    list_id: int
    account: int
    market: int
    client_list_id: str
    limit_id: int
    stop_id: int
    created_ns: int
    open_orders: int = 2

    def sibling(self, order_id: int) -> int:
        """The id of the other order."""
        return self.stop_id if order_id == self.limit_id else self.limit_id


def name_of(row: EventRow) -> str:
    """The name of an event row of plain ints; most rows have none."""
    if not row[Event.NAME]:
        return ""
    return _WORDS.pack(*row[Event.NAME : _NAME_END]).rstrip(b"\0").decode("ascii")


def accepted(row: EventRow) -> OrderRecord:
    """The record that an ORDER_ACCEPTED event begins."""
    how, time_ns = row[Event.VALUE], row[Event.TIME_NS]
    order = OrderRecord(
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
        time_ns,
    )
    order.take(accepted_step(order.order_type), time_ns)
    return order


def terms_of(row: EventRow) -> Terms:
    """What an ORDER_TERMS event says."""
    return Terms(
        stop_price=row[Event.PRICE],
        trailing=row[Event.REMAINING],
        display=row[Event.QUANTITY],
        amount=row[Event.AMOUNT],
        expire_ns=row[Event.AUX],
        self_trade=row[Event.VALUE],
        list_id=row[Event.OTHER_ORDER],
    )


def placed_list(row: EventRow) -> ListRecord:
    """The record that a LIST_PLACED event begins."""
    list_id = row[Event.ORDER_ID]
    return ListRecord(
        list_id,
        row[Event.ACCOUNT],
        row[Event.MARKET],
        name_of(row),
        list_id,
        row[Event.OTHER_ORDER],
        row[Event.TIME_NS],
    )


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
            match row[Event.KIND]:
                case EventKind.ORDER_ACCEPTED:
                    self._open_order(accepted(row))
                case EventKind.TRADED:
                    self._trade(row)
                case EventKind.ORDER_RESTED:
                    order = self._living(row[Event.ORDER_ID], Step.RESTED)
                    order.take(Step.RESTED, row[Event.TIME_NS])
                    order.visible = row[Event.VISIBLE]
                case EventKind.ORDER_CANCELED:
                    self._end(Step.CANCELED, row)
                case EventKind.ORDER_EXPIRED:
                    self._end(expired_step(row[Event.REASON]), row)
                case kind if kind >= EventKind.ORDER_TERMS:
                    self._apply_rare(row)
                case _:
                    pass

    def _apply_rare(self, row: EventRow) -> None:
        match row[Event.KIND]:
            case EventKind.ORDER_TERMS:
                self._open[row[Event.ORDER_ID]].terms = terms_of(row)
            case EventKind.ORDER_TRIGGERED:
                order = self._living(row[Event.ORDER_ID], Step.TRIGGERED)
                order.take(Step.TRIGGERED, row[Event.TIME_NS])
                order.triggered_ns, order.triggered_price = row[Event.TIME_NS], row[Event.AUX]
            case EventKind.ORDER_AMENDED:
                order = self._living(row[Event.ORDER_ID], Step.AMENDED)
                order.take(Step.AMENDED, row[Event.TIME_NS])
                order.quantity = row[Event.QUANTITY]
                order.visible += row[Event.VISIBLE]
                order.amendments += 1
            case EventKind.ORDER_FILLED:
                self._end(Step.AMOUNT_TRADED, row)
            case EventKind.SELF_TRADE_PREVENTED:
                self._prevent(row)
            case EventKind.LIST_PLACED:
                self._add_list(placed_list(row))
            case _:
                pass

    def _living(self, order_id: int, step: Step) -> OrderRecord:
        """The open order that takes a step; raises IllegalTransitionError when there is none."""
        order = self._open.get(order_id)
        if order is None:
            closed = self._closed.get(order_id)
            state = OrderState.ABSENT if closed is None else closed.status
            raise IllegalTransitionError(state, step)
        return order

    def _open_order(self, order: OrderRecord) -> None:
        self._open[order.order_id] = order
        self._open_of.setdefault(order.account, {})[order.order_id] = order
        if order.client_order_id:
            self._names[order.account, order.client_order_id] = order.order_id

    def _trade(self, row: EventRow) -> None:
        self.last_price[row[Event.MARKET]] = row[Event.PRICE]
        taker = self._living(row[Event.ORDER_ID], Step.TRADED_PARTLY)
        maker = self._living(row[Event.OTHER_ORDER], Step.TRADED_PARTLY)
        maker.visible -= row[Event.QUANTITY]
        for order in (taker, maker):
            order.fill(row)
            if order.status is OrderState.FILLED:
                self._close(order)

    def _prevent(self, row: EventRow) -> None:
        lots = row[Event.QUANTITY]
        taker = self._living(row[Event.ORDER_ID], Step.PREVENTED)
        maker = self._living(row[Event.OTHER_ORDER], Step.PREVENTED)
        maker.visible -= lots
        for order in (taker, maker):
            order.take(Step.PREVENTED, row[Event.TIME_NS])
            order.prevented += lots

    def _end(self, step: Step, row: EventRow) -> None:
        order = self._living(row[Event.ORDER_ID], step)
        order.end(step, row)
        self._close(order)

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
