"""Accounts and orders: JSON models ↔ protobuf."""

from collections.abc import Iterable, Mapping

from tigerex.exchange.v1 import trading_pb2, types_pb2

from tigerex_services.gateway.models import accounts as model
from tigerex_services.gateway.models.market import SideName
from tigerex_services.gateway.translate.values import (
    inverse,
    optional,
    optional_time_text,
    time_text,
)

SIDES: Mapping[types_pb2.Side.ValueType, SideName] = {
    types_pb2.SIDE_BUY: "buy",
    types_pb2.SIDE_SELL: "sell",
}
ORDER_TYPES: Mapping[types_pb2.OrderType.ValueType, model.OrderTypeName] = {
    types_pb2.ORDER_TYPE_LIMIT: "limit",
    types_pb2.ORDER_TYPE_MARKET: "market",
    types_pb2.ORDER_TYPE_STOP_LOSS: "stop-loss",
    types_pb2.ORDER_TYPE_STOP_LOSS_LIMIT: "stop-loss-limit",
    types_pb2.ORDER_TYPE_TAKE_PROFIT: "take-profit",
    types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT: "take-profit-limit",
}
TIMES_IN_FORCE: Mapping[types_pb2.TimeInForce.ValueType, model.TimeInForceName] = {
    types_pb2.TIME_IN_FORCE_GTC: "gtc",
    types_pb2.TIME_IN_FORCE_IOC: "ioc",
    types_pb2.TIME_IN_FORCE_FOK: "fok",
    types_pb2.TIME_IN_FORCE_GTD: "gtd",
}
STATUSES: Mapping[types_pb2.OrderStatus.ValueType, model.OrderStatusName] = {
    types_pb2.ORDER_STATUS_NEW: "new",
    types_pb2.ORDER_STATUS_PARTIALLY_FILLED: "partially-filled",
    types_pb2.ORDER_STATUS_FILLED: "filled",
    types_pb2.ORDER_STATUS_CANCELED: "canceled",
    types_pb2.ORDER_STATUS_EXPIRED: "expired",
    types_pb2.ORDER_STATUS_WAITING: "waiting",
    types_pb2.ORDER_STATUS_EXPIRED_IN_MATCH: "expired-in-match",
}
KINDS: Mapping[types_pb2.AccountKind.ValueType, model.AccountKindName] = {
    types_pb2.ACCOUNT_KIND_MAIN: "main",
    types_pb2.ACCOUNT_KIND_BOT: "bot",
    types_pb2.ACCOUNT_KIND_EARN: "earn",
    types_pb2.ACCOUNT_KIND_ESCROW: "escrow",
    types_pb2.ACCOUNT_KIND_HOUSE: "house",
    types_pb2.ACCOUNT_KIND_SYSTEM: "system",
}
_SIDE_NUMBERS = inverse(SIDES)
_ORDER_TYPE_NUMBERS = inverse(ORDER_TYPES)
_TIME_IN_FORCE_NUMBERS = inverse(TIMES_IN_FORCE)


def account(message: types_pb2.Account, balances: Iterable[types_pb2.Balance]) -> model.Account:
    return model.Account(
        account_id=message.account_id,
        name=message.name,
        kind=KINDS[message.kind],
        frozen=message.frozen,
        balances=[
            model.Balance(asset=row.asset, available=row.available, held=row.held)
            for row in balances
        ],
    )


def new_order(
    order: model.NewOrder, *, account_id: int, request_id: bytes
) -> trading_pb2.PlaceOrderRequest:
    return trading_pb2.PlaceOrderRequest(
        request_id=request_id,
        account_id=account_id,
        market=order.market,
        side=_SIDE_NUMBERS[order.side],
        type=_ORDER_TYPE_NUMBERS[order.type],
        time_in_force=(
            _TIME_IN_FORCE_NUMBERS[order.time_in_force]
            if order.time_in_force
            else types_pb2.TIME_IN_FORCE_UNSPECIFIED
        ),
        post_only=order.post_only,
        price=order.price or "",
        quantity=order.quantity,
        client_order_id=order.client_order_id or "",
    )


def order(message: types_pb2.Order) -> model.Order:
    return model.Order(
        order_id=message.order_id,
        client_order_id=optional(message.client_order_id),
        account_id=message.account_id,
        market=message.market,
        side=SIDES[message.side],
        type=ORDER_TYPES[message.type],
        time_in_force=TIMES_IN_FORCE[message.time_in_force],
        post_only=message.post_only,
        price=optional(message.price),
        quantity=message.quantity,
        filled_quantity=message.filled_quantity or "0",
        filled_notional=message.filled_notional or "0",
        status=STATUSES[message.status],
        created_at=optional_time_text(message.created_ns),
    )


def fill(message: types_pb2.Fill) -> model.Fill:
    return model.Fill(
        trade_id=message.trade_id,
        price=message.price,
        quantity=message.quantity,
        fee=message.fee,
        fee_asset=message.fee_asset,
        maker=message.maker,
    )


def placed(message: trading_pb2.PlaceOrderResponse) -> model.PlacedOrder:
    return model.PlacedOrder(
        order=order(message.order),
        fills=[fill(row) for row in message.fills],
        seq=message.seq,
        time=time_text(message.time_ns),
    )


def canceled(message: trading_pb2.CancelOrderResponse) -> model.CanceledOrder:
    return model.CanceledOrder(
        order=order(message.order), seq=message.seq, time=time_text(message.time_ns)
    )
