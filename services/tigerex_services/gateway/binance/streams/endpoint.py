"""The sockets of market streams: `/ws`, `/ws/<name>/<name>` and `/stream?streams=<name>/<name>`."""

from fastapi import APIRouter, WebSocket

from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.binance.errors import BinanceError, of
from tigerex_services.gateway.binance.streams.session import StreamSession
from tigerex_services.gateway.context import gateway_of
from tigerex_services.gateway.websocket import socket
from tigerex_services.gateway.websocket.outbox import Outbox
from tigerex_services.gateway.websocket.protocol import frames_of
from tigerex_services.gateway.websocket.socket import POLICY_VIOLATION, End

router = APIRouter()

MESSAGES_PER_SECOND_MAX = 5
REASON_BYTES_MAX = 123  # RFC 6455, section 5.5


@router.websocket("/ws")
async def bare(websocket: WebSocket) -> None:
    await _serve(websocket, "", combined=False)


@router.websocket("/ws/{names:path}")
async def named(websocket: WebSocket, names: str) -> None:
    await _serve(websocket, names, combined=False)


@router.websocket("/stream")
async def combined(websocket: WebSocket, streams: str = "") -> None:
    await _serve(websocket, streams, combined=True)


async def _serve(websocket: WebSocket, names: str, *, combined: bool) -> None:
    await websocket.accept()
    if await socket.refuse_too_many(websocket):
        return
    gateway = gateway_of(websocket)
    session = StreamSession(
        gateway.stream_feeds,
        gateway.binance,
        Outbox(frames_of(websocket)),
        combined=combined,
    )
    # Clients number their sockets in this place, and subscribe afterwards.
    wanted = [name for name in names.split("/") if name and not name.isdigit()]
    try:
        await session.subscribe(wanted)
    except TigerExError as error:
        await _refuse(websocket, of(error))
        return
    except BinanceError as error:
        await _refuse(websocket, error)
        return
    await socket.run(websocket, session, messages_per_second_max=MESSAGES_PER_SECOND_MAX)


async def _refuse(websocket: WebSocket, error: BinanceError) -> None:
    reason = f"{error.code}: {error.message}".encode()[:REASON_BYTES_MAX]
    await socket.close(websocket, End(POLICY_VIOLATION, reason.decode(errors="ignore")))
