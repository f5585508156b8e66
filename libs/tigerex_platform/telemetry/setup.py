"""One function that turns telemetry on: metrics for Prometheus, traces by OTLP, logs as JSON."""

import os

import prometheus_client
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tigerex_platform.settings import SettingError, Settings
from tigerex_platform.telemetry.logs import setup_logs

SPAN_QUEUE_MAX = 8_192
SPAN_BATCH_MAX = 512
EXPORT_INTERVAL_MS = 2_000
EXPORT_TIMEOUT_MS = 5_000

_state = {"done": False}


def setup_telemetry(settings: Settings) -> None:
    """Turn telemetry on for this process, once; later calls change nothing.

    Raises OSError when `settings.metrics_listen` is taken, SettingError when it is no host:port.
    """
    if _state["done"]:
        return
    setup_logs(settings)
    resource = Resource.create(
        {
            "service.name": f"tigerex-{settings.service}" if settings.service else "tigerex",
            "service.namespace": settings.tenant or "tigerex-system",
            "service.instance.id": f"{os.uname().nodename}-{os.getpid()}",
        }
    )
    _setup_metrics(settings, resource)
    _setup_traces(settings, resource)
    _state["done"] = True


def _setup_metrics(settings: Settings, resource: Resource) -> None:
    host, _, port = settings.metrics_listen.rpartition(":")
    if not port.isdigit():
        raise SettingError(f"TIGEREX_METRICS_LISTEN is {settings.metrics_listen!r}; use host:port")
    reader = PrometheusMetricReader(scope_info_enabled=False)
    metrics.set_meter_provider(MeterProvider(metric_readers=[reader], resource=resource))
    prometheus_client.start_http_server(int(port), host)


def _setup_traces(settings: Settings, resource: Resource) -> None:
    # Without an exporter spans still carry the ids that logs and called services are tied by.
    provider = TracerProvider(resource=resource)
    if settings.otlp_endpoint:
        exporter = OTLPSpanExporter(
            endpoint=settings.otlp_endpoint,
            insecure=not settings.otlp_endpoint.startswith("https://"),
        )
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=SPAN_QUEUE_MAX,
                max_export_batch_size=SPAN_BATCH_MAX,
                schedule_delay_millis=EXPORT_INTERVAL_MS,
                export_timeout_millis=EXPORT_TIMEOUT_MS,
            )
        )
    trace.set_tracer_provider(provider)
