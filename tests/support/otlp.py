"""A collector of OpenTelemetry spans: the real protocol over gRPC, kept in memory."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

SPANS_MAX = 200_000
POLL_S = 0.1


@dataclass(frozen=True)
class Span:
    """A finished span; ids in hex, times in nanoseconds since the Unix epoch."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: dict[str, object]
    start_ns: int
    end_ns: int


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what is exported to it, in threads of its own."""

    _spans: list[Span] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def Export(  # noqa: N802
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        with self._lock:
            for resource in request.resource_spans:
                service = str(_attributes(resource.resource.attributes).get("service.name", ""))
                for scope in resource.scope_spans:
                    room = SPANS_MAX - len(self._spans)
                    self._spans.extend(_span(service, span) for span in scope.spans[:room])
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[Span]:
        """What has arrived until now."""
        with self._lock:
            return list(self._spans)

    def wait_for(self, find: Callable[[list[Span]], Any], *, timeout_s: float = 30.0) -> Any:
        """The first result of `find` over the spans that is true. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if found := find(self.spans):
                return found
            time.sleep(POLL_S)
        names = sorted({(span.service, span.name) for span in self.spans})
        raise TimeoutError(f"not among {names}")


def _span(service: str, span: Any) -> Span:
    return Span(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=tuple(link.trace_id.hex() for link in span.links),
        attributes=_attributes(span.attributes),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, object]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector that listens; yields it and its "http://host:port"."""
    collector = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        server.stop(0)
