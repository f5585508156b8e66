"""What happens to an account, in the events of Binance's user data streams."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import orjson
from tigerex.exchange.v1 import types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_services.gateway.binance import orders
from tigerex_services.gateway.binance.orders import Json, decimal, millis

NO_TRADE = -1
EXECUTIONS: Mapping[pb.Execution.ValueType, str] = {
    pb.EXECUTION_NEW: "NEW",
    pb.EXECUTION_TRADE: "TRADE",
    pb.EXECUTION_CANCELED: "CANCELED",
    pb.EXECUTION_EXPIRED: "EXPIRED",
    pb.EXECUTION_AMENDED: "REPLACED",
    # As Binance tells it: an order that reached its stop price is new once more, and works.
    pb.EXECUTION_TRIGGERED: "NEW",
    pb.EXECUTION_PREVENTED: "TRADE_PREVENTION",
}


def encode(event: Json) -> bytes:
    return orjson.dumps(event)


def event_of(
    update: pb.AccountUpdate, market: types_pb2.Market | None, symbol: str, now_ms: int
) -> Json | None:
    """The event of a change; None where it is no change of an order, list or amount. `market` and
    `symbol` are those of its order or list.
    """
    change = update.WhichOneof("change")
    if change == "balance" and Decimal(update.balance.amount):
        return _balance_update(update, now_ms)
    if market is None:
        return None
    if change == "order":
        return execution_report(update, market, symbol, now_ms)
    return list_status(update, symbol, now_ms) if change == "list" else None


def market_of(update: pb.AccountUpdate) -> str:
    """The native name of the change's market; "" where it has none."""
    return update.order.order.market or update.list.list.market


def execution_report(
    update: pb.AccountUpdate, market: types_pb2.Market, symbol: str, now_ms: int
) -> Json:
    """One change of an order, with the whole order."""
    change = update.order
    order = orders.known_order(change.order, market, symbol)
    fill = change.fill
    canceled = change.execution == pb.EXECUTION_CANCELED
    report: Json = {
        "e": "executionReport",
        "E": now_ms,
        "s": symbol,
        "c": order["clientOrderId"],
        "S": order["side"],
        "o": order["type"],
        "f": order["timeInForce"],
        "q": order["origQty"],
        "p": order["price"],
        "P": order["stopPrice"],
        "F": order["icebergQty"],
        "g": order["orderListId"],
        "C": order["clientOrderId"] if canceled else "",
        "x": EXECUTIONS[change.execution],
        "X": order["status"],
        "r": "NONE",  # what is refused is told to who asked, and to nobody else
        "i": order["orderId"],
        "l": decimal(fill.fill.quantity),
        "z": order["executedQty"],
        "L": decimal(fill.fill.price),
        "n": decimal(fill.fill.fee) if fill.fill.fee_asset else "0",
        "N": fill.fill.fee_asset or None,
        "T": millis(update.time_ns),
        "t": fill.fill.trade_id or NO_TRADE,
        "I": update.seq,
        "w": _is_on_book(change.order),
        "m": fill.fill.maker,
        "M": False,  # Binance says to ignore it
        "O": order["time"],
        "Z": order["cummulativeQuoteQty"],
        "Y": decimal(fill.notional),
        "Q": order["origQuoteOrderQty"],
        "V": order["selfTradePreventionMode"],
    }
    if "trailingDelta" in order:
        report["d"] = order["trailingDelta"]
    if order["workingTime"] != orders.NO_LIST:
        report["W"] = order["workingTime"]
    if "preventedQuantity" in order:
        report["A"] = order["preventedQuantity"]
    if change.HasField("prevention"):
        report |= _prevented(change.prevention, update.seq, symbol)
    return report


def _is_on_book(order: types_pb2.Order) -> bool:
    waits = order.status == types_pb2.ORDER_STATUS_WAITING
    return orders.is_open(order) and not waits and bool(order.price)


def _prevented(prevention: pb.Prevention, seq: int, symbol: str) -> Json:
    quantity = Decimal(prevention.quantity or 0)
    return {
        "v": seq,
        "U": prevention.other_order_id,
        "Cs": symbol,
        "B": decimal(prevention.quantity),
        "pl": decimal(prevention.quantity),
        "pL": decimal(prevention.price),
        "pY": f"{quantity * Decimal(prevention.price or 0):.8f}",
        "m": prevention.maker,
    }


def list_status(update: pb.AccountUpdate, symbol: str, now_ms: int) -> Json:
    """A list that began or ended."""
    found = update.list.list
    executing = found.status == types_pb2.ORDER_LIST_STATUS_EXECUTING
    return {
        "e": "listStatus",
        "E": now_ms,
        "s": symbol,
        "g": found.list_id,
        "c": "OCO",
        "l": "EXEC_STARTED" if executing else "ALL_DONE",
        "L": "EXECUTING" if executing else "ALL_DONE",
        "r": "NONE",
        "C": found.client_list_id,
        "T": millis(update.time_ns),
        "O": [
            {"s": symbol, "i": order.order_id, "c": order.client_order_id} for order in found.orders
        ],
    }


def _balance_update(update: pb.AccountUpdate, now_ms: int) -> Json:
    return {
        "e": "balanceUpdate",
        "E": now_ms,
        "a": update.balance.asset,
        "d": decimal(update.balance.amount),
        "T": millis(update.time_ns),
    }


def position(balances: Iterable[types_pb2.Balance], time_ns: int, now_ms: int) -> Json:
    """What there is of assets that may have changed, the last time at `time_ns`."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": millis(time_ns),
        "B": [
            {"a": row.asset, "f": decimal(row.available), "l": decimal(row.held)}
            for row in balances
        ],
    }


def expired(listen_key: str, now_ms: int) -> Json:
    """The last event of a stream whose listen key is not valid any more."""
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": listen_key}


def terminated(now_ms: int) -> Json:
    """The last event of a stream."""
    return {"e": "eventStreamTerminated", "E": now_ms}
