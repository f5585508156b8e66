"""One order as its owner sees it, and how each event of the core changes it.

Every change is a step of the table in `order_life`; an event that no exchange could have written
raises.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tigerex_core.order_life import (
    CLOSED,
    OrderState,
    Step,
    accepted_step,
    after,
    expired_step,
    traded_step,
)
from tigerex_core.records import NAME_WORDS, Event, EventKind, Reason, Side

EventRow = Sequence[int]

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

    Mutable, as ListRecord is: it changes with the fold of committed events that it belongs to.
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


class FillRecord(NamedTuple):
    """One side of a trade: price in ticks, quantity in lots, notional in quote units, the fee in
    units of `fee_asset` (0, which the first kernel wrote: of the asset received)."""

    account: int
    market: int
    trade_id: int
    maker: bool
    time_ns: int
    order_id: int
    side: int
    price: int
    quantity: int
    notional: int
    fee: int
    fee_asset: int


def name_of(row: EventRow) -> str:
    """The name of an event row of plain ints; most rows have none."""
    if not row[Event.NAME]:
        return ""
    return _WORDS.pack(*row[Event.NAME : _NAME_END]).rstrip(b"\0").decode("ascii")


def absent(order_id: int) -> OrderRecord:
    """What is known of an order that nobody placed: it cannot take any step."""
    return OrderRecord(order_id, 0, 0, 0, 0, 0, False, 0, 0, "", 0)


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


def fill_of(row: EventRow, order_id: int) -> FillRecord:
    """The side of a TRADED event that is this order's."""
    maker = order_id == row[Event.OTHER_ORDER]
    account, side, fee, fee_asset = Event.ACCOUNT, row[Event.SIDE], Event.FEE, Event.ASSET
    if maker:
        account, side = Event.OTHER_ACCOUNT, Side.BUY + Side.SELL - side
        fee, fee_asset = Event.VALUE, Event.OTHER_ASSET
    return FillRecord(
        account=row[account],
        market=row[Event.MARKET],
        trade_id=row[Event.TRADE_ID],
        maker=maker,
        time_ns=row[Event.TIME_NS],
        order_id=order_id,
        side=side,
        price=row[Event.PRICE],
        quantity=row[Event.QUANTITY],
        notional=row[Event.AMOUNT],
        fee=row[fee],
        fee_asset=row[fee_asset],
    )


def _traded(order: OrderRecord, row: EventRow) -> None:
    lots = row[Event.QUANTITY]
    left = 1 if order.terms.amount else order.quantity - order.filled - order.prevented - lots
    order.take(traded_step(left), row[Event.TIME_NS])
    order.filled += lots
    order.filled_notional += row[Event.AMOUNT]
    if order.order_id == row[Event.OTHER_ORDER]:
        order.visible -= lots


def _prevented(order: OrderRecord, row: EventRow) -> None:
    lots = row[Event.QUANTITY]
    order.take(Step.PREVENTED, row[Event.TIME_NS])
    order.prevented += lots
    if order.order_id == row[Event.OTHER_ORDER]:
        order.visible -= lots


def _rested(order: OrderRecord, row: EventRow) -> None:
    order.take(Step.RESTED, row[Event.TIME_NS])
    order.visible = row[Event.VISIBLE]


def _triggered(order: OrderRecord, row: EventRow) -> None:
    order.take(Step.TRIGGERED, row[Event.TIME_NS])
    order.triggered_ns, order.triggered_price = row[Event.TIME_NS], row[Event.AUX]


def _amended(order: OrderRecord, row: EventRow) -> None:
    order.take(Step.AMENDED, row[Event.TIME_NS])
    order.quantity = row[Event.QUANTITY]
    order.visible += row[Event.VISIBLE]
    order.amendments += 1


def _canceled(order: OrderRecord, row: EventRow) -> None:
    _end(order, row, Step.CANCELED)


def _expired(order: OrderRecord, row: EventRow) -> None:
    _end(order, row, expired_step(row[Event.REASON]))


def _amount_traded(order: OrderRecord, row: EventRow) -> None:
    _end(order, row, Step.AMOUNT_TRADED)


def _end(order: OrderRecord, row: EventRow, step: Step) -> None:
    order.take(step, row[Event.TIME_NS])
    order.end_reason = row[Event.REASON]
    order.visible = 0


def _terms(order: OrderRecord, row: EventRow) -> None:
    order.take(Step.DESCRIBED, row[Event.TIME_NS])
    order.terms = terms_of(row)


# How each kind of event changes the order that it is about; raises IllegalTransitionError.
FOLLOW: Mapping[int, Callable[[OrderRecord, EventRow], None]] = {
    EventKind.TRADED: _traded,
    EventKind.ORDER_RESTED: _rested,
    EventKind.ORDER_EXPIRED: _expired,
    EventKind.ORDER_CANCELED: _canceled,
    EventKind.ORDER_TERMS: _terms,
    EventKind.ORDER_TRIGGERED: _triggered,
    EventKind.ORDER_AMENDED: _amended,
    EventKind.ORDER_FILLED: _amount_traded,
    EventKind.SELF_TRADE_PREVENTED: _prevented,
}
# These are about a taker and a maker.
OF_TWO_ORDERS = frozenset({EventKind.TRADED, EventKind.SELF_TRADE_PREVENTED})
