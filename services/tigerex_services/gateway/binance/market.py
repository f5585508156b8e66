"""Public endpoints: what there is to trade, books, trades, candles, prices."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson
from tigerex.exchange.v1 import types_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.binance.calls import PublicCall
from tigerex_services.gateway.binance.depth import best_levels
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.filters import filters
from tigerex_services.gateway.binance.limits import WEIGHT_MAX
from tigerex_services.gateway.binance.orders import (
    LIMIT_MAKER,
    SELF_TRADE_MODES,
    TYPES,
    Json,
    decimal,
    millis,
)
from tigerex_services.gateway.binance.symbols import Known, symbol_of
from tigerex_services.gateway.translate.market import INTERVAL_NUMBERS
from tigerex_services.gateway.translate.values import NANOS_PER_MILLI
from tigerex_services.gateway.upstream import call

DEPTH_LIMIT = 100
TRADES_LIMIT = 500
KLINES_LIMIT = 500
AVERAGE_MINUTES = 5
DAY_MINUTES = 1_440
NO_TRADE = -1
NO_LEVEL = ("", "")
# The least time that an interval takes: no more candles than were asked for fit.
_UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}
_LONG_NS = {"1w": 7 * _UNITS_NS["d"], "1M": 28 * _UNITS_NS["d"]}
SHORTEST_NS: dict[int, int] = {
    number: _LONG_NS.get(name) or int(name[:-1]) * _UNITS_NS[name[-1]]
    for name, number in INTERVAL_NUMBERS.items()
}
PRECISION = 8


async def ping(_: PublicCall) -> Json:
    return {}


async def time(of: PublicCall) -> Json:
    return {"serverTime": millis(of.parts.clock.now_ns())}


async def exchange_info(of: PublicCall) -> Json:
    """Limits, and the filters of every market or of those that are named."""
    known = await of.parts.symbols.known()
    wanted = _named(of, known)
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


async def depth(of: PublicCall) -> orjson.Fragment:
    market = await of.parts.symbols.market(of.values["symbol"])
    count = of.values.get("limit", DEPTH_LIMIT)
    book = await of.parts.books.read(market.symbol)
    return orjson.Fragment(
        book.shown(("depth", count), lambda book: orjson.dumps(best_levels(book, count)))
    )


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


async def klines(of: PublicCall) -> list[list[Any]]:
    """Candles of an interval, oldest first, also those without a trade: from `startTime` on, else
    the newest."""
    market = await of.parts.symbols.market(of.values["symbol"])
    limit = of.values.get("limit", KLINES_LIMIT)
    interval = INTERVAL_NUMBERS[of.values["interval"]]
    start_ns = of.values.get("startTime", 0) * NANOS_PER_MILLI
    end_ns = (of.values["endTime"] + 1) * NANOS_PER_MILLI if "endTime" in of.values else 0
    if start_ns:
        furthest_ns = start_ns + limit * SHORTEST_NS[interval]
        end_ns = min(end_ns, furthest_ns) if end_ns else furthest_ns
    answer = await call(
        of.upstream.market_data.ListCandles,
        pb.ListCandlesRequest(
            market=market.symbol,
            interval=interval,
            start_ns=start_ns,
            end_ns=end_ns,
            limit=limit,
            with_empty=True,
        ),
    )
    return [_kline(row) for row in answer.candles]


def _kline(row: pb.Candle) -> list[Any]:
    return [
        millis(row.open_time_ns),
        decimal(row.open),
        decimal(row.high),
        decimal(row.low),
        decimal(row.close),
        decimal(row.volume),
        millis(row.end_time_ns) - 1,
        decimal(row.quote_volume),
        row.trades,
        decimal(row.taker_buy_volume),
        decimal(row.taker_buy_quote_volume),
        "0",  # a field that Binance does not use
    ]


async def average_price(of: PublicCall) -> Json:
    """Average price of the trades of the last minutes, else the last price."""
    market = await of.parts.symbols.market(of.values["symbol"])
    [found] = await _statistics(of, market.symbol, AVERAGE_MINUTES)
    volume = Decimal(found.volume)
    price = Decimal(found.quote_volume) / volume if volume else Decimal(market.last_price or 0)
    return {
        "mins": AVERAGE_MINUTES,
        "price": f"{price:.8f}",
        "closeTime": millis(found.close_time_ns),
    }


async def day_ticker(of: PublicCall) -> Json | list[Json]:
    """What happened in the last 24 hours, in one market or in all."""
    return _one_or_all(of, await tickers(of, DAY_MINUTES))


async def window_ticker(of: PublicCall) -> Json | list[Json]:
    """The same of another window; which markets has to be said."""
    if not of.values.keys() & {"symbol", "symbols"}:
        raise refuse(-1128)
    return _one_or_all(of, await tickers(of, of.values.get("windowSize", DAY_MINUTES)))


async def tickers(of: PublicCall, minutes: int) -> list[Json]:
    """What happened in the last minutes, in each of the markets that are asked for."""
    markets = await _markets(of)
    name = markets[0].symbol if len(markets) == 1 else ""
    found = {each.market: each for each in await _statistics(of, name, minutes)}
    return [await _ticker(of, market, found[market.symbol]) for market in markets]


async def _statistics(of: PublicCall, market: str, minutes: int) -> Sequence[pb.Statistics]:
    answer = await call(
        of.upstream.market_data.ListStatistics,
        pb.ListStatisticsRequest(market=market, minutes=minutes),
    )
    return answer.statistics


async def _ticker(of: PublicCall, market: types_pb2.Market, found: pb.Statistics) -> Json:
    last = Decimal(found.last or market.last_price or 0)
    first = Decimal(found.open or last)
    volume = Decimal(found.volume)
    average = Decimal(found.quote_volume) / volume if volume else Decimal(0)
    percent = 100 * (last - first) / first if first else Decimal(0)
    ticker: Json = {
        "symbol": symbol_of(market),
        "priceChange": f"{last - first:.8f}",
        "priceChangePercent": f"{percent:.3f}",
        "weightedAvgPrice": f"{average:.8f}",
        "openPrice": f"{first:.8f}",
        "highPrice": decimal(found.high or str(last)),
        "lowPrice": decimal(found.low or str(last)),
        "lastPrice": f"{last:.8f}",
        "volume": decimal(found.volume),
        "quoteVolume": decimal(found.quote_volume),
        "openTime": millis(found.open_time_ns),
        "closeTime": millis(found.close_time_ns),
        "firstId": found.first_trade_id if found.trades else NO_TRADE,
        "lastId": found.last_trade_id if found.trades else NO_TRADE,
        "count": found.trades,
    }
    if of.values.get("type") == "MINI":
        for name in ("priceChange", "priceChangePercent", "weightedAvgPrice"):
            del ticker[name]
        return ticker
    return ticker | await _best(of, market)


async def _best(of: PublicCall, market: types_pb2.Market) -> Json:
    book = await of.parts.books.read(market.symbol)
    [bid, *_], [ask, *_] = [*book.bids.best(1), NO_LEVEL], [*book.asks.best(1), NO_LEVEL]
    return {
        "bidPrice": decimal(bid[0]),
        "bidQty": decimal(bid[1]),
        "askPrice": decimal(ask[0]),
        "askQty": decimal(ask[1]),
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
    found = [
        {"symbol": symbol_of(market)} | await _best(of, market) for market in await _markets(of)
    ]
    return _one_or_all(of, found)


async def _markets(of: PublicCall) -> list[types_pb2.Market]:
    """Those that a ticker was asked for, as they are now; raises BinanceError."""
    known = await of.parts.symbols.read()
    names = _named(of, known)
    return [known.by_symbol[name] for name in (known.by_symbol if names is None else names)]


def _named(of: PublicCall, known: Known) -> Sequence[str] | None:
    """The symbols that are asked for, None where none is named; raises BinanceError."""
    if {"symbol", "symbols"} <= of.values.keys():
        raise refuse(-1128)
    names: list[str] | None = of.values.get("symbols")
    if "symbol" in of.values:
        names = [of.values["symbol"]]
    if not all(name in known.by_symbol for name in names or ()):
        raise refuse(-1121)
    return names


def _one_or_all(of: PublicCall, found: list[Json]) -> Json | list[Json]:
    if "symbol" not in of.values:
        return found
    return found[0] if found else {"symbol": of.values["symbol"], "price": decimal("")}
