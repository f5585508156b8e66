"""The dashboard over real processes: a real Prometheus scrapes them, every panel finds its data."""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from observability.dashboard import build
from tests.integration.gateway.test_gateway_processes import GRID
from tests.support.exchange_stack import ExchangeStack
from tests.support.gateway_client import Client
from tests.support.postgres import free_port

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]

OBSERVABILITY = Path(__file__).parents[3] / "charts" / "tigerex" / "observability"
DASHBOARD = build()
# No operator runs here.
EXPRESSIONS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
    if "operator" not in target["expr"]
}
ROLES = ("exchange", "bots", "marketdata", "history", "runner", "gateway", "feed")
FEED = {
    "symbol": "btc-usdt",
    "type": "simulated",
    "simulated": {
        "seed": 1,
        "referencePrice": "60000",
        "volatility": "0.001",
        "spread": "0.0002",
        "levels": 10,
        "ordersPerSecond": 20,
    },
}
DATA_WITHIN_S = 60.0
STOP_S_MAX = 15.0


@pytest.fixture(scope="module")
def prometheus(stack: ExchangeStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The shipped configuration with quicker scrapes, and this test's targets and rules."""
    stack.start("feed", TIGEREX_FEED=json.dumps(FEED))
    folder = tmp_path_factory.mktemp("prometheus")
    targets = [
        {
            "targets": [stack.settings(role).metrics_listen],
            "labels": {"tenant": "demo", "component": role, "pod": role, "namespace": "demo"},
        }
        for role in ROLES
    ]
    (folder / "targets.json").write_text(json.dumps(targets))
    port = free_port()
    configuration = yaml.safe_load((OBSERVABILITY / "prometheus" / "prometheus.yaml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    configuration["rule_files"] = [str(OBSERVABILITY / "alerts" / "*.rules.yaml")]
    own, itself = configuration["scrape_configs"]
    own["file_sd_configs"] = [{"files": [str(folder / "targets.json")]}]
    itself["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(STOP_S_MAX)


async def query(http: httpx.AsyncClient, url: str, expression: str) -> list[dict[str, Any]]:
    expression = expression.replace("$tenant", ".*").replace("$__rate_interval", "20s")
    answer = await http.get(f"{url}/api/v1/query", params={"query": expression})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]


async def test_every_panel_finds_data_and_no_rule_fails(ann: Client, prometheus: str) -> None:
    # Levels close enough that the feed crosses one every few seconds.
    config = GRID["config"] | {"levels": 101, "investment": "5000"}
    created = await ann.request(
        "POST", "/api/v1/bots/create", json=GRID | {"config": config, "start": True}
    )
    target = f"/api/v1/bots/{created.json()['bot_id']}"
    missing = dict(EXPRESSIONS)
    deadline = time.monotonic() + DATA_WITHIN_S
    async with httpx.AsyncClient(timeout=10) as http:
        while missing and time.monotonic() < deadline:
            await ann.http.get("/api/v1/markets")
            await asyncio.sleep(1)
            for name, expression in list(missing.items()):
                try:
                    rows = await query(http, prometheus, expression)
                except httpx.TransportError:  # it is starting
                    break
                if any(row["value"][1] != "NaN" for row in rows):
                    del missing[name]
        up = await query(http, prometheus, 'up{job="tigerex"} == 1')
        rules = (await http.get(f"{prometheus}/api/v1/rules")).json()["data"]["groups"]
    await ann.request("POST", f"{target}/stop")
    await ann.request("DELETE", target)
    assert not missing
    assert {row["metric"]["component"] for row in up} == set(ROLES)
    assert not [rule for group in rules for rule in group["rules"] if rule.get("lastError")]
