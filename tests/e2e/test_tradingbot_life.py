"""TradingBots on the running cluster: the samples trade, bad ones are told, deleted ones leave
nothing.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.operator_specs import dca_bot, grid_bot, market

from tigerex_local.errors import LocalError
from tigerex_local.kubectl import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NAMES = ("e2e-unknown", "e2e-dedicated", "e2e-decimals")


@pytest.fixture(autouse=True)
def cleaned(cluster: Kubectl, sample_env: None) -> Iterator[None]:
    yield
    for name in NAMES:
        cluster(
            "-n",
            "demo",
            "delete",
            "tradingbot",
            name,
            "--ignore-not-found",
            "--timeout=60s",
            timeout_s=70,
        )
    cluster(
        "-n",
        "demo",
        "delete",
        "market",
        "e2e-late",
        "--ignore-not-found",
        "--timeout=60s",
        timeout_s=70,
    )


def condition(cluster: Kubectl, name: str, seconds: float, reason: str = "") -> dict[str, Any]:
    """The bot's condition Ready, once it has the reason, or once it has any."""
    deadline = time.monotonic() + seconds
    while True:
        status = cluster.get("-n", "demo", f"tradingbot/{name}").get("status", {})
        found = [item for item in status.get("conditions", []) if item["type"] == "Ready"]
        if found and (not reason or found[0]["reason"] == reason):
            return found[0]
        assert time.monotonic() < deadline, f"{name}: {found}"
        time.sleep(0.5)


def wait_ready(cluster: Kubectl, name: str) -> None:
    try:
        cluster(
            *("-n", "demo", "wait", f"tradingbot/{name}"),
            *("--for=condition=Ready", "--timeout=90s"),
            timeout_s=100,
        )
    except LocalError as error:
        status = cluster.get("-n", "demo", f"tradingbot/{name}").get("status", {})
        raise AssertionError(f"{error}: {json.dumps(status)}") from error


@pytest.mark.parametrize("name", ["demo-grid", "demo-dca"])
def test_samples_are_ready_and_trade(cluster: Kubectl, name: str) -> None:
    wait_ready(cluster, name)
    deadline = time.monotonic() + 150
    while not cluster.get("-n", "demo", f"tradingbot/{name}")["status"].get("trades"):
        assert time.monotonic() < deadline, f"{name} has not traded"
        time.sleep(1)


def test_the_list_shows_what_matters(cluster: Kubectl) -> None:
    header, *rows = cluster("-n", "demo", "get", "tradingbots").splitlines()
    assert header.split() == ["NAME", "TYPE", "MARKET", "PHASE", "TRADES", "P&L", "AGE"]
    assert {row.split()[0] for row in rows} >= {"demo-grid", "demo-dca"}


def test_an_unknown_market_is_told_and_retried_when_it_appears(cluster: Kubectl) -> None:
    cluster.apply(json.dumps(grid_bot("e2e-unknown", "demo", market="e2e-late")))
    refusal = condition(cluster, "e2e-unknown", 30, "InvalidSpec")
    assert refusal["status"] == "False"
    assert "e2e-late" in refusal["message"]
    assert "Traceback" not in refusal["message"]
    feed = {"type": "simulated", "simulated": {"referencePrice": "60000"}}
    cluster.apply(json.dumps(market("e2e-late", "demo", feed=feed)))
    wait_ready(cluster, "e2e-unknown")


def test_too_many_decimals_name_the_field(cluster: Kubectl) -> None:
    bot = grid_bot("e2e-decimals", "demo")
    bot["spec"]["spotGrid"]["lowerPrice"] = "59000.12345678"
    cluster.apply(json.dumps(bot))
    refusal = condition(cluster, "e2e-decimals", 30, "InvalidSpec")
    assert "lower" in refusal["message"]
    assert cluster.get("-n", "demo", "tradingbot/e2e-decimals")["status"]["phase"] == "Failed"


def test_upper_below_lower_is_refused_at_once(cluster: Kubectl) -> None:
    bot = grid_bot("e2e-refused", "demo")
    bot["spec"]["spotGrid"]["upperPrice"] = "1"
    with pytest.raises(LocalError, match="upperPrice must be greater than"):
        cluster.apply(json.dumps(bot))
    assert not cluster(
        "-n", "demo", "get", "tradingbot", "e2e-refused", "--ignore-not-found"
    ).strip()


def test_a_dedicated_bot_has_a_pod_and_takes_it_along(cluster: Kubectl) -> None:
    cluster.apply(json.dumps(dca_bot("e2e-dedicated", "demo", isolation="dedicated")))
    wait_ready(cluster, "e2e-dedicated")
    pods = (
        "-n",
        "demo",
        "get",
        "pods",
        "-l",
        "app.kubernetes.io/instance=bot-e2e-dedicated",
        "-o",
        "name",
    )
    assert cluster(*pods).strip()
    cluster("-n", "demo", "delete", "tradingbot/e2e-dedicated", "--timeout=60s", timeout_s=70)
    deadline = time.monotonic() + 60
    while cluster(*pods).strip():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_pause_and_resume(cluster: Kubectl) -> None:
    cluster.apply(json.dumps(dca_bot("e2e-dedicated", "demo", isolation="dedicated")))
    wait_ready(cluster, "e2e-dedicated")
    for state in ("Paused", "Running"):
        patch = json.dumps({"spec": {"state": state}})
        cluster("-n", "demo", "patch", "tradingbot/e2e-dedicated", "--type=merge", "-p", patch)
        assert condition(cluster, "e2e-dedicated", 60, state)["status"] == "True"
