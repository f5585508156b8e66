"""One accepted socket, whatever is spoken on it: reads it, watches its bounds, says why it ends."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Protocol

from fastapi import WebSocket, WebSocketDisconnect

from tigerex_platform.telemetry import metrics
from tigerex_services.gateway.websocket.outbox import Outbox
from tigerex_services.gateway.websocket.protocol import WAITING_BYTES_MAX

SOCKETS_MAX = 2_000
CLOSE_SECONDS_MAX = 2.0

# RFC 6455, section 7.4.1, and IANA's registry.
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013


@dataclass(frozen=True, slots=True)
class End:
    """Why we close."""

    code: int
    reason: str


class Session(Protocol):
    """What is spoken on a socket."""

    outbox: Outbox

    async def handle(self, text: str) -> None:
        """Answer one message; what is wrong with it becomes an answer, too."""

    def handle_binary(self) -> None:
        """Answer a frame that holds no text."""

    async def ending(self) -> End:
        """Returns when the session has a reason of its own to end the socket."""

    def close(self) -> None:
        """Let go of everything."""


class SocketCount:
    """How many sockets this process has; one object for the process."""

    def __init__(self, limit: int = SOCKETS_MAX) -> None:
        self.open = 0
        self.limit = limit


_sockets = SocketCount()


async def refuse_too_many(websocket: WebSocket) -> bool:
    """Closes an accepted socket that is one too many; whether it did."""
    if _sockets.open < _sockets.limit:
        return False
    await close(websocket, End(TRY_AGAIN_LATER, f"{_sockets.limit} sockets are open"))
    return True


async def run(websocket: WebSocket, session: Session, *, messages_per_second_max: int) -> None:
    """Until one of its sides has a reason to end it."""
    _sockets.open += 1
    metrics.GATEWAY_WEBSOCKETS.add(1)
    try:
        end = await _first_end(websocket, session, messages_per_second_max)
    finally:
        _sockets.open -= 1
        metrics.GATEWAY_WEBSOCKETS.add(-1)
        session.close()
    if end is not None:
        await close(websocket, end)


async def _first_end(websocket: WebSocket, session: Session, per_second_max: int) -> End | None:
    """Why it ends; None where the peer has gone."""
    tasks = [
        asyncio.create_task(_read(websocket, session, per_second_max)),
        asyncio.create_task(_watch_speed(session)),
        asyncio.create_task(session.ending()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(iter(done)).result()


async def _read(websocket: WebSocket, session: Session, per_second_max: int) -> End | None:
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
        if received > per_second_max:
            return End(POLICY_VIOLATION, f"more than {per_second_max} messages a second")
        text = frame.get("text")
        if text is None:
            session.handle_binary()
        else:
            await session.handle(text)


async def _watch_speed(session: Session) -> End:
    await session.outbox.overflow()
    return End(POLICY_VIOLATION, f"too slow: {WAITING_BYTES_MAX} bytes were waiting")


async def close(websocket: WebSocket, end: End) -> None:
    """Says why, if the peer still listens."""
    with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await websocket.close(end.code, end.reason)
