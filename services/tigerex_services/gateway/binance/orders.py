"""Orders: Binance's parameters to the native request, and native orders to Binance's fields."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2

from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.parameters import Values
from tigerex_services.gateway.translate.values import NANOS_PER_MILLI, inverse

Json = dict[str, Any]

NO_LIST = -1
GENERATED_ID_CHARS = 22

SIDES: Mapping[types_pb2.Side.ValueType, str] = {
    types_pb2.SIDE_BUY: "BUY",
    types_pb2.SIDE_SELL: "SELL",
}
TYPES: Mapping[types_pb2.OrderType.ValueType, str] = {
    types_pb2.ORDER_TYPE_LIMIT: "LIMIT",
    types_pb2.ORDER_TYPE_MARKET: "MARKET",
    types_pb2.ORDER_TYPE_STOP_LOSS: "STOP_LOSS",
    types_pb2.ORDER_TYPE_STOP_LOSS_LIMIT: "STOP_LOSS_LIMIT",
    types_pb2.ORDER_TYPE_TAKE_PROFIT: "TAKE_PROFIT",
    types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
LIMIT_MAKER = "LIMIT_MAKER"  # natively a post-only LIMIT
# An order at market has no time in force there; it is shown as GTC.
TIMES_IN_FORCE: Mapping[types_pb2.TimeInForce.ValueType, str] = {
    types_pb2.TIME_IN_FORCE_GTC: "GTC",
    types_pb2.TIME_IN_FORCE_IOC: "IOC",
    types_pb2.TIME_IN_FORCE_FOK: "FOK",
}
AT_MARKET = frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"})
STATUSES: Mapping[types_pb2.OrderStatus.ValueType, str] = {
    types_pb2.ORDER_STATUS_NEW: "NEW",
    types_pb2.ORDER_STATUS_WAITING: "NEW",
    types_pb2.ORDER_STATUS_PARTIALLY_FILLED: "PARTIALLY_FILLED",
    types_pb2.ORDER_STATUS_FILLED: "FILLED",
    types_pb2.ORDER_STATUS_CANCELED: "CANCELED",
    types_pb2.ORDER_STATUS_EXPIRED: "EXPIRED",
    types_pb2.ORDER_STATUS_EXPIRED_IN_MATCH: "EXPIRED_IN_MATCH",
}
OPEN = frozenset(
    {
        types_pb2.ORDER_STATUS_NEW,
        types_pb2.ORDER_STATUS_WAITING,
        types_pb2.ORDER_STATUS_PARTIALLY_FILLED,
    }
)
SELF_TRADE_MODES: Mapping[types_pb2.SelfTradeMode.ValueType, str] = {
    types_pb2.SELF_TRADE_MODE_NONE: "NONE",
    types_pb2.SELF_TRADE_MODE_EXPIRE_TAKER: "EXPIRE_TAKER",
    types_pb2.SELF_TRADE_MODE_EXPIRE_MAKER: "EXPIRE_MAKER",
    types_pb2.SELF_TRADE_MODE_EXPIRE_BOTH: "EXPIRE_BOTH",
    types_pb2.SELF_TRADE_MODE_DECREMENT: "DECREMENT",
}
SIDE_OF = inverse(SIDES)
_TYPE_OF = inverse(TYPES) | {LIMIT_MAKER: types_pb2.ORDER_TYPE_LIMIT}
_TIME_IN_FORCE_OF = inverse(TIMES_IN_FORCE)
SELF_TRADE_MODE_OF = inverse(SELF_TRADE_MODES)

ORDER_TYPES = tuple(_TYPE_OF)
# What an order of each type must say beside symbol, side and type. A stop says a stop price, a
# trailing delta, or both; an order at market a quantity or an amount.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT": ("quantity",),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
    LIMIT_MAKER: ("quantity", "price"),
}
STOP_TYPES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})  # of a list
_LIMITED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_STOPS = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
# Types that may say a thing that not all may.
ALLOWED: Mapping[str, frozenset[str]] = {
    "timeInForce": _LIMITED,
    "price": _LIMITED | {LIMIT_MAKER},
    "quoteOrderQty": frozenset({"MARKET"}),
    "stopPrice": _STOPS,
    "trailingDelta": _STOPS,
    "icebergQty": _LIMITED | {LIMIT_MAKER},
}


def check_terms(values: Values) -> None:
    """Whether a new order says what its type needs, and nothing that it must not; raises
    BinanceError."""
    order_type = values["type"]
    for name in NEEDED[order_type]:
        if name not in values:
            raise refuse(-1102, name)
    for name, types in ALLOWED.items():
        if name in values and order_type not in types:
            raise refuse(-1106, name)
    if order_type in _STOPS and not values.keys() & {"stopPrice", "trailingDelta"}:
        raise refuse(-1102, "stopPrice")
    if order_type == "MARKET":
        sizes = values.keys() & {"quantity", "quoteOrderQty"}
        if not sizes:
            raise refuse(-1102, "quantity")
        if len(sizes) > 1:
            raise refuse(-1106, "quoteOrderQty")


def new_order(
    values: Values, market: str, account_id: int, request_id: bytes
) -> pb.PlaceOrderRequest:
    """The native request of a new order whose terms were checked."""
    order_type = values["type"]
    request = pb.PlaceOrderRequest(
        request_id=request_id,
        account_id=account_id,
        market=market,
        side=SIDE_OF[values["side"]],
        type=_TYPE_OF[order_type],
        post_only=order_type == LIMIT_MAKER,
        price=values.get("price", ""),
        quantity=values.get("quantity", ""),
        client_order_id=values.get("newClientOrderId") or generated_id(request_id),
        quote_amount=values.get("quoteOrderQty", ""),
        stop_price=values.get("stopPrice", ""),
        trailing_bps=values.get("trailingDelta", 0),
        display_quantity=shown(values.get("icebergQty", "")),
    )
    if "timeInForce" in values:
        request.time_in_force = _TIME_IN_FORCE_OF[values["timeInForce"]]
    if "selfTradePreventionMode" in values:
        request.self_trade_mode = SELF_TRADE_MODE_OF[values["selfTradePreventionMode"]]
    return request


def is_open(message: types_pb2.Order) -> bool:
    """Whether the order can still be canceled."""
    return message.status in OPEN


def shown(iceberg: str) -> str:
    """The display quantity of an iceberg; 0 says that it is none."""
    return "" if iceberg == "0" else iceberg


def generated_id(request_id: bytes) -> str:
    """The client order id of an order that was sent without one."""
    return request_id.hex()[:GENERATED_ID_CHARS]


def decimal(text: str) -> str:
    """With eight decimals, as all amounts are shown."""
    return f"{Decimal(text or 0):.8f}"


def millis(time_ns: int) -> int:
    return time_ns // NANOS_PER_MILLI


def order(message: types_pb2.Order, market: types_pb2.Market, symbol: str) -> Json:
    """What every answer about an order says."""
    order_type = TYPES[message.type]
    mode = message.self_trade_mode or market.limits.self_trade_mode
    found: Json = {
        "symbol": symbol,
        "orderId": message.order_id,
        "orderListId": message.list_id or NO_LIST,
        "clientOrderId": message.client_order_id,
        "price": decimal(message.price),
        "origQty": decimal(message.quantity),
        "executedQty": decimal(message.filled_quantity),
        "origQuoteOrderQty": decimal(message.quote_amount),
        "cummulativeQuoteQty": decimal(message.filled_notional),
        "status": STATUSES[message.status],
        "timeInForce": "GTC"
        if order_type in AT_MARKET
        else TIMES_IN_FORCE.get(message.time_in_force, "GTC"),
        "type": LIMIT_MAKER if message.post_only else order_type,
        "side": SIDES[message.side],
        "selfTradePreventionMode": SELF_TRADE_MODES.get(mode, "NONE"),
    }
    if message.stop_price:
        found["stopPrice"] = decimal(message.stop_price)
    if message.trailing_bps:
        found["trailingDelta"] = message.trailing_bps
    if message.display_quantity:
        found["icebergQty"] = decimal(message.display_quantity)
    if Decimal(message.prevented_quantity or 0):
        found["preventedQuantity"] = decimal(message.prevented_quantity)
    return found


def known_order(message: types_pb2.Order, market: types_pb2.Market, symbol: str) -> Json:
    """The answer to a question about an order."""
    waiting = message.status == types_pb2.ORDER_STATUS_WAITING
    working_ns = message.triggered_ns or message.created_ns
    return {
        "stopPrice": decimal(""),
        "icebergQty": decimal(""),
        **order(message, market, symbol),
        "time": millis(message.created_ns),
        "updateTime": millis(message.updated_ns or message.created_ns),
        "isWorking": not waiting,
        "workingTime": NO_LIST if waiting else millis(working_ns),
    }


def placed(
    answer: pb.PlaceOrderResponse, market: types_pb2.Market, symbol: str, detail: str
) -> Json:
    """The answer to a new order, in as much detail as was asked for: ACK, RESULT or FULL."""
    message = answer.order
    if detail == "ACK":
        return {
            "symbol": symbol,
            "orderId": message.order_id,
            "orderListId": message.list_id or NO_LIST,
            "clientOrderId": message.client_order_id,
            "transactTime": millis(answer.time_ns),
        }
    waiting = message.status == types_pb2.ORDER_STATUS_WAITING
    found = order(message, market, symbol) | {
        "transactTime": millis(answer.time_ns),
        "workingTime": NO_LIST if waiting else millis(answer.time_ns),
    }
    if detail == "FULL":
        found["fills"] = fills(answer.fills)
    return found


def fills(messages: Iterable[types_pb2.Fill]) -> list[Json]:
    return [
        {
            "price": decimal(fill.price),
            "qty": decimal(fill.quantity),
            "commission": decimal(fill.fee),
            "commissionAsset": fill.fee_asset,
            "tradeId": fill.trade_id,
        }
        for fill in messages
    ]


def canceled(
    message: types_pb2.Order, time_ns: int, new_id: str, market: types_pb2.Market, symbol: str
) -> Json:
    """The answer to a cancellation, which has a client id of its own."""
    return order(message, market, symbol) | {
        "origClientOrderId": message.client_order_id,
        "clientOrderId": new_id,
        "transactTime": millis(time_ns),
    }
