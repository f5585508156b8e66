"""Whether this process should be sent traffic."""

import asyncio
import logging

import grpc.aio
from grpc_health.v1 import health_pb2

logger = logging.getLogger(__name__)

CHECK_DEADLINE_S = 1.0
CHECK_PAUSE_S = 0.5


class Readiness:
    """Not ready before the exchange answered once, nor from the start of a drain on.

    In between the gateway stays ready while a service is away: it answers what still works, and
    503 with a reason for the rest, which says more than a refused connection.
    """

    def __init__(self, exchange: grpc.aio.Channel) -> None:
        self._check = exchange.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        self._seen_exchange = False
        self._draining = False

    @property
    def ready(self) -> bool:
        return self._seen_exchange and not self._draining

    @property
    def reason(self) -> str:
        if self._draining:
            return "shutting down"
        return "serving" if self._seen_exchange else "the exchange has not answered yet"

    def drain(self) -> None:
        self._draining = True

    async def watch(self) -> None:
        """Returns when the exchange has answered for the first time; ended by cancellation."""
        while not self._seen_exchange:
            try:
                answer = await self._check(
                    health_pb2.HealthCheckRequest(), timeout=CHECK_DEADLINE_S
                )
                self._seen_exchange = answer.status == health_pb2.HealthCheckResponse.SERVING
            except grpc.aio.AioRpcError as error:
                logger.info("waiting for the exchange: %s", error.code().name)
            if not self._seen_exchange:
                await asyncio.sleep(CHECK_PAUSE_S)
