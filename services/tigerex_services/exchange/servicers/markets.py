"""gRPC translation of MarketService."""

from typing import Any

import grpc
from tigerex.exchange.v1 import markets_pb2 as pb
from tigerex.exchange.v1 import markets_pb2_grpc

from tigerex_services.exchange.service.markets import MarketService
from tigerex_services.exchange.servicers import translate

Context = grpc.aio.ServicerContext[Any, Any]


class MarketServicer(markets_pb2_grpc.MarketServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: MarketService) -> None:
        self._service = service

    async def ListAssets(
        self, request: pb.ListAssetsRequest, context: Context
    ) -> pb.ListAssetsResponse:
        assets = self._service.assets()
        return pb.ListAssetsResponse(
            assets=[translate.asset_message(asset) for asset in assets],
            fee_discount=translate.fee_discount_message(self._service.directory),
        )

    async def ListMarkets(
        self, request: pb.ListMarketsRequest, context: Context
    ) -> pb.ListMarketsResponse:
        markets = self._service.markets()
        return pb.ListMarketsResponse(
            markets=[translate.market_message(market, last) for market, last in markets]
        )

    async def GetMarket(
        self, request: pb.GetMarketRequest, context: Context
    ) -> pb.GetMarketResponse:
        market, last = self._service.market(request.symbol)
        return pb.GetMarketResponse(market=translate.market_message(market, last))

    async def GetBook(self, request: pb.GetBookRequest, context: Context) -> pb.GetBookResponse:
        market, bids, asks, seq = await self._service.book(request.symbol, request.depth)
        return pb.GetBookResponse(
            seq=seq,
            bids=translate.level_messages(bids, market),
            asks=translate.level_messages(asks, market),
        )
