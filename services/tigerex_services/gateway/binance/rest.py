"""Endpoints over HTTP: parameters from query string and form, JSON, headers of what was used."""

from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tigerex_services.gateway.binance import parameters
from tigerex_services.gateway.binance.auth import KEY_HEADER, signed_text
from tigerex_services.gateway.binance.calls import Parts
from tigerex_services.gateway.binance.endpoints import ENDPOINTS, V3
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.execution import Outcome, Sent, execute
from tigerex_services.gateway.context import gateway_of

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Route:
    """What metrics call a request, as for the framework's own routes."""

    path_format: str


_ENDPOINTS = {
    (endpoint.method, endpoint.path): (endpoint, _Route(endpoint.path))
    for endpoint in ENDPOINTS
    if endpoint.path
}


async def _answer(request: Request) -> Response:
    """Found by one look into the table: a framework's route for each would be tried in turn."""
    found = _ENDPOINTS.get((request.method, request.scope["path"]))
    if found is None:
        # A path of Binance's that is not in the table; its clients read numbers only.
        return _json(refuse(-1020).told(), 404, {})
    endpoint, request.scope["route"] = found
    parts = gateway_of(request).binance
    address = request.client.host if request.client else ""
    query = request.scope["query_string"].decode("latin-1")
    body = await _form(request)

    def read() -> Sent:
        pairs = parameters.pairs(query) + parameters.pairs(body)
        key = request.headers.get(KEY_HEADER, "")
        return Sent(pairs, key, (signed_text(query, body),))

    return _response(await execute(endpoint, parts, address, read), parts)


async def _form(request: Request) -> str:
    """The body of a request that has one; a body of another kind is none of ours."""
    body = await request.body()
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if kind != _FORM:
        return ""
    return body.decode("latin-1")


def _response(outcome: Outcome, parts: Parts) -> Response:
    headers = {
        "X-MBX-USED-WEIGHT": str(outcome.weight),
        f"X-MBX-USED-WEIGHT-{parts.weights.limit.header}": str(outcome.weight),
    }
    for limit, count in zip(parts.order_counts.limits, outcome.order_counts, strict=False):
        headers[f"X-MBX-ORDER-COUNT-{limit.header}"] = str(count)
    error = outcome.error
    if error is None:
        return _json(outcome.content, 200, headers)
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return _json(error.told(), error.status, headers)


def _json(content: Any, status: int, headers: dict[str, str]) -> Response:  # noqa: ANN401
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


router = APIRouter()
for _prefix in (V3, "/sapi"):
    # Without the framework's reading of parameters, which the table does.
    router.add_route(f"{_prefix}/{{path:path}}", _answer, ["GET", "POST", "PUT", "DELETE"])
