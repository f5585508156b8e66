"""Logs as one JSON object a line, tied to traces, and never with a secret in them."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from pythonjsonlogger.json import JsonFormatter

from tigerex_platform.settings import Settings

REDACTED = "[redacted]"
SECRET_KEY = re.compile(r"authorization|signature|secret|password|token|api[_-]?key", re.IGNORECASE)
# "Authorization: Bearer x", "password=x", '"secret": "x"' inside of a text.
SECRET_TEXT = re.compile(
    r"""((?:authorization|signature|secret|password|token)["']?\s*[:=]\s*["']?(?:bearer\s+)?)"""
    r"""[^\s"',;&}]+""",
    re.IGNORECASE,
)
BEARER_TEXT = re.compile(r"(bearer\s+)[\w.~+/=-]+", re.IGNORECASE)
URL_PASSWORD = re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@")
_STANDARD = frozenset(vars(logging.makeLogRecord({})))
DEPTH_MAX = 5


class SecretFilter(logging.Filter):
    """Takes secrets out of a record: by key in its extras, by pattern in its texts."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = scrub_text(record.getMessage())
        record.args = None
        for key, value in list(vars(record).items()):
            if key not in _STANDARD:
                setattr(record, key, scrub(value, key))
        return True


class _Formatter(JsonFormatter):
    """Adds the running trace, and scrubs the stack trace that a formatter writes last."""

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            log_data["trace_id"] = trace.format_trace_id(context.trace_id)
            log_data["span_id"] = trace.format_span_id(context.span_id)

    def formatException(self, ei: Any) -> str:  # noqa: N802, ANN401 - logging's signature
        return scrub_text(str(super().formatException(ei)))


def setup_logs(settings: Settings) -> None:
    """Send all logs to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(SecretFilter())
    handler.setFormatter(
        _Formatter(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            static_fields={"tenant": settings.tenant, "service": settings.service},
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)


def scrub(value: Any, key: str = "", depth: int = 0) -> Any:  # noqa: ANN401 - any logged value
    """The value without secrets: redacted whole under a telling key, else looked through."""
    if SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, str):
        return scrub_text(value)
    if depth >= DEPTH_MAX:
        return scrub_text(repr(value))
    if isinstance(value, Mapping):
        return {name: scrub(item, str(name), depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(item, "", depth + 1) for item in value]
    return value


def scrub_text(text: str) -> str:
    """The text with what looks like a secret replaced."""
    text = SECRET_TEXT.sub(rf"\1{REDACTED}", text)
    text = BEARER_TEXT.sub(rf"\1{REDACTED}", text)
    return URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
