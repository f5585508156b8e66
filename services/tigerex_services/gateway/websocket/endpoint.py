"""The `/api/v1/ws` endpoint: reads, writes and ends sockets."""

import asyncio
import contextlib
from dataclasses import dataclass

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from tigerex_platform.errors import InvalidField
from tigerex_platform.telemetry import metrics
from tigerex_services.gateway.context import Gateway, gateway_of
from tigerex_services.gateway.websocket import messages
from tigerex_services.gateway.websocket.outbox import WAITING_MESSAGES_MAX
from tigerex_services.gateway.websocket.session import Session

router = APIRouter()

SOCKETS_MAX = 1_000
MESSAGES_PER_SECOND_MAX = 50
KEY_CHECK_S = 30.0
CLOSE_SECONDS_MAX = 2.0

# RFC 6455, section 7.4.1, and IANA's registry.
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013


@dataclass(frozen=True, slots=True)
class _End:
    """Why we close; None where the peer has gone."""

    code: int
    reason: str


class SocketCount:
    """How many sockets this process has; one object for the process."""

    def __init__(self, limit: int = SOCKETS_MAX) -> None:
        self.open = 0
        self.limit = limit


_sockets = SocketCount()


@router.websocket("/api/v1/ws")
async def streams(websocket: WebSocket) -> None:
    await websocket.accept()
    if _sockets.open >= _sockets.limit:
        await _close(websocket, _End(TRY_AGAIN_LATER, f"{_sockets.limit} sockets are open"))
        return
    gateway = gateway_of(websocket)
    session = Session(gateway.authenticator, gateway.market_hub, gateway.bot_feeds)
    _sockets.open += 1
    metrics.GATEWAY_WEBSOCKETS.add(1)
    try:
        end = await _first_end(websocket, session, gateway)
    finally:
        _sockets.open -= 1
        metrics.GATEWAY_WEBSOCKETS.add(-1)
        session.close()
    if end is not None:
        await _close(websocket, end)


async def _first_end(websocket: WebSocket, session: Session, gateway: Gateway) -> _End | None:
    """Runs the socket until one of its sides has a reason to end it."""
    tasks = [
        asyncio.create_task(_read(websocket, session)),
        asyncio.create_task(_write(websocket, session)),
        asyncio.create_task(_watch_speed(session)),
        asyncio.create_task(_watch_key(session, gateway)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(iter(done)).result()


async def _read(websocket: WebSocket, session: Session) -> _End | None:
    loop = asyncio.get_running_loop()
    second_ends_s = 0.0
    received = 0
    while True:
        try:
            frame = await websocket.receive()
        except WebSocketDisconnect:
            return None
        if frame["type"] == "websocket.disconnect":
            return None
        if loop.time() >= second_ends_s:
            second_ends_s, received = loop.time() + 1.0, 0
        received += 1
        if received > MESSAGES_PER_SECOND_MAX:
            return _End(POLICY_VIOLATION, f"more than {MESSAGES_PER_SECOND_MAX} messages a second")
        text = frame.get("text")
        if text is None:
            wrong = InvalidField("frame", "binary", "text frames that hold JSON")
            session.outbox.offer(messages.problem(wrong))
        else:
            await session.handle(text)


async def _write(websocket: WebSocket, session: Session) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await session.outbox.take())


async def _watch_speed(session: Session) -> _End:
    await session.outbox.overflow()
    return _End(POLICY_VIOLATION, f"too slow: {WAITING_MESSAGES_MAX} messages were waiting")


async def _watch_key(session: Session, gateway: Gateway) -> _End:
    """A revoked key ends what it opened."""
    while True:
        await asyncio.sleep(KEY_CHECK_S)
        if session.caller and not await gateway.authenticator.still_known(session.caller):
            return _End(POLICY_VIOLATION, "the API key was revoked")


async def _close(websocket: WebSocket, end: _End) -> None:
    """Says why, if the peer still listens."""
    with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await websocket.close(end.code, end.reason)
