"""gRPC translation of MarketDataService."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from tigerex.marketdata.v1 import marketdata_pb2 as pb
from tigerex.marketdata.v1 import marketdata_pb2_grpc

from tigerex_platform.errors import InvalidField
from tigerex_platform.grpc.encoded import Unary, add_service
from tigerex_services.marketdata import messages
from tigerex_services.marketdata.intervals import INTERVALS
from tigerex_services.marketdata.service import MarketDataService

SERVICE = "tigerex.marketdata.v1.MarketDataService"

Context = grpc.aio.ServicerContext[Any, Any]


class MarketDataServicer(marketdata_pb2_grpc.MarketDataServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: MarketDataService) -> None:
        self._service = service

    async def ListTrades(
        self, request: pb.ListTradesRequest, context: Context
    ) -> pb.ListTradesResponse:
        market, trades = await self._service.trades(
            request.market, request.before_trade_id, request.limit, from_id=request.from_trade_id
        )
        return pb.ListTradesResponse(trades=[messages.trade_message(t, market) for t in trades])

    async def ListAggregateTrades(
        self, request: pb.ListAggregateTradesRequest, context: Context
    ) -> pb.ListAggregateTradesResponse:
        market, found = await self._service.aggregates(
            request.market,
            request.from_id,
            request.before_id,
            request.start_ns,
            request.end_ns,
            request.limit,
        )
        return pb.ListAggregateTradesResponse(
            aggregate_trades=[messages.aggregate_message(each, market) for each in found]
        )

    async def ListCandles(
        self, request: pb.ListCandlesRequest, context: Context
    ) -> pb.ListCandlesResponse:
        interval = INTERVALS.get(request.interval)
        if interval is None:
            names = ", ".join(pb.CandleInterval.keys()[1:])
            raise InvalidField("interval", request.interval, names)
        market, candles = await self._service.candles(
            request.market,
            interval,
            request.start_ns,
            request.end_ns,
            request.limit,
            empty=request.with_empty,
            oldest=request.oldest,
        )
        now_ns = self._service.time_ns
        return pb.ListCandlesResponse(
            candles=[messages.candle_message(c, market, request.interval, now_ns) for c in candles]
        )

    async def ListStatistics(
        self, request: pb.ListStatisticsRequest, context: Context
    ) -> pb.ListStatisticsResponse:
        found = await self._service.statistics(request.market, request.minutes)
        return pb.ListStatisticsResponse(
            statistics=[messages.statistics_message(each, market) for market, each in found]
        )

    async def GetTopOfBook(
        self, request: pb.GetTopOfBookRequest, context: Context
    ) -> pb.GetTopOfBookResponse:
        view = self._service.view(request.market)
        return pb.GetTopOfBookResponse(top=messages.top_message(view.book, view.market))

    async def ListTopsOfBook(
        self, request: pb.ListTopsOfBookRequest, context: Context
    ) -> pb.ListTopsOfBookResponse:
        views = self._service.views(request.markets)
        return pb.ListTopsOfBookResponse(
            tops=[messages.top_message(view.book, view.market) for view in views]
        )

    async def GetDepth(self, request: pb.GetDepthRequest, context: Context) -> pb.GetDepthResponse:
        levels = self._service.depth_levels(request.levels)
        view = self._service.view(request.market)
        return pb.GetDepthResponse(depth=messages.depth_message(view.book, view.market, levels))

    async def Subscribe(  # type: ignore[override]  # encoded, see below
        self, request: pb.SubscribeRequest, context: Context
    ) -> AsyncIterator[bytes]:
        for channel in request.channels:
            if channel not in pb.Channel.values() or not channel:
                raise InvalidField("channels", channel, f"of {pb.Channel.keys()[1:]}")
        if not request.channels:
            raise InvalidField("channels", "[]", f"at least one of {pb.Channel.keys()[1:]}")
        subscriber = self._service.subscribe(request.markets, request.channels)
        try:
            # Headers at once, so that a subscriber knows that it misses nothing from here on.
            await context.send_initial_metadata(())
            async for event in subscriber:
                yield event
        finally:
            self._service.unsubscribe(subscriber)


def add_to_server(servicer: MarketDataServicer, server: grpc.aio.Server) -> None:
    """As the generated function, but Subscribe's events are bytes, encoded once for everybody."""
    unary: dict[str, Unary] = {
        "ListTrades": (servicer.ListTrades, pb.ListTradesRequest, pb.ListTradesResponse),
        "ListAggregateTrades": (
            servicer.ListAggregateTrades,
            pb.ListAggregateTradesRequest,
            pb.ListAggregateTradesResponse,
        ),
        "ListCandles": (servicer.ListCandles, pb.ListCandlesRequest, pb.ListCandlesResponse),
        "ListStatistics": (
            servicer.ListStatistics,
            pb.ListStatisticsRequest,
            pb.ListStatisticsResponse,
        ),
        "GetTopOfBook": (servicer.GetTopOfBook, pb.GetTopOfBookRequest, pb.GetTopOfBookResponse),
        "ListTopsOfBook": (
            servicer.ListTopsOfBook,
            pb.ListTopsOfBookRequest,
            pb.ListTopsOfBookResponse,
        ),
        "GetDepth": (servicer.GetDepth, pb.GetDepthRequest, pb.GetDepthResponse),
    }
    add_service(server, SERVICE, unary, {"Subscribe": (servicer.Subscribe, pb.SubscribeRequest)})
