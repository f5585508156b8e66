"""The caller's trading bots."""

from typing import Annotated, TypeVar

import grpc.aio
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.context import GatewayDep
from tigerex_services.gateway.idempotency import request_id
from tigerex_services.gateway.models import bots as model
from tigerex_services.gateway.models.common import BotId
from tigerex_services.gateway.openapi import SIGNED, SIGNED_MUTATION
from tigerex_services.gateway.problem import problems, renamed_fields
from tigerex_services.gateway.signed import BOTS, signed
from tigerex_services.gateway.translate import bots as translate
from tigerex_services.gateway.upstream import CALL_DEADLINE_S, STOP_DEADLINE_S, call

router = APIRouter(prefix="/api/v1/bots", tags=["Trading bots"])

PathBotId = Annotated[BotId, Path()]
READ_PROBLEMS = problems(400, 401, 403, 404, 503, 504)
CHANGE_PROBLEMS = problems(400, 401, 403, 404, 409, 413, 503, 504)

Sent = TypeVar("Sent")
Answered = TypeVar("Answered")


async def _call(
    method: "grpc.aio.UnaryUnaryMultiCallable[Sent, Answered]",
    message: Sent,
    caller: Caller,
    deadline_s: float = CALL_DEADLINE_S,
) -> Answered:
    """A call for the user, with complaints about fields in the words of the JSON body."""
    with renamed_fields(translate.field_name):
        return await call(method, message, user=caller.user, deadline_s=deadline_s)


@router.get("/types", summary="Bot types", responses=READ_PROBLEMS, openapi_extra=SIGNED)
async def list_types(
    caller: Annotated[Caller, signed(BOTS, "ListBotTypes")], gateway: GatewayDep
) -> model.BotTypes:
    """What kinds of bots there are, and what each wants to be told."""
    answer = await _call(gateway.upstream.bots.ListBotTypes, pb.ListBotTypesRequest(), caller)
    return model.BotTypes(types=[translate.bot_type(row) for row in answer.types])


@router.post(
    "/create",
    status_code=201,
    summary="Create a bot",
    responses=CHANGE_PROBLEMS,
    openapi_extra=SIGNED_MUTATION,
)
async def create(
    body: model.NewBot,
    caller: Annotated[Caller, signed(BOTS, "CreateBot")],
    request: Request,
    gateway: GatewayDep,
) -> model.Bot:
    """Creates a bot, and starts it where `start` is true. Money moves at the start, not before."""
    answer = await _call(
        gateway.upstream.bots.CreateBot,
        pb.CreateBotRequest(
            request_id=request_id(request, caller), spec=translate.new_spec(body, caller.user)
        ),
        caller,
    )
    return translate.bot(answer.bot)


@router.get("/list", summary="Your bots", responses=READ_PROBLEMS, openapi_extra=SIGNED)
async def list_bots(
    caller: Annotated[Caller, signed(BOTS, "ListBots")],
    query: Annotated[model.BotsQuery, Query()],
    gateway: GatewayDep,
) -> model.Bots:
    """The caller's bots, page by page."""
    answer = await _call(
        gateway.upstream.bots.ListBots,
        pb.ListBotsRequest(page_size=query.page_size, page_token=query.page_token),
        caller,
    )
    return model.Bots(
        bots=[translate.bot(row) for row in answer.bots],
        next_page_token=answer.next_page_token or None,
    )


@router.get("/{bot_id}", summary="One bot", responses=READ_PROBLEMS, openapi_extra=SIGNED)
async def get_bot(
    bot_id: PathBotId, caller: Annotated[Caller, signed(BOTS, "GetBot")], gateway: GatewayDep
) -> model.Bot:
    """A bot with its configuration, status and current performance."""
    answer = await _call(gateway.upstream.bots.GetBot, pb.GetBotRequest(bot_id=bot_id), caller)
    return translate.bot(answer.bot)


@router.put(
    "/{bot_id}",
    summary="Change a bot",
    responses=CHANGE_PROBLEMS,
    openapi_extra=SIGNED_MUTATION,
)
async def update(
    bot_id: PathBotId,
    body: model.BotChange,
    caller: Annotated[Caller, signed(BOTS, "UpdateBot")],
    request: Request,
    gateway: GatewayDep,
) -> model.Bot:
    """Replaces name and configuration; market and account stay."""
    answer = await _call(
        gateway.upstream.bots.UpdateBot,
        pb.UpdateBotRequest(
            request_id=request_id(request, caller), bot_id=bot_id, spec=translate.changed_spec(body)
        ),
        caller,
        STOP_DEADLINE_S,
    )
    return translate.bot(answer.bot)


@router.delete(
    "/{bot_id}",
    status_code=204,
    summary="Delete a bot",
    responses=CHANGE_PROBLEMS,
    openapi_extra=SIGNED_MUTATION,
)
async def delete(
    bot_id: PathBotId,
    caller: Annotated[Caller, signed(BOTS, "DeleteBot")],
    request: Request,
    gateway: GatewayDep,
) -> None:
    """Stops it first: orders are cancelled and the money goes back where it came from."""
    await _call(
        gateway.upstream.bots.DeleteBot,
        pb.DeleteBotRequest(request_id=request_id(request, caller), bot_id=bot_id),
        caller,
        STOP_DEADLINE_S,
    )


@router.get(
    "/{bot_id}/performance",
    summary="Performance over time",
    responses=READ_PROBLEMS,
    openapi_extra=SIGNED,
)
async def list_performance(
    bot_id: PathBotId,
    caller: Annotated[Caller, signed(BOTS, "ListBotPerformance")],
    query: Annotated[model.PerformanceQuery, Query()],
    gateway: GatewayDep,
) -> model.PerformanceHistory:
    """Value, profit and ratios of the bot at points in time."""
    answer = await _call(
        gateway.upstream.bots.ListBotPerformance,
        pb.ListBotPerformanceRequest(bot_id=bot_id, page_size=query.limit),
        caller,
    )
    return model.PerformanceHistory(points=[translate.performance(row) for row in answer.points])


@router.get(
    "/{bot_id}/trades", summary="Trades of a bot", responses=READ_PROBLEMS, openapi_extra=SIGNED
)
async def list_bot_trades(
    bot_id: PathBotId,
    caller: Annotated[Caller, signed(BOTS, "ListBotTrades")],
    query: Annotated[model.BotTradesQuery, Query()],
    gateway: GatewayDep,
) -> model.BotTrades:
    """The bot's fills, newest first; page back with `before`."""
    answer = await _call(
        gateway.upstream.bots.ListBotTrades,
        pb.ListBotTradesRequest(bot_id=bot_id, before_trade_id=query.before, page_size=query.limit),
        caller,
    )
    return model.BotTrades(trades=[translate.bot_trade(row) for row in answer.trades])
