"""Every panel of the dashboard shows data of the running sample exchange, and no alert fires."""

import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from observability.dashboard import build
from tests.support.live import kubectl

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
DASHBOARD = build()
PROMETHEUS = "/api/v1/namespaces/tigerex-system/services/prometheus:9090/proxy"
# Rates need two scrapes of what has begun, and bots need a trade.
DATA_WITHIN_S = 90
VARIABLES = {"$tenant": "demo", "$__rate_interval": "1m"}


def ask(path: str, **parameters: str) -> dict[str, Any]:
    query = f"?{urlencode(parameters)}" if parameters else ""
    answer = json.loads(kubectl("get", "--raw", f"{PROMETHEUS}/api/v1/{path}{query}"))
    assert answer["status"] == "success", answer
    return answer["data"]


def queries() -> list[Any]:
    return [
        pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", [])
    ]


def use_the_api() -> None:
    """A request of every outcome: the panels of the edge show what somebody asks."""
    for path in ("/api/v1/markets", "/api/v1/markets/no-such"):
        httpx.get(os.environ["TIGEREX_URL"] + path, timeout=10)


@pytest.mark.parametrize("expression", queries())
def test_every_panel_shows_data(sample_env: None, expression: str) -> None:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    deadline = time.monotonic() + DATA_WITHIN_S
    while True:
        use_the_api()
        values = [row["value"][1] for row in ask("query", query=expression)["result"]]
        if any(value != "NaN" for value in values):
            return
        assert time.monotonic() < deadline, f"no data within {DATA_WITHIN_S} s: {expression}"
        time.sleep(2)


def test_every_target_is_up(sample_env: None) -> None:
    targets = ask("targets", state="active")["activeTargets"]
    components = {target["labels"].get("component") for target in targets}
    services = {"exchange", "bots", "runner", "marketdata", "history", "gateway", "feed"}
    assert services <= components
    down = [(t["labels"], t["lastError"]) for t in targets if t["health"] != "up"]
    assert not down


def test_rules_are_loaded_without_an_error(sample_env: None) -> None:
    groups = ask("rules")["groups"]
    assert groups
    errors = {rule["name"]: rule.get("lastError", "") for g in groups for rule in g["rules"]}
    assert not {name: error for name, error in errors.items() if error}
