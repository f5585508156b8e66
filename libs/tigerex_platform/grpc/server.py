"""The gRPC server of every process: authenticated services, health, reflection, graceful drain."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import grpc.aio
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from tigerex_platform.auth.hmac_signature import SignatureVerifier
from tigerex_platform.auth.interceptor import Authenticator
from tigerex_platform.auth.keys import KeyStore
from tigerex_platform.auth.permissions import Table
from tigerex_platform.auth.tokens import TokenVerifier
from tigerex_platform.grpc.calls import CallInterceptor
from tigerex_platform.grpc.limiter import UNLIMITED, Limiter
from tigerex_platform.grpc.options import (
    CALLS_AT_ONCE_MAX,
    DRAIN_S_MAX,
    LIVENESS,
    server_options,
)
from tigerex_platform.settings import Settings

logger = logging.getLogger(__name__)

Servicer = tuple[Callable[[Any, Any], None], Any, str]
"""The generated `add_..._to_server`, the servicer, and the service's full name."""

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class GrpcServer:
    """Serves `servicers` at `settings.grpc_listen`; with none of them, health and reflection only.

    Use it as `async with GrpcServer(...) as server:`, or with `start` and `stop`.
    """

    def __init__(
        self,
        settings: Settings,
        table: Table,
        key_store: KeyStore | None = None,
        servicers: Sequence[Servicer] = (),
        *,
        limiter: Limiter = UNLIMITED,
    ) -> None:
        """Raises ValueError for a service that has no descriptor, or a method without a rule."""
        self._names = [name for _, _, name in servicers]
        _check_rules(table, self._names)
        signatures = SignatureVerifier(key_store) if key_store is not None else None
        authenticator = Authenticator(table, TokenVerifier(settings), signatures)
        self._calls = CallInterceptor(authenticator, limiter)
        self._server = grpc.aio.server(
            interceptors=[self._calls],
            options=server_options(),
            maximum_concurrent_rpcs=CALLS_AT_ONCE_MAX,
        )
        for add, servicer, _ in servicers:
            add(servicer, self._server)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            [*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
        )
        self._listen = settings.grpc_listen
        self._host = settings.grpc_listen.rpartition(":")[0]
        self.port = 0

    @property
    def address(self) -> str:
        """Where the server listens, once it is started."""
        return f"{self._host}:{self.port}"

    async def start(self, *, serving: bool = True) -> int:
        """Listen, and return the port. Raises RuntimeError when the address is taken."""
        self.port = self._server.add_insecure_port(self._listen)
        await self._server.start()
        await self._health.set(LIVENESS, _SERVING)
        await self.set_serving(serving)
        logger.info("gRPC server listens at %s", self.address)
        return self.port

    async def set_serving(self, serving: bool) -> None:
        """What health checks are told, for the server as a whole and for each service."""
        status = _SERVING if serving else _NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, status)

    async def stop(self, grace_s: float = DRAIN_S_MAX) -> None:
        """Say NOT_SERVING, end subscriptions, give running calls `grace_s`, then cancel them."""
        await self._health.enter_graceful_shutdown()
        self._calls.end_subscriptions()
        await self._server.stop(grace_s)

    async def run(self) -> None:
        """Serve until cancelled, then drain."""
        async with self:
            await asyncio.Event().wait()

    async def __aenter__(self) -> "GrpcServer":
        await self.start()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await asyncio.shield(self.stop())


async def serve(
    settings: Settings,
    table: Table,
    key_store: KeyStore | None = None,
    servicers: Sequence[Servicer] = (),
) -> None:
    """Run a server until cancelled, then drain it."""
    await GrpcServer(settings, table, key_store, servicers).run()


def _check_rules(table: Table, services: Sequence[str]) -> None:
    for name in services:
        try:
            service = descriptor_pool.Default().FindServiceByName(name)
        except KeyError:
            raise ValueError(f"there is no service {name} in the loaded contracts") from None
        for method in service.methods:
            if f"/{name}/{method.name}" not in table:
                raise ValueError(f"/{name}/{method.name} has no rule in the permission table")
