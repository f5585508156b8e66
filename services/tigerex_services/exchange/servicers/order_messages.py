"""From orders and the answers to order commands to messages.

What an answer says of an order comes from its command's events alone, so that a repeated request
gets the same answer. Around a command the core also does what fell due (stops that fire, dates that
come): such events carry no request id.
"""

from collections.abc import Iterable, Sequence
from typing import cast

from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2

from tigerex_core.order_life import CLOSED, STOP_TYPES, OrderState
from tigerex_core.records import Event, EventKind
from tigerex_platform.errors import InvalidField, TigerExError
from tigerex_services.directory import Directory, MarketInfo
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.order_records import (
    FOLLOW,
    NO_TERMS,
    OF_TWO_ORDERS,
    EventRow,
    ListRecord,
    OrderRecord,
    accepted,
    placed_list,
)
from tigerex_services.exchange.servicers.order_updates import (
    fill_message,
    reason_name,
    updates_of,
)


def own_event(answer: Answer, *kinds: EventKind) -> EventRow | None:
    """The first event of one of these kinds that the command itself caused."""
    for row in answer.events:
        if row[Event.KIND] in kinds and (row[Event.REQUEST_HI] or row[Event.REQUEST_LO]):
            return row
    return None


def order_message(
    order: OrderRecord, market: MarketInfo, client_list_id: str = ""
) -> types_pb2.Order:
    message = types_pb2.Order(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        account_id=order.account,
        market=market.symbol,
        side=cast("types_pb2.Side.ValueType", order.side),
        type=cast("types_pb2.OrderType.ValueType", order.order_type),
        time_in_force=cast("types_pb2.TimeInForce.ValueType", order.time_in_force),
        post_only=order.post_only,
        price=market.ticks_to_price(order.price) if order.price else "",
        quantity=market.lots_to_quantity(order.quantity),
        filled_quantity=market.lots_to_quantity(order.filled),
        filled_notional=market.quote.from_units(order.filled_notional),
        status=cast("types_pb2.OrderStatus.ValueType", order.status),
        created_ns=order.created_ns,
        prevented_quantity=market.lots_to_quantity(order.prevented),
        amendments=order.amendments,
        updated_ns=order.updated_ns,
        remaining_quantity=market.lots_to_quantity(order.remaining),
        visible_quantity=market.lots_to_quantity(order.visible),
        end_reason=reason_name(order.end_reason),
    )
    terms = order.terms
    if terms is not NO_TERMS:
        message.stop_price = market.ticks_to_price(terms.stop_price) if terms.stop_price else ""
        message.trailing_bps = terms.trailing
        message.display_quantity = market.lots_to_quantity(terms.display) if terms.display else ""
        message.expire_ns = terms.expire_ns
        message.self_trade_mode = cast("types_pb2.SelfTradeMode.ValueType", terms.self_trade)
        message.quote_amount = market.quote.from_units(terms.amount) if terms.amount else ""
        message.list_id = terms.list_id
        message.client_list_id = client_list_id
        message.triggered_ns = order.triggered_ns
        if order.triggered_price:
            message.triggered_price = market.ticks_to_price(order.triggered_price)
    return message


def known_order(order: OrderRecord, committed: Committed) -> types_pb2.Order:
    """The message of an order that is open or remembered."""
    found = committed.orders.find_list(order.terms.list_id)
    market = committed.directory.market_by_id(order.market)
    return order_message(order, market, found.client_list_id if found else "")


def list_message(
    found: ListRecord, orders: Iterable[OrderRecord], market: MarketInfo
) -> types_pb2.OrderList:
    """A list with those of its two orders that are remembered."""
    orders = list(orders)
    done = all(order.status in CLOSED for order in orders)
    return types_pb2.OrderList(
        list_id=found.list_id,
        client_list_id=found.client_list_id,
        account_id=found.account,
        market=market.symbol,
        status=(
            types_pb2.ORDER_LIST_STATUS_ALL_DONE if done else types_pb2.ORDER_LIST_STATUS_EXECUTING
        ),
        orders=[order_message(order, market, found.client_list_id) for order in orders],
        created_ns=found.created_ns,
    )


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
                        fills[order_id].append(fill_message(row, order_id, market, directory))
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
