"""What holds for every HTTP exchange: a request id, plain security headers, one metric."""

import logging
import re
from time import perf_counter

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tigerex_platform.errors import Internal
from tigerex_platform.ids import new_request_id
from tigerex_platform.telemetry import metrics
from tigerex_services.gateway.problem import problem_response

logger = logging.getLogger(__name__)

REQUEST_ID_HEADER = b"x-request-id"
REQUEST_ID_PATTERN = re.compile(rb"^[A-Za-z0-9._-]{1,64}\Z")
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN_ROUTE = "unmatched"  # never the path: a caller could make endless label values

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",  # browsers heed it over TLS only
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


_SECURITY_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
]


class EdgeMiddleware:
    """Names each request, answers with plain security headers, measures by route and status."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _given_id(scope) or new_request_id().hex()
        scope.setdefault("state", {})["request_id"] = request_id
        started_s = perf_counter()
        status = 500
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                given = message["headers"]
                names = {name for name, _ in given}
                message["headers"] = [
                    *given,
                    (REQUEST_ID_HEADER, request_id.encode()),
                    *(each for each in _SECURITY_HEADERS if each[0] not in names),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            # Whatever it was: told in full to the log, to the caller only where to find it.
            logger.exception("request %s failed", request_id)
            if started:
                raise
            response = problem_response(Internal(request_id), Request(scope))
            await response(scope, receive, send_with_headers)
        finally:
            _measure(scope, status, perf_counter() - started_s)


def _given_id(scope: Scope) -> str:
    """The caller's name for the request; empty where there is none that is fit for logs."""
    given = next((value for name, value in scope["headers"] if name == REQUEST_ID_HEADER), b"")
    return given.decode() if REQUEST_ID_PATTERN.match(given) else ""


def _measure(scope: Scope, status: int, duration_s: float) -> None:
    route = getattr(scope.get("route"), "path_format", UNKNOWN_ROUTE)
    method = scope["method"]
    labels = {
        "http.request.method": method if method in KNOWN_METHODS else "_OTHER",
        "http.route": route,
        "http.response.status_code": str(status),
    }
    metrics.HTTP_SERVER_DURATION.record(duration_s, labels)
