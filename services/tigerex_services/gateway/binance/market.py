"""Public endpoints: what there is to trade, books, candles, prices."""

from collections.abc import Container, Sequence
from decimal import Decimal
from typing import Any

import orjson
from tigerex.exchange.v1 import types_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.binance.calls import PublicCall
from tigerex_services.gateway.binance.depth import best_levels
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.filters import filters
from tigerex_services.gateway.binance.limits import ORDERS, WEIGHT
from tigerex_services.gateway.binance.orders import (
    LIMIT_MAKER,
    SELF_TRADE_MODES,
    TYPES,
    Json,
    decimal,
    millis,
)
from tigerex_services.gateway.binance.parameters import span
from tigerex_services.gateway.binance.symbols import Known, symbol_of
from tigerex_services.gateway.books import Book
from tigerex_services.gateway.translate.market import INTERVAL_NUMBERS
from tigerex_services.gateway.upstream import call

DEPTH_LIMIT = 100
KLINES_LIMIT = 500
AVERAGE_MINUTES = 5
DAY_MINUTES = 1_440
NO_TRADE = -1
NO_LEVEL = ("", "")
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
        "rateLimits": [limit.told() for limit in (WEIGHT, *ORDERS)],
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
        "cancelReplaceAllowed": True,
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


async def klines(of: PublicCall) -> list[list[Any]]:
    """Candles of an interval, oldest first, also those without a trade: from `startTime` on, else
    the newest."""
    market = await of.parts.symbols.market(of.values["symbol"])
    start_ns, end_ns = span(of.values)
    answer = await call(
        of.upstream.market_data.ListCandles,
        pb.ListCandlesRequest(
            market=market.symbol,
            interval=INTERVAL_NUMBERS[of.values["interval"]],
            start_ns=start_ns,
            end_ns=end_ns,
            limit=of.values.get("limit", KLINES_LIMIT),
            with_empty=True,
            oldest=bool(start_ns),
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
    return _one_or_all(of, await day_tickers(of))


async def window_ticker(of: PublicCall) -> Json | list[Json]:
    """The same of another window; which markets has to be said."""
    if not of.values.keys() & {"symbol", "symbols"}:
        raise refuse(-1128)
    return _one_or_all(of, await window_tickers(of, of.values.get("windowSize", DAY_MINUTES)))


async def window_tickers(of: PublicCall, minutes: int) -> list[Json]:
    """What happened in the last minutes, in each of the markets that are asked for."""
    return [_ticker(of, *each) for each in await _asked_statistics(of, minutes)]


async def day_tickers(of: PublicCall) -> list[Json]:
    """The same of 24 hours; unless a MINI ticker is asked for, also what there was before them and
    what there is now."""
    found = await _asked_statistics(of, DAY_MINUTES)
    if _is_mini(of):
        return [_ticker(of, *each) for each in found]
    best = await _best(of, found[0][0].symbol if len(found) == 1 else "")
    return [
        _ticker(of, market, each) | _around(each) | best[market.symbol] for market, each in found
    ]


async def _asked_statistics(
    of: PublicCall, minutes: int
) -> list[tuple[types_pb2.Market, pb.Statistics]]:
    markets = await _markets(of)
    name = markets[0].symbol if len(markets) == 1 else ""
    found = {each.market: each for each in await _statistics(of, name, minutes)}
    return [(market, found[market.symbol]) for market in _followed(markets, found)]


async def _statistics(of: PublicCall, market: str, minutes: int) -> Sequence[pb.Statistics]:
    answer = await call(
        of.upstream.market_data.ListStatistics,
        pb.ListStatisticsRequest(market=market, minutes=minutes),
    )
    return answer.statistics


def _is_mini(of: PublicCall) -> bool:
    return bool(of.values.get("type") == "MINI")


def _ticker(of: PublicCall, market: types_pb2.Market, found: pb.Statistics) -> Json:
    last = Decimal(found.last or market.last_price or 0)
    first = Decimal(found.open or last)
    ticker = {
        "symbol": symbol_of(market),
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
    if _is_mini(of):
        return ticker
    volume = Decimal(found.volume)
    average = Decimal(found.quote_volume) / volume if volume else Decimal(0)
    percent = 100 * (last - first) / first if first else Decimal(0)
    return ticker | {
        "priceChange": f"{last - first:.8f}",
        "priceChangePercent": f"{percent:.3f}",
        "weightedAvgPrice": f"{average:.8f}",
    }


def _around(found: pb.Statistics) -> Json:
    """The price before the window, and the newest trade's quantity."""
    return {
        "prevClosePrice": decimal(found.previous_close),
        "lastQty": decimal(found.last_quantity),
    }


def _followed(markets: Sequence[types_pb2.Market], found: Container[str]) -> list[types_pb2.Market]:
    """Those that market data found: it has a new one a moment later than the exchange. Raises
    BinanceError where it has none of them."""
    followed = [market for market in markets if market.symbol in found]
    if markets and not followed:
        raise refuse(-1121)
    return followed


async def _best(of: PublicCall, market: str = "") -> dict[str, Json]:
    """The best bid and ask of one market or ("") of each, by its native symbol."""
    answer = await call(
        of.upstream.market_data.ListTopsOfBook,
        pb.ListTopsOfBookRequest(markets=[market] if market else []),
    )
    return {
        top.market: _bid_and_ask(top.bid.price, top.bid.quantity, top.ask.price, top.ask.quantity)
        for top in answer.tops
    }


def _bid_and_ask(bid: str, bid_quantity: str, ask: str, ask_quantity: str) -> Json:
    return {
        "bidPrice": decimal(bid),
        "bidQty": decimal(bid_quantity),
        "askPrice": decimal(ask),
        "askQty": decimal(ask_quantity),
    }


async def ticker_price(of: PublicCall) -> Json | list[Json]:
    """The last price of one market, or of all that have one."""
    if "symbol" in of.values:
        symbol = _only(of)
        market = await of.parts.symbols.market(symbol)
        followed = await of.parts.books.follow(market.symbol)
        return {"symbol": symbol, "price": decimal(followed.last_price)}
    return [
        {"symbol": symbol_of(market), "price": decimal(market.last_price)}
        for market in await _markets(of)
        if market.last_price
    ]


async def book_ticker(of: PublicCall) -> orjson.Fragment | list[Json]:
    """The best bid and ask of one market, or of all."""
    if "symbol" in of.values:
        symbol = _only(of)
        market = await of.parts.symbols.market(symbol)
        book = await of.parts.books.read(market.symbol)
        return orjson.Fragment(
            book.shown("bookTicker", lambda book: orjson.dumps(_top(symbol, book)))
        )
    markets = await _markets(of)
    best = await _best(of)
    return [
        {"symbol": symbol_of(market)} | best[market.symbol] for market in _followed(markets, best)
    ]


def _top(symbol: str, book: Book) -> Json:
    [bid, *_], [ask, *_] = [*book.bids.best(1), NO_LEVEL], [*book.asks.best(1), NO_LEVEL]
    return {"symbol": symbol} | _bid_and_ask(*bid, *ask)


def _only(of: PublicCall) -> str:
    """The one symbol that is asked for; raises BinanceError."""
    if "symbols" in of.values:
        raise refuse(-1128)
    symbol: str = of.values["symbol"]
    return symbol


async def _markets(of: PublicCall) -> list[types_pb2.Market]:
    """Those that a ticker was asked for, as they are now; raises BinanceError."""
    known = await of.parts.symbols.read()
    names = _named(of, known)
    return [known.by_symbol[name] for name in (known.by_symbol if names is None else names)]


def _named(of: PublicCall, known: Known) -> Sequence[str] | None:
    """The symbols that are asked for, None where none is named; raises BinanceError."""
    names: list[str] | None = of.values.get("symbols")
    if "symbol" in of.values:
        names = [_only(of)]
    if not all(name in known.by_symbol for name in names or ()):
        raise refuse(-1121)
    return names


def _one_or_all(of: PublicCall, found: list[Json]) -> Json | list[Json]:
    return found[0] if "symbol" in of.values else found
