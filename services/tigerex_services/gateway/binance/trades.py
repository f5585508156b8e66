"""Public endpoints: the tape, trade by trade and in aggregates."""

from decimal import Decimal

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.binance.calls import PublicCall
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.orders import Json, decimal, millis
from tigerex_services.gateway.binance.parameters import span
from tigerex_services.gateway.upstream import call

LIMIT = 500
FIRST_ID = 1  # clients begin at 0


async def trades(of: PublicCall) -> list[Json]:
    """The newest trades, oldest first; from `fromId` on where it is given."""
    market = await of.parts.symbols.market(of.values["symbol"])
    request = pb.ListTradesRequest(market=market.symbol, limit=of.values.get("limit", LIMIT))
    if "fromId" in of.values:
        request.from_trade_id = max(FIRST_ID, of.values["fromId"])
    answer = await call(of.upstream.market_data.ListTrades, request)
    return [_trade(row) for row in reversed(answer.trades)]


def _trade(row: pb.Trade) -> Json:
    return {
        "id": row.trade_id,
        "price": decimal(row.price),
        "qty": decimal(row.quantity),
        "quoteQty": f"{Decimal(row.price) * Decimal(row.quantity):.8f}",
        "time": millis(row.time_ns),
        "isBuyerMaker": row.taker_side == "sell",
        "isBestMatch": True,
    }


async def aggregate_trades(of: PublicCall) -> list[Json]:
    """What each taker's order took at a price, oldest first: from `fromId` or `startTime` on, else
    the newest."""
    timed = of.values.keys() & {"startTime", "endTime"}
    if timed and "fromId" in of.values:
        raise refuse(-1128)
    market = await of.parts.symbols.market(of.values["symbol"])
    start_ns, end_ns = span(of.values)
    request = pb.ListAggregateTradesRequest(
        market=market.symbol,
        start_ns=start_ns,
        end_ns=end_ns,
        limit=of.values.get("limit", LIMIT),
    )
    if "fromId" in of.values:
        request.from_id = max(FIRST_ID, of.values["fromId"])
    answer = await call(of.upstream.market_data.ListAggregateTrades, request)
    return [aggregate(row) for row in answer.aggregate_trades]


def aggregate(row: pb.AggregateTrade) -> Json:
    return {
        "a": row.aggregate_id,
        "p": decimal(row.price),
        "q": decimal(row.quantity),
        "f": row.first_trade_id,
        "l": row.last_trade_id,
        "T": millis(row.time_ns),
        "m": row.taker_side == "sell",
        "M": True,
    }
