"""Signed endpoints for what an account did: orders of any status, trades, order lists."""

from tigerex.exchange.v1 import types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_services.gateway.binance import lists, orders
from tigerex_services.gateway.binance.calls import UserCall
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.orders import NO_LIST, Json, decimal, millis
from tigerex_services.gateway.translate.values import NANOS_PER_MILLI

SPAN_HOURS_MAX = 24
MILLIS_PER_HOUR = 3_600_000
# What myTrades can be asked for beside the symbol and a limit.
TRADES_BY: tuple[set[str], ...] = (
    set(),
    {"orderId"},
    {"startTime"},
    {"endTime"},
    {"fromId"},
    {"startTime", "endTime"},
    {"orderId", "fromId"},
)


async def all_orders(of: UserCall) -> list[Json]:
    """Orders of one market, oldest first: from an id or a time on, else the newest."""
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    start_ns, end_ns = _times(of)
    answer = await of.ask(
        of.upstream.history.ListOrders,
        pb.ListOrdersRequest(
            account_id=await of.account_id(),
            market=market.symbol,
            from_order_id=_first(of, "orderId"),
            start_ns=start_ns,
            end_ns=end_ns,
            limit=of.values.get("limit", 0),
        ),
    )
    return [orders.known_order(order, market, symbol) for order in answer.orders]


async def my_trades(of: UserCall) -> list[Json]:
    """Trades of one market, oldest first: from an id or a time on, else the newest."""
    if of.values.keys() & set().union(*TRADES_BY) not in TRADES_BY:
        raise refuse(-1128)
    symbol = of.values["symbol"]
    market = await of.parts.symbols.market(symbol)
    start_ns, end_ns = _times(of)
    answer = await of.ask(
        of.upstream.history.ListFills,
        pb.ListFillsRequest(
            account_id=await of.account_id(),
            market=market.symbol,
            order_id=of.values.get("orderId", 0),
            from_trade_id=_first(of, "fromId"),
            start_ns=start_ns,
            end_ns=end_ns,
            limit=of.values.get("limit", 0),
        ),
    )
    return [_trade(fill, symbol) for fill in answer.fills]


def _trade(row: pb.AccountFill, symbol: str) -> Json:
    return {
        "symbol": symbol,
        "id": row.fill.trade_id,
        "orderId": row.order_id,
        "orderListId": row.list_id or NO_LIST,
        "price": decimal(row.fill.price),
        "qty": decimal(row.fill.quantity),
        "quoteQty": decimal(row.notional),
        "commission": decimal(row.fill.fee),
        "commissionAsset": row.fill.fee_asset,
        "time": millis(row.time_ns),
        "isBuyer": row.side == types_pb2.SIDE_BUY,
        "isMaker": row.fill.maker,
        "isBestMatch": True,
    }


async def all_lists(of: UserCall) -> list[Json]:
    """Order lists of all markets, oldest first: from an id or a time on, else the newest."""
    if "fromId" in of.values and of.values.keys() & {"startTime", "endTime"}:
        raise refuse(-1128)
    start_ns, end_ns = _times(of)
    answer = await of.ask(
        of.upstream.history.ListOrderLists,
        pb.ListOrderListsRequest(
            account_id=await of.account_id(),
            from_list_id=_first(of, "fromId"),
            start_ns=start_ns,
            end_ns=end_ns,
            limit=of.values.get("limit", 0),
        ),
    )
    known = await of.parts.symbols.known()
    told = []
    for found in answer.lists:
        market, symbol = known.find(found.market)
        if market is not None:
            told.append(lists.order_list(found, market, symbol, 0))
    return told


def _first(of: UserCall, name: str) -> int:
    """An id to begin with, 0 for none; the first one there is is 1."""
    return max(1, of.values[name]) if name in of.values else 0


def _times(of: UserCall) -> tuple[int, int]:
    """Start and exclusive end in nanoseconds, 0 for none; raises BinanceError. Binance's end is
    inclusive."""
    start_ms, end_ms = of.values.get("startTime"), of.values.get("endTime")
    if start_ms is not None and end_ms is not None:
        if end_ms < start_ms:
            raise refuse(-1128)
        if end_ms - start_ms > SPAN_HOURS_MAX * MILLIS_PER_HOUR:
            raise refuse(-1127, SPAN_HOURS_MAX)
    start_ns = 0 if start_ms is None else max(1, start_ms * NANOS_PER_MILLI)
    return start_ns, 0 if end_ms is None else (end_ms + 1) * NANOS_PER_MILLI
