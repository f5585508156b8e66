# ruff: noqa: ANN401 - interceptors see calls and messages of every type
"""Channels to other services: internal ones with the process's token, external ones with an API
key.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import grpc
import grpc.aio
from opentelemetry import propagate, trace

from tigerex_platform.auth.hmac_signature import SigningTimes, signed_headers
from tigerex_platform.auth.interceptor import AUTHORIZATION_HEADER, BEARER, USER_HEADER
from tigerex_platform.clock import Clock, SystemClock
from tigerex_platform.grpc.options import UNARY_DEADLINE_S_DEFAULT, channel_options
from tigerex_platform.grpc.token_file import TokenFile
from tigerex_platform.settings import Settings
from tigerex_platform.telemetry import metrics

_tracer = trace.get_tracer("tigerex")

Headers = dict[str, str]
# Details and request in, metadata out: how a caller proves who it is.
Credentials = Callable[[str, Any], Headers]


class _CallDetails(Protocol):
    method: str | bytes
    timeout: float | None
    metadata: grpc.aio.Metadata | None

    def _replace(self, **changes: object) -> grpc.aio.ClientCallDetails: ...


def channel(settings: Settings, address: str) -> grpc.aio.Channel:
    """A channel that presents this process's token, re-read when the file changes.

    Calls without a deadline get 5 s, and are retried a few times while the server is UNAVAILABLE.
    """
    token = TokenFile(settings.token_file) if settings.token_file is not None else None

    def credentials(_method: str, _request: object) -> Headers:
        return {AUTHORIZATION_HEADER: BEARER + token.read()} if token is not None else {}

    return grpc.aio.insecure_channel(
        address, options=channel_options(retries=True), interceptors=_interceptors(credentials)
    )


def signed_channel(
    address: str, key: str, secret: str, *, clock: Clock | None = None
) -> grpc.aio.Channel:
    """A channel of an external caller: every request is signed with the API key."""
    timestamps = SigningTimes(clock or SystemClock())

    def credentials(method: str, request: Any) -> Headers:
        body = request.SerializeToString()
        timestamp_ms = timestamps.next_ms(method, body)
        return signed_headers(key, secret, method, body, timestamp_ms=timestamp_ms)

    return grpc.aio.insecure_channel(
        address, options=channel_options(retries=False), interceptors=_interceptors(credentials)
    )


def acting_for(user: str) -> tuple[tuple[str, str], ...]:
    """Metadata of a call made for a user: `stub.Method(request, metadata=acting_for(user))`."""
    return ((USER_HEADER, user),)


def _interceptors(credentials: Credentials) -> Sequence[grpc.aio.ClientInterceptor]:
    return [
        _UnaryInterceptor(credentials),
        _StreamInterceptor(credentials),
        _BothWaysInterceptor(credentials),
    ]


class _UnaryInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """Credentials, deadline, trace context and measurement of a unary call."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def intercept_unary_unary(  # type: ignore[override]
        self,
        continuation: Callable[..., Awaitable[Any]],
        client_call_details: _CallDetails,
        request: Any,
    ) -> Any:
        details, method = client_call_details, _name(client_call_details)
        started_s = time.perf_counter()
        code = grpc.StatusCode.CANCELLED
        with _tracer.start_as_current_span(
            method[1:], kind=trace.SpanKind.CLIENT, attributes={"rpc.system.name": "grpc"}
        ) as span:
            call = await continuation(
                details._replace(
                    timeout=details.timeout or UNARY_DEADLINE_S_DEFAULT,
                    metadata=_metadata(details, self._credentials(method, request)),
                ),
                request,
            )
            try:
                code = await call.code()
            finally:
                if code is grpc.StatusCode.CANCELLED:
                    call.cancel()
                if code is not grpc.StatusCode.OK:
                    span.set_status(trace.StatusCode.ERROR, code.name)
                metrics.RPC_CLIENT_DURATION.record(
                    time.perf_counter() - started_s,
                    {"rpc.method": method[1:], "rpc.response.status_code": code.name},
                )
        return call


class _StreamInterceptor(grpc.aio.UnaryStreamClientInterceptor):
    """Credentials and trace context of a subscription, which has no deadline."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def intercept_unary_stream(  # type: ignore[override]
        self,
        continuation: Callable[..., Awaitable[Any]],
        client_call_details: _CallDetails,
        request: Any,
    ) -> Any:
        headers = self._credentials(_name(client_call_details), request)
        metadata = _metadata(client_call_details, headers)
        return await continuation(client_call_details._replace(metadata=metadata), request)


class _BothWaysInterceptor(grpc.aio.StreamStreamClientInterceptor):
    """Credentials and trace context of a stream of requests: its opening is signed, as empty."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def intercept_stream_stream(  # type: ignore[override]
        self,
        continuation: Callable[..., Awaitable[Any]],
        client_call_details: _CallDetails,
        request_iterator: Any,
    ) -> Any:
        headers = self._credentials(_name(client_call_details), _Opening())
        metadata = _metadata(client_call_details, headers)
        return await continuation(client_call_details._replace(metadata=metadata), request_iterator)


class _Opening:
    """What is signed of a stream of requests."""

    def SerializeToString(self) -> bytes:  # noqa: N802 - as messages do
        return b""


def _name(details: _CallDetails) -> str:
    method = details.method
    return method.decode("ascii") if isinstance(method, bytes) else method


def _metadata(details: _CallDetails, headers: Headers) -> grpc.aio.Metadata:
    merged = grpc.aio.Metadata(*(details.metadata or ()))
    carrier: Headers = {}
    propagate.inject(carrier)
    for key, value in (headers | carrier).items():
        merged[key] = value
    return merged
