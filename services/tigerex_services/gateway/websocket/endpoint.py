"""The `/api/v1/ws` endpoint."""

from fastapi import APIRouter, WebSocket

from tigerex_services.gateway.context import gateway_of
from tigerex_services.gateway.websocket import socket
from tigerex_services.gateway.websocket.outbox import Outbox
from tigerex_services.gateway.websocket.protocol import frames_of
from tigerex_services.gateway.websocket.session import Session

router = APIRouter()

MESSAGES_PER_SECOND_MAX = 50


@router.websocket("/api/v1/ws")
async def streams(websocket: WebSocket) -> None:
    await websocket.accept()
    if await socket.refuse_too_many(websocket):
        return
    gateway = gateway_of(websocket)
    session = Session(
        gateway.authenticator, gateway.market_hub, gateway.bot_feeds, Outbox(frames_of(websocket))
    )
    await socket.run(websocket, session, messages_per_second_max=MESSAGES_PER_SECOND_MAX)
