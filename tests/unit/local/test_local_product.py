"""What counts as Ready, and the files that users and the charts are given."""

import shlex
import subprocess
from typing import Any

import pytest

from tigerex_local import product, troubles

pytestmark = pytest.mark.unit


def resource(status: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "Market",
        "metadata": {"name": "btc-usdt", "namespace": "demo", "generation": 2},
        "status": status,
    }


def condition(status: str, **more: object) -> dict[str, object]:
    return {"type": "Ready", "status": status, **more}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({}, False),
        ({"conditions": []}, False),
        ({"conditions": [condition("True", observedGeneration=2)]}, True),
        ({"conditions": [condition("True", observedGeneration=1)]}, False),
        ({"conditions": [condition("False", observedGeneration=2)]}, False),
        ({"observedGeneration": 2, "conditions": [condition("True")]}, True),
        ({"observedGeneration": 1, "conditions": [condition("True")]}, False),
    ],
)
def test_ready_counts_for_what_is_asked_now(status: dict[str, Any], ready: bool) -> None:
    assert product.parse_resource(resource(status)).ready is ready


def test_what_is_awaited_says_why() -> None:
    parsed = product.parse_resource(
        resource({"conditions": [condition("False", message="no leader")]})
    )
    assert product.describe([parsed]) == "Market btc-usdt (no leader)"


def test_the_env_file_gives_any_value_back_to_a_shell() -> None:
    values = {"TIGEREX_API_SECRET": "a 'b' $c `d` \"e\"", "KUBECONFIG": "/x/y"}
    script = product.render_env(values) + 'printf "%s" "$TIGEREX_API_SECRET"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == values["TIGEREX_API_SECRET"]
    assert shlex.split(product.render_env(values))[0] == "export"


def pod(name: str, state: dict[str, Any], *, ready: bool, restarts: int = 0) -> dict[str, Any]:
    container = {"state": state, "ready": ready, "restartCount": restarts}
    return {"metadata": {"name": name}, "status": {"containerStatuses": [container]}}


def test_trouble_is_told_from_being_on_the_way() -> None:
    waiting = {"metadata": {"name": "d"}, "status": {"conditions": [{"reason": "Unschedulable"}]}}
    found = troubles.find_troubles(
        [
            pod("a", {"waiting": {"reason": "ContainerCreating"}}, ready=False),
            pod("b", {"waiting": {"reason": "CrashLoopBackOff"}}, ready=False, restarts=3),
            pod("c", {"running": {}}, ready=False, restarts=2),
            waiting,
            pod("e", {"running": {}}, ready=True, restarts=9),
            {"metadata": {"name": "f"}, "status": {}},
        ]
    )
    assert found == {"b": "CrashLoopBackOff", "c": "restarted 2 times", "d": "Unschedulable"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, False),
        (
            {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 1},
            False,
        ),
        (
            {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 2},
            False,
        ),
        (
            {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 1},
            True,
        ),
    ],
)
def test_a_rollout_is_over_when_only_the_new_runs(status: dict[str, int], expected: bool) -> None:
    deployment = {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}
    assert product.is_rolled_out(deployment) is expected
