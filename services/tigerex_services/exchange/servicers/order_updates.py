"""What the events of one command say of orders: short updates of any order they touch.

Updates come from the events alone: a repeated request gets the same ones, however long ago the
orders closed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2

from tigerex_core.records import Event, EventKind, Reason
from tigerex_services.directory import Directory
from tigerex_services.order_messages import fill_message, reason_name
from tigerex_services.order_records import OF_TWO_ORDERS, EventRow, fill_of


def updates_of(
    events: Sequence[EventRow], account: int, directory: Directory, *, but: Collection[int] = ()
) -> dict[int, pb.OrderUpdate]:
    """By order id, what became of the orders of an account, `but` for these."""
    updates: dict[int, pb.OrderUpdate] = {}
    for row in events:
        update = _UPDATES.get(row[Event.KIND])
        if update is None or _changed_nothing(row):
            continue
        sides = [(row[Event.ACCOUNT], row[Event.ORDER_ID])]
        if row[Event.KIND] in OF_TWO_ORDERS:
            sides.append((row[Event.OTHER_ACCOUNT], row[Event.OTHER_ORDER]))
        for owner, order_id in sides:
            if owner == account and order_id not in but:
                message = updates.setdefault(order_id, pb.OrderUpdate(order_id=order_id))
                update(message, row, directory)
    return updates


def _changed_nothing(row: EventRow) -> bool:
    """Whether two orders of a user met and neither lost anything by it."""
    return row[Event.KIND] == EventKind.SELF_TRADE_PREVENTED and not row[Event.QUANTITY]


def _traded(message: pb.OrderUpdate, row: EventRow, directory: Directory) -> None:
    market = directory.market_by_id(row[Event.MARKET])
    left = _left(message, row)
    message.remaining_quantity = market.lots_to_quantity(left)
    message.status = (
        types_pb2.ORDER_STATUS_PARTIALLY_FILLED if left else types_pb2.ORDER_STATUS_FILLED
    )
    message.fills.append(fill_message(fill_of(row, message.order_id), market, directory))


def _prevented(message: pb.OrderUpdate, row: EventRow, directory: Directory) -> None:
    market = directory.market_by_id(row[Event.MARKET])
    message.remaining_quantity = market.lots_to_quantity(_left(message, row))


def _told(message: pb.OrderUpdate, row: EventRow, directory: Directory) -> None:
    market = directory.market_by_id(row[Event.MARKET])
    message.quantity = market.lots_to_quantity(row[Event.QUANTITY])
    message.remaining_quantity = market.lots_to_quantity(row[Event.REMAINING])


def _triggered(message: pb.OrderUpdate, row: EventRow, directory: Directory) -> None:
    _told(message, row, directory)
    message.status = types_pb2.ORDER_STATUS_NEW


def _ended(message: pb.OrderUpdate, row: EventRow, directory: Directory) -> None:
    _told(message, row, directory)
    message.remaining_quantity = "0"
    message.end_reason = reason_name(row[Event.REASON])
    match row[Event.KIND], row[Event.REASON]:
        case EventKind.ORDER_CANCELED, _:
            message.status = types_pb2.ORDER_STATUS_CANCELED
        case EventKind.ORDER_FILLED, _:
            message.status = types_pb2.ORDER_STATUS_FILLED
        case _, Reason.SELF_TRADE:
            message.status = types_pb2.ORDER_STATUS_EXPIRED_IN_MATCH
        case _:
            message.status = types_pb2.ORDER_STATUS_EXPIRED


def _left(message: pb.OrderUpdate, row: EventRow) -> int:
    """Lots left of the taker's or the maker's order."""
    maker = message.order_id == row[Event.OTHER_ORDER]
    return row[Event.REMAINING] if maker else row[Event.AUX]


_UPDATES: Mapping[int, Callable[[pb.OrderUpdate, EventRow, Directory], None]] = {
    EventKind.TRADED: _traded,
    EventKind.SELF_TRADE_PREVENTED: _prevented,
    EventKind.ORDER_TRIGGERED: _triggered,
    EventKind.ORDER_RESTED: _told,
    EventKind.ORDER_AMENDED: _told,
    EventKind.ORDER_EXPIRED: _ended,
    EventKind.ORDER_CANCELED: _ended,
    EventKind.ORDER_FILLED: _ended,
}
