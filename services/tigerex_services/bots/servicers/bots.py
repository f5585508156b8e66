"""gRPC translation of BotService."""

from typing import Any

import grpc
from tigerex.bots.v1 import bots_pb2 as pb
from tigerex.bots.v1 import bots_pb2_grpc

from tigerex_platform.auth import current_principal
from tigerex_services.bots.model import BotRow
from tigerex_services.bots.service.bots import BotService
from tigerex_services.bots.service.catalog import bot_types
from tigerex_services.bots.service.valuation import LastPrices, valuation_of
from tigerex_services.bots.servicers import translate
from tigerex_services.bots.storage.bots import BotStorage

Context = grpc.aio.ServicerContext[Any, Any]


class BotServicer(bots_pb2_grpc.BotServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: BotService, storage: BotStorage, prices: LastPrices) -> None:
        self._service = service
        self._storage = storage
        self._prices = prices

    async def ListBotTypes(
        self, request: pb.ListBotTypesRequest, context: Context
    ) -> pb.ListBotTypesResponse:
        return pb.ListBotTypesResponse(types=bot_types())

    async def CreateBot(
        self, request: pb.CreateBotRequest, context: Context
    ) -> pb.CreateBotResponse:
        bot = await self._service.create(current_principal(), request.request_id, request.spec)
        return pb.CreateBotResponse(bot=await self._message(bot))

    async def GetBot(self, request: pb.GetBotRequest, context: Context) -> pb.GetBotResponse:
        bot_id = translate.uuid("bot_id", request.bot_id)
        bot = await self._service.get(current_principal(), bot_id)
        return pb.GetBotResponse(bot=await self._message(bot))

    async def ListBots(self, request: pb.ListBotsRequest, context: Context) -> pb.ListBotsResponse:
        bots, token = await self._service.page(
            current_principal(), request.user, request.page_token, request.page_size
        )
        return pb.ListBotsResponse(bots=await self._messages(bots), next_page_token=token)

    async def UpdateBot(
        self, request: pb.UpdateBotRequest, context: Context
    ) -> pb.UpdateBotResponse:
        bot_id = translate.uuid("bot_id", request.bot_id)
        bot = await self._service.update(
            current_principal(), request.request_id, bot_id, request.spec
        )
        return pb.UpdateBotResponse(bot=await self._message(bot))

    async def DeleteBot(
        self, request: pb.DeleteBotRequest, context: Context
    ) -> pb.DeleteBotResponse:
        bot_id = translate.uuid("bot_id", request.bot_id)
        await self._service.delete(current_principal(), bot_id, managed=request.managed)
        return pb.DeleteBotResponse()

    async def SetDesiredState(
        self, request: pb.SetDesiredStateRequest, context: Context
    ) -> pb.SetDesiredStateResponse:
        bot_id = translate.uuid("bot_id", request.bot_id)
        bot = await self._service.set_desired_state(
            current_principal(), request.request_id, bot_id, request.desired_state
        )
        return pb.SetDesiredStateResponse(bot=await self._message(bot))

    async def ListBotTrades(
        self, request: pb.ListBotTradesRequest, context: Context
    ) -> pb.ListBotTradesResponse:
        bot_id = translate.uuid("bot_id", request.bot_id)
        trades = await self._service.trades(
            current_principal(), bot_id, request.before_trade_id, request.page_size
        )
        return pb.ListBotTradesResponse(trades=map(translate.trade_message, trades))

    async def ListBotPerformance(
        self, request: pb.ListBotPerformanceRequest, context: Context
    ) -> pb.ListBotPerformanceResponse:
        bot_id = translate.uuid("bot_id", request.bot_id)
        points = await self._service.performance(current_principal(), bot_id, request.page_size)
        return pb.ListBotPerformanceResponse(points=map(translate.point_message, points))

    async def ApplyBot(self, request: pb.ApplyBotRequest, context: Context) -> pb.ApplyBotResponse:
        bot_id = translate.uuid("bot_id", request.bot_id)
        bot = await self._service.apply(bot_id, request.generation, request.spec)
        return pb.ApplyBotResponse(bot=await self._message(bot))

    async def _message(self, bot: BotRow) -> pb.Bot:
        return (await self._messages([bot]))[0]

    async def _messages(self, bots: list[BotRow]) -> list[pb.Bot]:
        places = await self._storage.whereabouts([bot.id for bot in bots])
        prices = await self._prices.get()
        return [
            translate.bot_message(
                bot, places.get(bot.id), valuation_of(bot, prices.get(bot.symbol))
            )
            for bot in bots
        ]
