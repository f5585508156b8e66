"""What surrounds every call at the server: trace, caller, deadline, errors, measurement."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio
import psycopg
import redis
from google.protobuf.message import DecodeError
from opentelemetry import propagate, trace

from tigerex_platform.auth.interceptor import Authenticator
from tigerex_platform.auth.principal import Principal, set_principal
from tigerex_platform.errors import (
    DeadlineExceeded,
    Internal,
    InvalidField,
    TigerExError,
    Unavailable,
    from_rpc_error,
    to_rpc_status,
)
from tigerex_platform.errors.rpc import DETAILS_KEY
from tigerex_platform.grpc.limiter import UNLIMITED, Limiter
from tigerex_platform.grpc.options import (
    STREAM_DURATION_S_MAX,
    STREAM_IDLE_S_MAX,
    STREAM_RECHECK_S,
    UNARY_DEADLINE_S_MAX,
)
from tigerex_platform.telemetry import metrics

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("tigerex")

# What must answer before a caller can prove anything, and tells nothing but the public contract.
PUBLIC_SERVICES = frozenset(
    {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
)

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
else:  # generic in the stubs only
    Handler = grpc.RpcMethodHandler
Context = grpc.aio.ServicerContext[Any, Any]
Method = TypeVar("Method", bound=Callable[..., Any])
_RAW = "takes_raw_requests"


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps each handler once. Handlers get the raw body, because a signature covers its bytes."""

    def __init__(self, authenticator: Authenticator, limiter: Limiter = UNLIMITED) -> None:
        self._authenticator = authenticator
        self._limiter = limiter
        self._wrapped: dict[str, tuple[Handler, Handler]] = {}
        self._subscriptions: set[asyncio.Timeout] = set()

    def end_subscriptions(self) -> None:
        """End streams now: they would not end by themselves while the server drains."""
        now_s = asyncio.get_running_loop().time()
        for limit in self._subscriptions:
            limit.reschedule(now_s)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method[1:].rpartition("/")[0] in PUBLIC_SERVICES:
            return handler
        known = self._wrapped.get(method)
        if known is not None and known[0] is handler:
            return known[1]
        wrapped = self._wrap(method, handler)
        self._wrapped[method] = (handler, wrapped)
        return wrapped

    def _wrap(self, method: str, handler: Handler) -> Handler:
        behavior: Any = handler.unary_unary or handler.unary_stream or handler.stream_stream
        raw = getattr(behavior, _RAW, False)
        parse = bytes if raw else handler.request_deserializer or bytes
        if handler.request_streaming and handler.response_streaming:
            return self._wrap_both(method, handler, parse)
        if handler.request_streaming:
            raise NotImplementedError(
                f"{method}: streams of requests with one answer are not part of our contracts"
            )
        if handler.response_streaming:
            streaming: Any = handler.unary_stream

            # Writes instead of yielding: a generator suspended at a yield would be closed in
            # another task when the call is cancelled, with its context variables out of reach.
            async def stream(body: bytes, context: Context) -> None:
                async with (
                    self._call(method, body, context, lasting=True) as call,
                    self._subscription(),
                    aclosing(streaming(self._admitted(method, call, parse), context)) as responses,
                ):
                    async for response in responses:
                        await context.write(response)

            return grpc.unary_stream_rpc_method_handler(
                stream,
                request_deserializer=None,
                response_serializer=_serializer(handler),
            )
        unary: Any = handler.unary_unary

        async def single(body: bytes, context: Context) -> Any:  # noqa: ANN401 - any message
            started_s = time.perf_counter()
            code = grpc.StatusCode.CANCELLED.name
            try:
                async with (
                    self._call(method, body, context) as call,
                    asyncio.timeout(UNARY_DEADLINE_S_MAX),
                ):
                    answer = await unary(self._admitted(method, call, parse), context)
                code = "OK"
                return answer
            except grpc.aio.AbortError:
                code = _code_of(context).name
                raise
            finally:
                labels = {"rpc.method": method[1:], "rpc.response.status_code": code}
                metrics.RPC_SERVER_DURATION.record(time.perf_counter() - started_s, labels)

        return grpc.unary_unary_rpc_method_handler(
            single,
            request_deserializer=None,
            response_serializer=_serializer(handler),
        )

    def _wrap_both(self, method: str, handler: Handler, parse: Callable[[bytes], Any]) -> Handler:
        """Requests and answers at once. Only the opening is signed, with an empty body."""
        behavior: Any = handler.stream_stream

        async def both(bodies: AsyncIterator[bytes], context: Context) -> None:
            async with (
                self._call(method, b"", context, lasting=True) as call,
                self._subscription(),
                aclosing(self._requests(method, bodies, parse, call.principal)) as requests,
                aclosing(behavior(requests, context)) as responses,
            ):
                async for response in responses:
                    await context.write(response)

        return grpc.stream_stream_rpc_method_handler(
            both, request_deserializer=None, response_serializer=_serializer(handler)
        )

    async def _requests(
        self,
        method: str,
        bodies: AsyncIterator[bytes],
        parse: Callable[[bytes], Any],
        principal: Principal,
    ) -> AsyncGenerator[Any, None]:
        """The requests of a stream; what is no message comes as the error that it deserves.

        Raises Unavailable when none comes for long, and what authentication raises when the caller
        would not be let in any more.
        """
        checked_s = time.monotonic()
        incoming = aiter(bodies)
        while True:
            try:
                async with asyncio.timeout(STREAM_IDLE_S_MAX):
                    body = await anext(incoming, None)
            except TimeoutError as error:
                raise Unavailable(
                    f"no request came for {STREAM_IDLE_S_MAX:g} s; open another stream",
                    code="STREAM_IDLE",
                ) from error
            if body is None:
                return
            if time.monotonic() - checked_s > STREAM_RECHECK_S:
                await self._authenticator.recheck(method, principal)
                checked_s = time.monotonic()
            try:
                request = _parse(body, parse)
            except InvalidField as error:
                yield error
            else:
                yield request

    def _admitted(self, method: str, call: "_Call", parse: Callable[[bytes], Any]) -> Any:  # noqa: ANN401
        """The request, when the caller does not ask too often; raises InvalidField, RateLimited."""
        request = _parse(call.body, parse)
        self._limiter.admit(call.principal, method, request)
        return request

    @asynccontextmanager
    async def _call(
        self, method: str, body: bytes, context: Context, *, lasting: bool = False
    ) -> AsyncIterator["_Call"]:
        """The caller verified and current, in the trace of its call; faults become statuses.

        A lasting call is a stream: its caller signed the opening, not what comes later.
        """
        metadata = _metadata(context)
        with _tracer.start_as_current_span(
            method[1:],
            context=propagate.extract(metadata),
            kind=trace.SpanKind.SERVER,
            attributes={"rpc.system.name": "grpc"},
            record_exception=False,
        ) as span:
            try:
                principal = await self._authenticator.authenticate(method, metadata, body)
                if lasting:
                    principal = replace(principal, valid_until_ms=0)
                span.set_attribute("tigerex.caller", principal.name)
                set_principal(principal)  # in the context that gRPC made for this call alone
                yield _Call(body, principal)
            except grpc.aio.AbortError:
                raise
            except Exception as fault:  # noqa: BLE001 - the edge: every fault becomes a status
                error = to_known_error(fault, method)
                span.set_status(trace.StatusCode.ERROR, error.code)
                await abort(context, error)

    @asynccontextmanager
    async def _subscription(self) -> AsyncIterator[None]:
        """A bounded life: the subscriber comes back, and is authenticated anew."""
        try:
            async with asyncio.timeout(STREAM_DURATION_S_MAX) as limit:
                self._subscriptions.add(limit)
                try:
                    yield
                finally:
                    self._subscriptions.discard(limit)
        except TimeoutError as error:
            raise Unavailable(
                "the subscription has ended; subscribe again", code="SUBSCRIPTION_ENDED"
            ) from error


