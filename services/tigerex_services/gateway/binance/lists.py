"""Signed endpoints for lists of two orders of which one cancels the other, and for amending one
order."""

from decimal import Decimal

from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import types_pb2

from tigerex_platform.errors import NotFound
from tigerex_services.gateway.binance import orders
from tigerex_services.gateway.binance.account import find_order, list_open
from tigerex_services.gateway.binance.calls import UserCall
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.orders import LIMIT_MAKER, STOP_TYPES, Json, millis
from tigerex_services.gateway.binance.parameters import Values

MORE = -2038  # an amendment that asks for more, which would lose its place in the queue


async def place_oco(of: UserCall) -> Json:
    """A limit order and a stop, once both are committed: to sell, the limit order is the one
    above."""
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    answer = await of.change(
        of.upstream.trading.PlaceOco, _new_list(of, market.symbol, await of.account_id())
    )
    return order_list(answer.list, market, symbol, answer.time_ns)


def _new_list(of: UserCall, market: str, account_id: int) -> pb.PlaceOcoRequest:
    values, request_id = of.values, of.request_id()
    sells = values["side"] == "SELL"
    limit_side, stop_side = ("above", "below") if sells else ("below", "above")
    name = values.get("listClientOrderId") or orders.generated_id(request_id)
    request = pb.PlaceOcoRequest(
        request_id=request_id,
        account_id=account_id,
        market=market,
        side=orders.SIDE_OF[values["side"]],
        quantity=values["quantity"],
        limit=_limit_leg(values, limit_side, of.request_id(1)),
        stop=_stop_leg(values, stop_side, of.request_id(2)),
        client_list_id=name,
    )
    if "selfTradePreventionMode" in values:
        request.self_trade_mode = orders.SELF_TRADE_MODE_OF[values["selfTradePreventionMode"]]
    return request


def _limit_leg(values: Values, side: str, request_id: bytes) -> pb.OcoLimit:
    if values[f"{side}Type"] != LIMIT_MAKER:
        raise refuse(-1130, f"{side}Type")
    for name in ("StopPrice", "TrailingDelta", "TimeInForce"):
        if side + name in values:
            raise refuse(-1106, side + name)
    if f"{side}Price" not in values:
        raise refuse(-1102, f"{side}Price")
    return pb.OcoLimit(
        price=values[f"{side}Price"],
        display_quantity=orders.shown(values.get(f"{side}IcebergQty", "")),
        client_order_id=values.get(f"{side}ClientOrderId") or orders.generated_id(request_id),
    )


def _stop_leg(values: Values, side: str, request_id: bytes) -> pb.OcoStop:
    order_type = values[f"{side}Type"]
    if order_type not in STOP_TYPES:
        raise refuse(-1130, f"{side}Type")
    limited = order_type == "STOP_LOSS_LIMIT"
    for name in ("Price", "TimeInForce"):
        if limited and side + name not in values:
            raise refuse(-1102, side + name)
        if not limited and side + name in values:
            raise refuse(-1106, side + name)
    if f"{side}IcebergQty" in values:
        raise refuse(-1106, f"{side}IcebergQty")
    if values.get(f"{side}TimeInForce", "GTC") != "GTC":
        raise refuse(-1130, f"{side}TimeInForce")
    if not values.keys() & {f"{side}StopPrice", f"{side}TrailingDelta"}:
        raise refuse(-1102, f"{side}StopPrice")
    return pb.OcoStop(
        stop_price=values.get(f"{side}StopPrice", ""),
        limit_price=values.get(f"{side}Price", ""),
        trailing_bps=values.get(f"{side}TrailingDelta", 0),
        client_order_id=values.get(f"{side}ClientOrderId") or orders.generated_id(request_id),
    )


async def get_list(of: UserCall) -> Json:
    """A list by its id or its client's."""
    found = await _find(of, of.values.get("origClientOrderId", ""))
    market, symbol = await of.parts.symbols.find(found.market)
    if market is None:
        raise NotFound("order list", found.list_id)
    return order_list(found, market, symbol, 0)


