"""The answers to order commands.

What an answer says of an order comes from its command's events alone, so that a repeated request
gets the same answer. Around a command the core also does what fell due (stops that fire, dates that
come): such events carry no request id.
"""

from collections.abc import Sequence

from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2

from tigerex_core.order_life import STOP_TYPES, OrderState
from tigerex_core.records import Event, EventKind
from tigerex_platform.errors import InvalidField, TigerExError
from tigerex_services.directory import Directory
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.servicers.order_updates import updates_of
from tigerex_services.order_messages import fill_message, list_message, order_message
from tigerex_services.order_records import (
    FOLLOW,
    OF_TWO_ORDERS,
    EventRow,
    OrderRecord,
    accepted,
    fill_of,
    placed_list,
)


def own_event(answer: Answer, *kinds: EventKind) -> EventRow | None:
    """The first event of one of these kinds that the command itself caused."""
    for row in answer.events:
        if row[Event.KIND] in kinds and (row[Event.REQUEST_HI] or row[Event.REQUEST_LO]):
            return row
    return None


def known_order(order: OrderRecord, committed: Committed) -> types_pb2.Order:
    """The message of an order that is open or remembered."""
    found = committed.orders.find_list(order.terms.list_id)
    market = committed.directory.market_by_id(order.market)
    return order_message(order, market, found.client_list_id if found else "")


def placed(answer: Answer, directory: Directory) -> pb.PlaceOrderResponse:
    """The answer to a place command that was accepted: the order as that command left it."""
    orders, fills = _own_orders(answer.events, directory)
    if not orders:
        raise InvalidField("request_id", "", "an id that placed an order, not another command")
    [order] = orders.values()
    others = updates_of(answer.events, order.account, directory, but=orders)
    return pb.PlaceOrderResponse(
        order=order_message(order, directory.market_by_id(order.market)),
        fills=fills[order.order_id],
        seq=answer.seq,
        time_ns=answer.time_ns,
        others=others.values(),
    )


def oco_placed(answer: Answer, directory: Directory) -> pb.PlaceOcoResponse:
    """The answer to a list that was accepted."""
    row = own_event(answer, EventKind.LIST_PLACED)
    if row is None:
        raise InvalidField("request_id", "", "an id that placed a list, not another command")
    orders, _ = _own_orders(answer.events, directory)
    market = directory.market_by_id(row[Event.MARKET])
    return pb.PlaceOcoResponse(
        list=list_message(placed_list(row), orders.values(), market),
        seq=answer.seq,
        time_ns=answer.time_ns,
    )


def canceled(answer: Answer, committed: Committed) -> pb.CancelOrderResponse:
    """The answer to a cancel, with what is remembered of the order."""
    row = own_event(answer, EventKind.ORDER_CANCELED)
    if row is None:
        raise InvalidField("request_id", "", "an id that canceled an order, not another command")
    order_id, directory = row[Event.ORDER_ID], committed.directory
    known = committed.orders.find(order_id)
    if known is not None:
        order = known_order(known, committed)
    else:
        order = order_message(_from_cancel(row), directory.market_by_id(row[Event.MARKET]))
    others = updates_of(answer.events, row[Event.ACCOUNT], directory, but={order_id})
    return pb.CancelOrderResponse(
        order=order, seq=answer.seq, time_ns=answer.time_ns, others=others.values()
    )


def amended(answer: Answer, committed: Committed) -> pb.AmendOrderResponse:
    """The answer to an amendment, and what became of the order around it."""
    row = own_event(answer, EventKind.ORDER_AMENDED)
    if row is None:
        raise InvalidField("request_id", "", "an id that amended an order, not another command")
    order_id = row[Event.ORDER_ID]
    update = updates_of(answer.events, row[Event.ACCOUNT], committed.directory)[order_id]
    if not update.status:
        update.status = _open_status(row, committed.orders.find(order_id))
    return pb.AmendOrderResponse(
        order=update,
        kept_priority=bool(row[Event.VALUE]),
        seq=answer.seq,
        time_ns=answer.time_ns,
    )


def _open_status(amended: EventRow, known: OrderRecord | None) -> "types_pb2.OrderStatus.ValueType":
    """The state in which an order was amended."""
    if (
        known is not None
        and known.order_type in STOP_TYPES
        and (not known.triggered_ns or known.triggered_ns > amended[Event.TIME_NS])
    ):
        return types_pb2.ORDER_STATUS_WAITING
    if amended[Event.REMAINING] < amended[Event.QUANTITY]:
        return types_pb2.ORDER_STATUS_PARTIALLY_FILLED
    return types_pb2.ORDER_STATUS_NEW


def batch_result(result: Answer | tuple[int, TigerExError], committed: Committed) -> pb.BatchResult:
    """The message of one command's answer."""
    if isinstance(result, tuple):
        seq, error = result
        return pb.BatchResult(
            refused=pb.Refusal(reason=error.code, message=error.message, field=error.field, seq=seq)
        )
    first = own_event(result, *_ANSWERS)
    kind = first[Event.KIND] if first else EventKind.ORDER_ACCEPTED
    if kind == EventKind.ORDER_CANCELED:
        return pb.BatchResult(canceled=canceled(result, committed))
    if kind == EventKind.ORDER_AMENDED:
        return pb.BatchResult(amended=amended(result, committed))
    if kind == EventKind.LIST_PLACED:
        return pb.BatchResult(oco_placed=oco_placed(result, committed.directory))
    return pb.BatchResult(placed=placed(result, committed.directory))


# The first of these in an answer tells which command it answers.
_ANSWERS = (
    EventKind.LIST_PLACED,
    EventKind.ORDER_ACCEPTED,
    EventKind.ORDER_AMENDED,
    EventKind.ORDER_CANCELED,
)


def _own_orders(
    events: Sequence[EventRow], directory: Directory
) -> tuple[dict[int, OrderRecord], dict[int, list[types_pb2.Fill]]]:
    """The orders that these events begin, as they leave them, and their fills."""
    orders: dict[int, OrderRecord] = {}
    fills: dict[int, list[types_pb2.Fill]] = {}
    for row in events:
        kind = row[Event.KIND]
        if kind == EventKind.ORDER_ACCEPTED:
            order = accepted(row)
            orders[order.order_id] = order
            fills[order.order_id] = []
        elif kind in FOLLOW:
            for order_id in _orders_of(row):
                if order_id in orders:
                    FOLLOW[kind](orders[order_id], row)
                    if kind == EventKind.TRADED:
                        market = directory.market_by_id(row[Event.MARKET])
                        fill = fill_message(fill_of(row, order_id), market, directory)
                        fills[order_id].append(fill)
    return orders, fills


def _orders_of(row: EventRow) -> tuple[int, ...]:
    if row[Event.KIND] in OF_TWO_ORDERS:
        return row[Event.ORDER_ID], row[Event.OTHER_ORDER]
    return (row[Event.ORDER_ID],)


def _from_cancel(row: EventRow) -> OrderRecord:
    """What the cancel event alone tells of an order that closed too long ago."""
    order = accepted(row)
    order.order_type, order.time_in_force, order.post_only, order.created_ns = 0, 0, False, 0
    order.filled = row[Event.QUANTITY] - row[Event.REMAINING]
    order.status = OrderState.CANCELED
    return order