def raw_requests(method: Method) -> Method:
    """Of a servicer: gives requests as bytes to a method that reads them faster than protobuf."""
    setattr(method, _RAW, True)
    return method


def _serializer(handler: Handler) -> Callable[[Any], bytes]:
    """The handler's, but for answers that are bytes already."""
    serialize: Any = handler.response_serializer or bytes

    def serialized(answer: Any) -> bytes:  # noqa: ANN401 - any message
        return answer if isinstance(answer, bytes) else serialize(answer)

    return serialized


@dataclass(frozen=True, slots=True)
class _Call:
    body: bytes
    principal: Principal


def _parse(body: bytes, deserialize: Callable[[bytes], Any]) -> Any:  # noqa: ANN401 - any message
    try:
        return deserialize(body)
    except DecodeError as error:
        raise InvalidField(
            "request", f"{len(body)} bytes", "a message of the method's request type"
        ) from error


def _metadata(context: Context) -> dict[str, str]:
    return {
        str(key): value
        for key, value in context.invocation_metadata() or ()
        if isinstance(value, str)
    }


def to_known_error(fault: Exception, where: str) -> TigerExError:
    """The error a client is told; what we did not expect is logged under a correlation id."""
    if isinstance(fault, TigerExError):
        return fault
    if isinstance(fault, grpc.aio.AioRpcError):
        return from_rpc_error(fault)
    if isinstance(fault, TimeoutError):
        return DeadlineExceeded()
    if isinstance(fault, psycopg.OperationalError | redis.ConnectionError | redis.TimeoutError):
        logger.warning("%s: a store is not available: %s", where, fault)
        return Unavailable("a store that the service needs is not available at the moment")
    correlation_id = secrets.token_hex(8)
    logger.error("%s failed", where, exc_info=fault, extra={"correlation_id": correlation_id})
    return Internal(correlation_id)


def _code_of(context: Context) -> grpc.StatusCode:
    """The status that a call was aborted with, which grpc.aio gives as a number or as the code."""
    code: Any = context.code()
    if isinstance(code, grpc.StatusCode):
        return code
    return next(known for known in grpc.StatusCode if known.value[0] == code)


async def abort(context: Context, error: TigerExError) -> None:
    """End the call with the error's status and details."""
    status = to_rpc_status(error)
    await context.abort(
        error.grpc_code,
        status.message,
        trailing_metadata=((DETAILS_KEY, status.SerializeToString()),),
    )
