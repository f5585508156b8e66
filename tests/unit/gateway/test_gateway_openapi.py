"""The OpenAPI document and the page made of it."""

import re
from decimal import Decimal

import pytest
from tests.support.gateway_client import Client
from tests.support.gateway_upstreams import BOT_ID

from tigerex_client import DcaConfig, calls
from tigerex_platform.telemetry import metrics

pytestmark = pytest.mark.unit

DCA = DcaConfig(Decimal(1), 1, 1)
WANTED = {
    "/api/v1/time": {"get"},
    "/api/v1/bots/types": {"get"},
    "/api/v1/bots/create": {"post"},
    "/api/v1/bots/list": {"get"},
    "/api/v1/bots/{bot_id}": {"get", "put", "delete"},
    "/api/v1/bots/{bot_id}/start": {"post"},
    "/api/v1/bots/{bot_id}/pause": {"post"},
    "/api/v1/bots/{bot_id}/stop": {"post"},
    "/api/v1/bots/{bot_id}/performance": {"get"},
    "/api/v1/bots/{bot_id}/trades": {"get"},
    "/api/v1/markets": {"get"},
    "/api/v1/markets/{symbol}": {"get"},
    "/api/v1/markets/{symbol}/trades": {"get"},
    "/api/v1/markets/{symbol}/candles": {"get"},
    "/api/v1/markets/{symbol}/book": {"get"},
    "/api/v1/markets/{symbol}/statistics": {"get"},
    "/api/v1/markets/{symbol}/top": {"get"},
    "/api/v1/accounts": {"get"},
    "/api/v1/orders": {"get", "post"},
    "/api/v1/orders/{order_id}": {"get", "delete"},
    "/api/v1/history/orders": {"get"},
    "/api/v1/history/fills": {"get"},
    "/healthz": {"get"},
    "/readyz": {"get"},
}


async def test_the_document_lists_every_route_with_its_problems(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    assert {path: set(operations) for path, operations in document["paths"].items()} == WANTED
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
            assert "422" not in operation["responses"]
            public = path.startswith(("/api/v1/time", "/api/v1/markets", "/healthz", "/readyz"))
            assert bool(operation.get("security")) is not public
            if not public:
                problem = operation["responses"]["401"]["content"]["application/problem+json"]
                assert problem["schema"]["$ref"].endswith("/Problem")
    schemas = document["components"]["schemas"]
    assert "code" in schemas["Problem"]["required"]
    assert "HTTPValidationError" not in schemas
    assert set(document["components"]["securitySchemes"]) == {"ApiKey", "Timestamp", "Signature"}


async def test_the_page_needs_no_script_and_no_other_host(client: Client) -> None:
    page = await client.http.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "http://" not in page.text.replace("http://gateway", "")
    for path in WANTED:
        assert path in page.text


async def test_readiness_begins_with_the_first_answer_of_the_exchange(client: Client) -> None:
    gateway = client.http._transport.app.state.gateway  # type: ignore[attr-defined]
    assert (await client.http.get("/healthz")).status_code == 200
    starting = await client.http.get("/readyz")
    assert (starting.status_code, starting.json()["status"]) == (503, "not-ready")
    await gateway.readiness.watch()
    assert (await client.http.get("/readyz")).status_code == 200
    gateway.readiness.drain()
    assert (await client.http.get("/readyz")).json()["reason"] == "shutting down"


async def test_requests_are_measured_by_route_not_by_path(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []
    measure = type(metrics.HTTP_SERVER_DURATION)
    monkeypatch.setattr(measure, "record", lambda self, value, labels: seen.append(labels))
    await client.request("GET", f"/api/v1/bots/{BOT_ID}")
    await client.http.get("/api/v1/nothing/at/all")
    await client.http.request("BREW", "/api/v1/markets")
    served = [tuple(labels.values()) for labels in seen if "http.route" in labels]
    assert served == [
        ("GET", "/api/v1/bots/{bot_id}", "200"),
        ("GET", "unmatched", "404"),
        ("_OTHER", "/api/v1/markets", "405"),
    ]


async def test_the_python_client_has_every_call(client: Client) -> None:
    """Each path of the document is in the client's table, whatever stands for its parameters."""
    paths = (await client.http.get("/openapi.json")).json()["paths"]
    document = {
        (method.upper(), path) for path in paths for method in paths[path] if "/api/v1/" in path
    }
    table = {
        calls.server_time(), calls.markets(), calls.market("x"), calls.trades("x"),
        calls.candles("x"), calls.book("x"), calls.top("x"), calls.statistics("x"),
        calls.accounts(), calls.place_order("x", "buy", Decimal(1)), calls.cancel_order(1),
        calls.order(1), calls.orders(), calls.past_orders("x"), calls.past_fills("x"),
        calls.bot_types(), calls.create_bot("x", "x", DCA), calls.bots(), calls.bot("x"),
        calls.change_bot("x", "x", DCA), calls.delete_bot("x"), calls.start_bot("x"),
        calls.pause_bot("x"), calls.stop_bot("x"), calls.bot_performance("x"),
        calls.bot_trades("x"),
    }  # fmt: skip
    sent = {(call.method, call.target.partition("?")[0]) for call in table}
    assert len(sent) == len(table)
    known = {(method, re.sub(r"\{[a-z_]+\}", "x", path)) for method, path in document}
    assert {(method, path.replace("/orders/1", "/orders/x")) for method, path in sent} == known
