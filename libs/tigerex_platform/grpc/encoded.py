"""Services with streams whose events are bytes already: encoded once for everybody who listens."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc

Unary = tuple[Callable[..., Any], Any, Any]
"""Method, and the message classes of request and response."""
Stream = tuple[Callable[..., Any], Any]
"""Method, and the message class of the request."""


def add_service(
    server: grpc.aio.Server,
    service: str,
    unary: Mapping[str, Unary],
    streams: Mapping[str, Stream],
) -> None:
    """As the generated function, but events of the streams are sent as they are."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method,
            request_deserializer=request.FromString,
            response_serializer=response.SerializeToString,
        )
        for name, (method, request, response) in unary.items()
    }
    for name, (method, request) in streams.items():
        handlers[name] = grpc.unary_stream_rpc_method_handler(
            method, request_deserializer=request.FromString, response_serializer=bytes
        )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
