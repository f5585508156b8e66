"""Public market data: no signature needed."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from tigerex.exchange.v1 import markets_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.context import GatewayDep, gateway_of
from tigerex_services.gateway.models import market as model
from tigerex_services.gateway.models.common import Symbol
from tigerex_services.gateway.problem import problems
from tigerex_services.gateway.translate import market as translate
from tigerex_services.gateway.translate.values import NANOS_PER_MILLI
from tigerex_services.gateway.upstream import call

router = APIRouter(prefix="/api/v1/markets", tags=["Market data"])

PathSymbol = Annotated[Symbol, Path()]
READ_PROBLEMS = problems(400, 404, 503, 504)


# The reads that are asked for most come first, as routes are tried in turn; a dependency that gives
# the gateway would cost them as much as the answer.


@router.get(
    "/{symbol}/book", summary="Order book", responses=READ_PROBLEMS, response_model=model.Book
)
async def get_book(
    symbol: PathSymbol, query: Annotated[model.BookQuery, Query()], request: Request
) -> Response:
    """The best price levels of both sides, as of one journal entry."""
    book = await gateway_of(request).books.read(symbol)
    levels = query.levels
    return _shown(
        book.shown(
            ("book", levels),
            lambda book: translate.book_of(symbol, book, levels).model_dump_json().encode(),
        )
    )


@router.get(
    "/{symbol}/top",
    summary="Best bid and ask",
    responses=READ_PROBLEMS,
    response_model=model.TopOfBook,
)
async def get_top(symbol: PathSymbol, request: Request) -> Response:
    """The best price and its quantity on each side."""
    book = await gateway_of(request).books.read(symbol)
    return _shown(
        book.shown("top", lambda book: translate.top_of(symbol, book).model_dump_json().encode())
    )


@router.get("", summary="All markets", responses=problems(503, 504))
async def list_markets(gateway: GatewayDep) -> model.Markets:
    """Every market of this exchange with its increments, state and last price."""
    answer = await call(gateway.upstream.markets.ListMarkets, markets_pb2.ListMarketsRequest())
    return model.Markets(markets=[translate.market(row) for row in answer.markets])


@router.get("/{symbol}", summary="One market", responses=READ_PROBLEMS)
async def get_market(symbol: PathSymbol, gateway: GatewayDep) -> model.Market:
    """Increments, limits, state and last price of one market."""
    answer = await call(
        gateway.upstream.markets.GetMarket, markets_pb2.GetMarketRequest(symbol=symbol)
    )
    return translate.market(answer.market)


@router.get("/{symbol}/trades", summary="Trades", responses=READ_PROBLEMS)
async def list_trades(
    symbol: PathSymbol, query: Annotated[model.TradesQuery, Query()], gateway: GatewayDep
) -> model.Trades:
    """Trades, newest first; page back with `before`."""
    answer = await call(
        gateway.upstream.market_data.ListTrades,
        pb.ListTradesRequest(market=symbol, before_trade_id=query.before, limit=query.limit),
    )
    return model.Trades(trades=[translate.trade(row) for row in answer.trades])


@router.get("/{symbol}/candles", summary="Candles", responses=READ_PROBLEMS)
async def list_candles(
    symbol: PathSymbol, query: Annotated[model.CandlesQuery, Query()], gateway: GatewayDep
) -> model.Candles:
    """Open, high, low, close and volume for each interval; the newest where more fit."""
    answer = await call(
        gateway.upstream.market_data.ListCandles,
        pb.ListCandlesRequest(
            market=symbol,
            interval=translate.INTERVAL_NUMBERS[query.interval],
            start_ns=query.start_ms * NANOS_PER_MILLI,
            end_ns=query.end_ms * NANOS_PER_MILLI,
            limit=query.limit,
        ),
    )
    return model.Candles(candles=[translate.candle(row) for row in answer.candles])


@router.get("/{symbol}/statistics", summary="Statistics", responses=READ_PROBLEMS)
async def get_statistics(
    symbol: PathSymbol, query: Annotated[model.StatisticsQuery, Query()], gateway: GatewayDep
) -> model.Statistics:
    """What happened in the last so many minutes: a day when not said otherwise."""
    answer = await call(
        gateway.upstream.market_data.ListStatistics,
        pb.ListStatisticsRequest(market=symbol, minutes=query.minutes),
    )
    return translate.statistics(answer.statistics[0])


def _shown(content: bytes) -> Response:
    return Response(content, media_type="application/json")