async def open_lists(of: UserCall) -> list[Json]:
    """Every list of which an order is open, oldest first; of markets that have a symbol."""
    known = await of.parts.symbols.known()
    found = []
    for list_id in dict.fromkeys(o.list_id for o in await list_open(of, "") if o.list_id):
        answer = await of.ask(
            of.upstream.trading.GetOrderList,
            pb.GetOrderListRequest(account_id=await of.account_id(), list_id=list_id),
        )
        market, symbol = known.find(answer.list.market)
        if market is not None:
            found.append(order_list(answer.list, market, symbol, 0))
    return found


async def cancel_list(of: UserCall) -> Json:
    """Cancels both orders of a list."""
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    found = await _find(of, of.values.get("listClientOrderId", ""))
    if found.market != market.symbol:
        raise NotFound("order list", found.list_id)
    answer = await of.change(
        of.upstream.trading.CancelOrder,
        pb.CancelOrderRequest(
            request_id=of.request_id(),
            account_id=await of.account_id(),
            order_id=_open_leg(found).order_id,
            market=market.symbol,
        ),
    )
    ended = await _find(of, of.values.get("listClientOrderId", ""))
    return order_list(ended, market, symbol, answer.time_ns)


def _open_leg(found: types_pb2.OrderList) -> types_pb2.Order:
    """Canceling either order of a list cancels both; raises NotFound where none is open."""
    for each in found.orders:
        if orders.is_open(each):
            return each
    raise NotFound("order list with an open order", found.list_id)


async def _find(of: UserCall, name: str) -> types_pb2.OrderList:
    list_id = of.values.get("orderListId", 0)
    if not list_id and not name:
        raise refuse(-1102, "orderListId")
    answer = await of.ask(
        of.upstream.trading.GetOrderList,
        pb.GetOrderListRequest(
            account_id=await of.account_id(),
            list_id=list_id,
            client_list_id="" if list_id else name,
        ),
    )
    return answer.list


def order_list(
    found: types_pb2.OrderList, market: types_pb2.Market, symbol: str, time_ns: int
) -> Json:
    """What every answer about a list says; with `time_ns` also what became of its orders then."""
    executing = found.status == types_pb2.ORDER_LIST_STATUS_EXECUTING
    told: Json = {
        "orderListId": found.list_id,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED" if executing else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if executing else "ALL_DONE",
        "listClientOrderId": found.client_list_id,
        "transactionTime": millis(time_ns or found.created_ns),
        "symbol": symbol,
        "orders": [
            {"symbol": symbol, "orderId": o.order_id, "clientOrderId": o.client_order_id}
            for o in found.orders
        ],
    }
    if time_ns:
        told["orderReports"] = [
            orders.order(o, market, symbol) | {"transactTime": millis(time_ns)}
            for o in found.orders
        ]
    return told


async def amend(of: UserCall) -> Json:
    """Less of an open order, which keeps its place in the queue."""
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    found = await find_order(of, market)
    if Decimal(of.values["newQty"]) >= Decimal(found.quantity):
        raise refuse(MORE)
    answer = await of.change(
        of.upstream.trading.AmendOrder,
        pb.AmendOrderRequest(
            request_id=of.request_id(),
            account_id=await of.account_id(),
            order_id=found.order_id,
            quantity=of.values["newQty"],
        ),
    )
    told = orders.known_order(await find_order(of, market), market, symbol)
    return {
        "transactTime": millis(answer.time_ns),
        "executionId": answer.seq,
        "amendedOrder": {
            "symbol": symbol,
            "orderId": told["orderId"],
            "orderListId": told["orderListId"],
            "origClientOrderId": told["clientOrderId"],
            "clientOrderId": told["clientOrderId"],
            "price": told["price"],
            "qty": told["origQty"],
            "executedQty": told["executedQty"],
            "preventedQty": told.get("preventedQuantity", orders.decimal("")),
            "quoteOrderQty": told["origQuoteOrderQty"],
            "cumulativeQuoteQty": told["cummulativeQuoteQty"],
            "status": told["status"],
            "timeInForce": told["timeInForce"],
            "type": told["type"],
            "side": told["side"],
            "workingTime": told["workingTime"],
            "selfTradePreventionMode": told["selfTradePreventionMode"],
        },
    }
