"""gRPC translation of RunnerService."""

from typing import Any

import grpc
from tigerex.bots.v1 import runner_pb2 as pb
from tigerex.bots.v1 import runner_pb2_grpc

from tigerex_services.bots.service.runners import RunnerService
from tigerex_services.bots.servicers import translate
from tigerex_services.bots.storage.leases import LEASE_MS

Context = grpc.aio.ServicerContext[Any, Any]


class RunnerServicer(runner_pb2_grpc.RunnerServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: RunnerService) -> None:
        self._service = service

    async def Heartbeat(
        self, request: pb.HeartbeatRequest, context: Context
    ) -> pb.HeartbeatResponse:
        dedicated = request.dedicated_bot_id
        if dedicated:
            dedicated = str(translate.uuid("dedicated_bot_id", dedicated))
        kept, fresh = await self._service.heartbeat(
            request.runner_id, dedicated, frozenset(request.known)
        )
        assignments = [translate.known_message(bot, run) for bot, run in kept]
        assignments += [translate.new_message(held) for held in fresh]
        return pb.HeartbeatResponse(assignments=assignments, lease_ms=LEASE_MS)

    async def SaveCheckpoints(
        self, request: pb.SaveCheckpointsRequest, context: Context
    ) -> pb.SaveCheckpointsResponse:
        updates = [translate.checkpoint_row(update) for update in request.checkpoints]
        lost = await self._service.save_checkpoints(request.runner_id, updates)
        return pb.SaveCheckpointsResponse(lost_bot_ids=[str(bot_id) for bot_id in lost])

    async def ReportTrades(
        self, request: pb.ReportTradesRequest, context: Context
    ) -> pb.ReportTradesResponse:
        trades = [translate.trade_row(message) for message in request.trades]
        await self._service.report_trades(translate.uuid("bot_id", request.bot_id), trades)
        return pb.ReportTradesResponse()

    async def Release(self, request: pb.ReleaseRequest, context: Context) -> pb.ReleaseResponse:
        await self._service.release(request.runner_id)
        return pb.ReleaseResponse()
