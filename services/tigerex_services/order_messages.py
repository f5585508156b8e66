"""From records of orders, lists and fills to messages."""

from collections.abc import Iterable
from typing import cast

from tigerex.exchange.v1 import types_pb2

from tigerex_core.order_life import CLOSED
from tigerex_core.records import Reason, Side
from tigerex_services.directory import Directory
from tigerex_services.instruments import MarketInfo
from tigerex_services.order_records import NO_TERMS, FillRecord, ListRecord, OrderRecord


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


def fill_message(fill: FillRecord, market: MarketInfo, directory: Directory) -> types_pb2.Fill:
    if fill.fee_asset:
        asset = directory.asset_by_id(fill.fee_asset)
    else:
        asset = market.base if fill.side == Side.BUY else market.quote
    return types_pb2.Fill(
        trade_id=fill.trade_id,
        price=market.ticks_to_price(fill.price),
        quantity=market.lots_to_quantity(fill.quantity),
        fee=asset.from_units(fill.fee),
        fee_asset=asset.code,
        maker=fill.maker,
    )


def reason_name(reason: int) -> str:
    """The stable code of a Reason, empty for NONE."""
    return Reason(reason).name if reason else ""
