"""The one way of a request through an endpoint, whatever it came over: weight, parameters, who
calls, order count, handler; what is wrong becomes Binance's number.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.binance import parameters
from tigerex_services.gateway.binance.calls import Parts, PublicCall, UserCall
from tigerex_services.gateway.binance.endpoints import Endpoint, Proof
from tigerex_services.gateway.binance.errors import MESSAGES, BinanceError, of, refuse
from tigerex_services.gateway.binance.parameters import Values
from tigerex_services.gateway.binance.ws_state import SocketState

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it was sent: its parameters with the signature, and the texts that it may have
    been signed as.
    """

    pairs: Sequence[tuple[str, str]]
    key: str
    texts: Sequence[str] = ()
    socket: SocketState | None = None


@dataclass(slots=True)
class Outcome:
    """What became of a request: an answer or an error, and what its caller used up by now."""

    content: Any = None
    error: BinanceError | None = None
    weight: int = 0
    order_counts: Sequence[int] = ()


async def execute(
    endpoint: Endpoint, parts: Parts, address: str, read: Callable[[], Sent]
) -> Outcome:
    """Never raises: a fault of ours is an outcome too."""
    outcome = Outcome()
    try:
        parts.weights.use(address, endpoint.weight)
        outcome.content = await _run(endpoint, parts, read(), outcome)
    except BinanceError as error:
        outcome.error = error
    except TigerExError as error:
        outcome.error = of(error, canceling=endpoint.cancels)
    except Exception:
        logger.exception("%s %s failed", endpoint.method or "socket", endpoint.path or endpoint.ws)
        outcome.error = BinanceError(-1000, MESSAGES[-1000], 500)
    outcome.weight = parts.weights.used(address)
    return outcome


async def _run(endpoint: Endpoint, parts: Parts, sent: Sent, outcome: Outcome) -> Any:  # noqa: ANN401
    values = parameters.read(endpoint.known, sent.pairs)
    if endpoint.proof is Proof.NONE:
        return await endpoint.handler(PublicCall(parts, values, sent.socket))
    caller = await _caller(endpoint, parts, sent, values)
    try:
        if endpoint.orders:
            parts.order_counts.use(caller.user, endpoint.orders)
        return await endpoint.handler(UserCall(parts, values, sent.socket, caller=caller))
    finally:
        if endpoint.orders:
            outcome.order_counts = parts.order_counts.used(caller.user)


async def _caller(endpoint: Endpoint, parts: Parts, sent: Sent, values: Values) -> Caller:
    signatures = parts.signatures
    login = sent.socket.login if sent.socket is not None else None
    if endpoint.proof is Proof.SESSION:
        if sent.socket is None or login is None:
            raise refuse(-2015)
        return await signatures.of_key(login.key, endpoint.rpc)
    if endpoint.proof is Proof.KEY:
        return await signatures.of_key(sent.key or (login.key if login else ""), endpoint.rpc)
    if sent.socket is not None and login is not None and not sent.key:
        request = sent.socket.new_request()
        return await signatures.of_session(login.key, values, endpoint.rpc, request)
    if sent.socket is not None and not sent.key:
        raise refuse(-1102, "apiKey")
    return await signatures.verify(sent.key, sent.texts, values, endpoint.rpc)
