"""The WebSocket API at `/ws-api/v3`: the same endpoints, many requests over one socket."""

import asyncio

from fastapi import APIRouter, WebSocket

from tigerex_services.gateway.binance import user_events, ws_messages
from tigerex_services.gateway.binance.calls import Parts
from tigerex_services.gateway.binance.endpoints import ENDPOINTS, SIGNED, Endpoint, Proof
from tigerex_services.gateway.binance.errors import BinanceError, refuse
from tigerex_services.gateway.binance.execution import Outcome, Sent, execute
from tigerex_services.gateway.binance.orders import millis
from tigerex_services.gateway.binance.ws_messages import Message, signed_texts
from tigerex_services.gateway.binance.ws_state import SocketState
from tigerex_services.gateway.context import gateway_of
from tigerex_services.gateway.websocket import socket
from tigerex_services.gateway.websocket.outbox import Outbox
from tigerex_services.gateway.websocket.protocol import frames_of
from tigerex_services.gateway.websocket.socket import GOING_AWAY, POLICY_VIOLATION, End

router = APIRouter()

PATH = "/ws-api/v3"
CONNECTION_WEIGHT = 2
MESSAGES_PER_SECOND_MAX = 300
REQUESTS_AT_ONCE_MAX = 32  # of one socket: more wait, unread
LIFE_S_MAX = 24 * 60 * 60
KEY_CHECK_S = 30.0
BANNED = 418
METHODS = {each.ws: each for each in ENDPOINTS if each.ws}
# What says who calls, and how it is answered; not what is asked for.
ABOUT_THE_CALL = frozenset({"apiKey", "returnRateLimits"})
PROOFS = frozenset(each.name for each in SIGNED)


@router.websocket(PATH)
async def ws_api(websocket: WebSocket) -> None:
    await websocket.accept()
    if await socket.refuse_too_many(websocket):
        return
    parts = gateway_of(websocket).binance
    address = websocket.client.host if websocket.client else ""
    try:
        parts.weights.use(address, CONNECTION_WEIGHT)
        returns_limits = _flags(websocket)
    except BinanceError as error:
        await socket.close(websocket, End(POLICY_VIOLATION, error.message))
        return
    state = SocketState(Outbox(frames_of(websocket)), millis(parts.clock.now_ns()), returns_limits)
    session = ApiSession(parts, address, state)
    await socket.run(websocket, session, messages_per_second_max=MESSAGES_PER_SECOND_MAX)


def _flags(websocket: WebSocket) -> bool:
    """Whether answers tell of rate limits; raises BinanceError for what would change them in a way
    that there is not.
    """
    if websocket.query_params.get("timeUnit", "MILLISECOND").upper() != "MILLISECOND":
        raise refuse(-1194)
    return websocket.query_params.get("returnRateLimits", "true") != "false"


class ApiSession:
    """Answers one socket's requests: those about the session in order, others side by side."""

    def __init__(self, parts: Parts, address: str, state: SocketState) -> None:
        self._parts = parts
        self._address = address
        self._state = state
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._banned = asyncio.Event()
        self.outbox: Outbox = state.outbox

    async def handle(self, text: str) -> None:
        try:
            message = ws_messages.read_message(text)
            endpoint = METHODS.get(message.method)
            if endpoint is None:
                raise refuse(-1020)
        except BinanceError as error:
            self._refuse(ws_messages.read_id(text), error)
            return
        if not endpoint.path:
            await self._answer(message, endpoint)
            return
        await self._slots.acquire()
        task = asyncio.create_task(self._answer(message, endpoint))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def handle_binary(self) -> None:
        self._refuse(None, refuse(-1135))

    async def ending(self) -> End:
        """After a day, or when the caller goes on where it was told to stop; revoked keys are told
        nothing more meanwhile.
        """
        try:
            async with asyncio.timeout(LIFE_S_MAX):
                watch = asyncio.create_task(self._watch_keys())
                try:
                    await self._banned.wait()
                finally:
                    watch.cancel()
        except TimeoutError:
            return End(GOING_AWAY, "a connection is valid for 24 hours")
        return End(POLICY_VIOLATION, "too much request weight used")

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for each in list(self._state.subscriptions.values()):
            self._parts.user_feeds.detach(each.user, each)
            self._state.forget(each)

    async def _watch_keys(self) -> None:
        while True:
            await asyncio.sleep(KEY_CHECK_S)
            for each in list(self._state.subscriptions.values()):
                if not await self._parts.signatures.still_known(each.key):
                    self._parts.user_feeds.detach(each.user, each)
                    each.offer(user_events.encode(user_events.terminated(self._now_ms())))
                    each.terminated()

    async def _answer(self, message: Message, endpoint: Endpoint) -> None:
        outcome = await execute(
            endpoint, self._parts, self._address, lambda: self._sent(message, endpoint)
        )
        asked = message.params.get("returnRateLimits")
        shown = asked == "true" if asked is not None else self._state.return_rate_limits
        self._offer(message.id, outcome, shown=shown)
        if outcome.error is not None and outcome.error.status == BANNED:
            self._banned.set()

    def _sent(self, message: Message, endpoint: Endpoint) -> Sent:
        """What is asked for, apart from who calls; public data may be asked for signed, too."""
        left_out = ABOUT_THE_CALL
        if endpoint.proof is not Proof.SIGNED:
            left_out |= PROOFS
        pairs = [pair for pair in message.params.items() if pair[0] not in left_out]
        key = message.params.get("apiKey", "")
        return Sent(pairs, key, signed_texts(message.params), self._state)

    def _refuse(self, number: ws_messages.Id, error: BinanceError) -> None:
        """What is no request weighs as much as a light one."""
        try:
            self._parts.weights.use(self._address, 1)
        except BinanceError as too_much:
            error = too_much
        outcome = Outcome(error=error, weight=self._parts.weights.used(self._address))
        self._offer(number, outcome, shown=self._state.return_rate_limits)
        if error.status == BANNED:
            self._banned.set()

    def _offer(self, number: ws_messages.Id, outcome: Outcome, *, shown: bool) -> None:
        parts = self._parts
        limits = ws_messages.used(outcome, parts.weights.limit, parts.order_counts)
        self.outbox.offer(
            ws_messages.answer(number, outcome, limits if shown else None, self._now_ms())
        )

    def _now_ms(self) -> int:
        return millis(self._parts.clock.now_ns())

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._slots.release()
