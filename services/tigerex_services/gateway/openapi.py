"""The OpenAPI document: what the generated one cannot know."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tigerex_services.gateway.problem import Problem

TITLE = "TigerEx"
VERSION = "1"
DESCRIPTION = """
Trading bots, orders, balances and market data of one exchange.

**Money** travels as plain decimal strings (`"0.001"`), exact in both directions.

**Signing.** Everything but market data is signed with an API key:

    X-Tigerex-Key: your key
    X-Tigerex-Timestamp: milliseconds since the Unix epoch
    X-Tigerex-Recv-Window: how old it may be on arrival, in ms (default 5000, at most 60000)
    X-Tigerex-Signature: hex(HMAC-SHA256(secret, text))

    text = timestamp + "\\n" + method + " " + path-and-query + "\\n" + hex(SHA256(body))

A signature is accepted once. Send `Idempotency-Key` with a call that changes something, and the
same key again (signed anew) when no answer came: it is done once and answered the same.

**Errors** are problems as of RFC 9457 with a stable `code`; `field`, `value` and `allowed` say what
to correct. Unknown fields are refused. Bodies are at most 1 MiB.

**WebSocket** at `/api/v1/ws`: send
`{"op": "subscribe", "id": 1, "channel": "trades", "market": "btc-usdt"}`.
Channels: `trades`, `book` (20 levels), `changes` (of the book), `top`, `candles` (with
`"interval": "1s"` or `"1m"`), and after
`{"op": "auth", "id": 2, "key": …, "timestamp": …, "signature": …}`, signed as `GET /api/v1/ws` with
an empty body, `bots`: status and trades of your own. `unsubscribe` takes the same fields, `ping` is
answered with `pong`. A reader that falls 256 KiB behind is closed with a reason.
`/asyncapi.json` has the form of every message.
""".strip()

TAGS = [
    {"name": "Trading bots", "description": "Create, control and watch bots."},
    {"name": "Market data", "description": "Public: markets, trades, candles, order books."},
    {"name": "Accounts", "description": "Your accounts and balances."},
    {"name": "Orders", "description": "Place, cancel and list orders."},
    {"name": "History", "description": "Your past orders and fills."},
    {"name": "Health", "description": "For probes."},
]

_HEADERS = {
    "ApiKey": ("X-Tigerex-Key", "Your API key."),
    "Timestamp": (
        "X-Tigerex-Timestamp",
        "Milliseconds since the Unix epoch, signed.",
    ),
    "Signature": ("X-Tigerex-Signature", "Hex HMAC-SHA256 of timestamp, method and body."),
}
_SECURITY: list[dict[str, list[str]]] = [{name: [] for name in _HEADERS}]

_RECV_WINDOW = {
    "name": "X-Tigerex-Recv-Window",
    "in": "header",
    "required": False,
    "description": "How old the timestamp may be on arrival, in milliseconds.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 60_000, "default": 5_000},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your name for this change: repeated with the same content, it is done once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}

SIGNED: dict[str, Any] = {"security": _SECURITY, "parameters": [_RECV_WINDOW]}
SIGNED_MUTATION: dict[str, Any] = {
    "security": _SECURITY,
    "parameters": [_RECV_WINDOW, _IDEMPOTENCY_KEY],
}


def install(app: FastAPI) -> None:
    """Makes `app.openapi()` return the completed document, computed once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=TITLE, version=VERSION, description=DESCRIPTION, tags=TAGS, routes=app.routes
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        name: {"type": "apiKey", "in": "header", "name": header, "description": text}
        for name, (header, text) in _HEADERS.items()
    }
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    # The framework documents its own form of validation errors, which never leaves this service.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    return document
