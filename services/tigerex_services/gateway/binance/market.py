"""Public endpoints: what there is to trade, books, trades, candles, prices."""

from decimal import Decimal
from typing import Any

from tigerex.exchange.v1 import types_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.binance.calls import PublicCall
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.filters import filters
from tigerex_services.gateway.binance.limits import WEIGHT_MAX
from tigerex_services.gateway.binance.orders import (
    LIMIT_MAKER,
    SELF_TRADE_MODES,
    TYPES,
    decimal,
    millis,
)
from tigerex_services.gateway.binance.symbols import symbol_of
from tigerex_services.gateway.upstream import call

Json = dict[str, Any]

DEPTH_LIMIT = 100
DEPTH_LIMIT_MAX = 1_000  # of the native path; more is asked for at most
TRADES_LIMIT = 500
PRECISION = 8


async def ping(_: PublicCall) -> Json:
    return {}


async def time(of: PublicCall) -> Json:
    return {"serverTime": millis(of.parts.clock.now_ns())}


async def exchange_info(of: PublicCall) -> Json:
    """Limits, and the filters of every market or of those that are named."""
    named = of.values.keys() & {"symbol", "symbols"}
    if len(named) > 1:
        raise refuse(-1128)
    known = await of.parts.symbols.known()
    wanted = [of.values["symbol"]] if "symbol" in named else of.values.get("symbols")
    for name in wanted or ():
        if name not in known.by_symbol:
            raise refuse(-1121)
    return {
        "timezone": "UTC",
        "serverTime": millis(of.parts.clock.now_ns()),
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": WEIGHT_MAX,
            }
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(known.by_symbol[name]) for name in wanted or known.by_symbol],
    }


def _symbol(market: types_pb2.Market) -> Json:
    trading = market.state == types_pb2.MARKET_STATE_OPEN
    mode = SELF_TRADE_MODES.get(market.limits.self_trade_mode, "NONE")
    return {
        "symbol": symbol_of(market),
        "status": "TRADING" if trading else "HALT",
        "baseAsset": market.base_asset,
        "baseAssetPrecision": PRECISION,
        "quoteAsset": market.quote_asset,
        "quotePrecision": PRECISION,
        "quoteAssetPrecision": PRECISION,
        "baseCommissionPrecision": PRECISION,
        "quoteCommissionPrecision": PRECISION,
        "orderTypes": [*TYPES.values(), LIMIT_MAKER],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": False,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": mode,
        "allowedSelfTradePreventionModes": list(SELF_TRADE_MODES.values()),
    }


async def depth(of: PublicCall) -> Json:
    market = await of.parts.symbols.market(of.values["symbol"])
    levels = min(of.values.get("limit", DEPTH_LIMIT), DEPTH_LIMIT_MAX)
    answer = await call(
        of.upstream.market_data.GetDepth, pb.GetDepthRequest(market=market.symbol, levels=levels)
    )
    return {
        "lastUpdateId": answer.depth.seq,
        "bids": [[decimal(row.price), decimal(row.quantity)] for row in answer.depth.bids],
        "asks": [[decimal(row.price), decimal(row.quantity)] for row in answer.depth.asks],
    }


async def trades(of: PublicCall) -> list[Json]:
    """The newest trades, oldest first; from `fromId` on where it is given."""
    market = await of.parts.symbols.market(of.values["symbol"])
    limit = of.values.get("limit", TRADES_LIMIT)
    before = of.values["fromId"] + limit if "fromId" in of.values else 0
    answer = await call(
        of.upstream.market_data.ListTrades,
        pb.ListTradesRequest(market=market.symbol, before_trade_id=before, limit=limit),
    )
    first = of.values.get("fromId", 0)
    return [_trade(row) for row in reversed(answer.trades) if row.trade_id >= first]


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


async def ticker_price(of: PublicCall) -> Json | list[Json]:
    """The last price of one market, or of all that have one."""
    found = [
        {"symbol": symbol_of(market), "price": decimal(market.last_price)}
        for market in await _markets(of)
        if market.last_price
    ]
    return _one_or_all(of, found)


async def book_ticker(of: PublicCall) -> Json | list[Json]:
    """The best bid and ask of one market, or of all."""
    found = []
    for market in await _markets(of):
        answer = await call(
            of.upstream.market_data.GetTopOfBook, pb.GetTopOfBookRequest(market=market.symbol)
        )
        bid, ask = answer.top.bid, answer.top.ask
        found.append(
            {
                "symbol": symbol_of(market),
                "bidPrice": decimal(bid.price),
                "bidQty": decimal(bid.quantity),
                "askPrice": decimal(ask.price),
                "askQty": decimal(ask.quantity),
            }
        )
    return _one_or_all(of, found)


async def _markets(of: PublicCall) -> list[types_pb2.Market]:
    """Those that a ticker was asked for, as they are now; raises BinanceError."""
    if {"symbol", "symbols"} <= of.values.keys():
        raise refuse(-1128)
    by_symbol = (await of.parts.symbols.read()).by_symbol
    names = of.values.get("symbols", by_symbol)
    if "symbol" in of.values:
        names = [of.values["symbol"]]
    if not all(name in by_symbol for name in names):
        raise refuse(-1121)
    return [by_symbol[name] for name in names]


def _one_or_all(of: PublicCall, found: list[Json]) -> Json | list[Json]:
    if "symbol" not in of.values:
        return found
    return found[0] if found else {"symbol": of.values["symbol"], "price": decimal("")}
