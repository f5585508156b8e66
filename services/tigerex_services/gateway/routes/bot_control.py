"""Start, pause and stop of the caller's bots."""

from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.context import Gateway, GatewayDep
from tigerex_services.gateway.idempotency import request_id
from tigerex_services.gateway.models.bots import Bot
from tigerex_services.gateway.openapi import SIGNED_MUTATION
from tigerex_services.gateway.routes.bots import CHANGE_PROBLEMS, PathBotId
from tigerex_services.gateway.signed import BOTS, signed
from tigerex_services.gateway.translate import bots as translate
from tigerex_services.gateway.upstream import STOP_DEADLINE_S, call

router = APIRouter(prefix="/api/v1/bots/{bot_id}", tags=["Trading bots"], responses=CHANGE_PROBLEMS)

Controller = Annotated[Caller, signed(BOTS, "SetDesiredState")]


async def _set(
    gateway: Gateway,
    caller: Caller,
    request: Request,
    bot_id: str,
    state: pb.DesiredState.ValueType,
) -> Bot:
    answer = await call(
        gateway.upstream.bots.SetDesiredState,
        pb.SetDesiredStateRequest(
            request_id=request_id(request, caller), bot_id=bot_id, desired_state=state
        ),
        user=caller.user,
        deadline_s=STOP_DEADLINE_S,
    )
    return translate.bot(answer.bot)


@router.post("/start", summary="Start or resume a bot", openapi_extra=SIGNED_MUTATION)
async def start(
    bot_id: PathBotId, caller: Controller, request: Request, gateway: GatewayDep
) -> Bot:
    """Moves the investment into the bot's account, or resumes a paused bot."""
    return await _set(gateway, caller, request, bot_id, pb.DESIRED_STATE_RUNNING)


@router.post("/pause", summary="Pause a bot", openapi_extra=SIGNED_MUTATION)
async def pause(
    bot_id: PathBotId, caller: Controller, request: Request, gateway: GatewayDep
) -> Bot:
    """Cancels its open orders and keeps its money; `start` resumes it."""
    return await _set(gateway, caller, request, bot_id, pb.DESIRED_STATE_PAUSED)


@router.post("/stop", summary="Stop a bot", openapi_extra=SIGNED_MUTATION)
async def stop(bot_id: PathBotId, caller: Controller, request: Request, gateway: GatewayDep) -> Bot:
    """Cancels its orders and gives the money back to the account it came from."""
    return await _set(gateway, caller, request, bot_id, pb.DESIRED_STATE_STOPPED)
