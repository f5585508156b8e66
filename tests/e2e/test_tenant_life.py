"""A Tenant on the running cluster: repaired, retained, adopted, and removed without a rest."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.operator_specs import market, tenant

from tigerex_local.errors import LocalError
from tigerex_local.kubectl import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NAME = "e2e-tenant"
READY_SECONDS_MAX = 240
REPAIR_SECONDS_MAX = 60
GONE_SECONDS_MAX = 180


def within(seconds: float, check: Callable[[], Any]) -> Any:
    """The first true value of the check; what cannot be read yet is not true yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if value := check():
                return value
        except (LocalError, KeyError, IndexError):
            pass
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.5)


def gone(cluster: Kubectl, *where: str) -> bool:
    return not cluster("get", *where, "--ignore-not-found", "-o", "name").strip()


def wait_ready(cluster: Kubectl, name: str) -> None:
    limit = f"--timeout={READY_SECONDS_MAX}s"
    cluster(
        "wait", f"tenant/{name}", "--for=condition=Ready", limit, timeout_s=READY_SECONDS_MAX + 10
    )


@pytest.fixture
def cleaned(cluster: Kubectl) -> Iterator[None]:
    yield
    cluster("-n", "tigerex-system", "scale", "deployment/tigerex-operator", "--replicas=1")
    cluster("delete", "tenant", NAME, "--ignore-not-found", "--wait=false")
    cluster("delete", "namespace", NAME, "--ignore-not-found", "--wait=false")


def test_the_sample_is_ready_and_says_so(cluster: Kubectl, sample_env: None) -> None:
    wait_ready(cluster, "demo")
    status = cluster.get("tenant/demo")["status"]
    conditions = {item["type"]: item["status"] for item in status["conditions"]}
    assert conditions == {"Ready": "True", "Progressing": "False", "Degraded": "False"}
    assert status["observedGeneration"] == cluster.get("tenant/demo")["metadata"]["generation"]


def test_what_is_deleted_or_edited_comes_back(cluster: Kubectl, sample_env: None) -> None:
    image = _image(cluster)
    cluster("-n", "demo", "delete", "service/gateway", "networkpolicy/default-deny", "pdb/exchange")
    cluster("-n", "demo", "set", "image", "deployment/gateway", "gateway=docker.io/local/none:1")
    within(REPAIR_SECONDS_MAX, lambda: cluster.get("-n", "demo", "service/gateway"))
    within(REPAIR_SECONDS_MAX, lambda: cluster.get("-n", "demo", "networkpolicy/default-deny"))
    within(REPAIR_SECONDS_MAX, lambda: cluster.get("-n", "demo", "poddisruptionbudget/exchange"))
    within(REPAIR_SECONDS_MAX, lambda: _image(cluster) == image)
    wait_ready(cluster, "demo")


def test_with_nothing_happening_nothing_is_written(cluster: Kubectl, sample_env: None) -> None:
    wait_ready(cluster, "demo")
    before = _versions(cluster)
    time.sleep(10)
    assert _versions(cluster) == before


def test_a_strangers_namespace_is_not_touched(cluster: Kubectl, namespace: str) -> None:
    cluster.apply(json.dumps(tenant(namespace)))
    try:
        message = within(30, lambda: _ready(cluster, namespace, "NamespaceNotAdopted"))
        assert f"kubectl label namespace {namespace}" in message
        assert gone(cluster, "-n", namespace, "deployments,secrets,services")
    finally:
        cluster("delete", "tenant", namespace, "--timeout=60s", timeout_s=70)


def test_retained_adopted_and_removed_while_the_operator_was_down(
    cluster: Kubectl, sample_env: None, cleaned: None
) -> None:
    demo_user = {"name": "demo", "balances": [{"asset": "USDT", "amount": "1000"}]}
    features = {"gateway": False, "marketData": False}
    spec = {"demoUser": demo_user, "features": features, "storage": {"size": "1Gi"}}
    cluster.apply(json.dumps(tenant(NAME, **spec)))
    wait_ready(cluster, NAME)
    cluster.apply(json.dumps(market("btc-usdt", NAME)))
    cluster("-n", NAME, "wait", "market/btc-usdt", "--for=condition=Ready", "--timeout=60s")
    key = cluster.get("-n", NAME, "secret/demo-api-key")["data"]

    cluster("delete", "tenant", NAME, "--timeout=60s", timeout_s=70)
    within(GONE_SECONDS_MAX, lambda: gone(cluster, "-n", NAME, "pods"))
    claims = cluster.get("-n", NAME, "persistentvolumeclaims")["items"]
    assert [claim["status"]["phase"] for claim in claims] == ["Bound"]

    cluster.apply(json.dumps(tenant(NAME, **spec, deletionPolicy="Delete")))
    wait_ready(cluster, NAME)
    assert cluster.get("-n", NAME, "secret/demo-api-key")["data"] == key
    cluster("-n", NAME, "wait", "market/btc-usdt", "--for=condition=Ready", "--timeout=60s")

    cluster("-n", "tigerex-system", "scale", "deployment/tigerex-operator", "--replicas=0")
    operator_pods = ("-n", "tigerex-system", "pods", "-l", "app.kubernetes.io/name=operator")
    within(60, lambda: gone(cluster, *operator_pods))
    cluster("delete", "tenant", NAME, "--wait=false")
    time.sleep(3)
    assert not gone(cluster, "tenant", NAME)
    cluster("-n", "tigerex-system", "scale", "deployment/tigerex-operator", "--replicas=1")
    within(GONE_SECONDS_MAX, lambda: gone(cluster, "tenant", NAME))
    within(GONE_SECONDS_MAX, lambda: gone(cluster, "namespace", NAME))


def _image(cluster: Kubectl) -> str:
    pod = cluster.get("-n", "demo", "deployment/gateway")["spec"]["template"]["spec"]
    return str(pod["containers"][0]["image"])


def _ready(cluster: Kubectl, name: str, reason: str) -> str:
    conditions = cluster.get(f"tenant/{name}")["status"]["conditions"]
    ready = [item for item in conditions if item["type"] == "Ready"][0]  # noqa: RUF015 - IndexError
    return str(ready["message"]) if ready["reason"] == reason else ""


def _versions(cluster: Kubectl) -> dict[str, str]:
    """Versions of what the operator writes and nobody else does."""
    kinds = "services,networkpolicies,serviceaccounts,configmaps,secrets,jobs,markets"
    items = [*cluster.get("-n", "demo", kinds)["items"], cluster.get("tenant/demo")]
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
        for item in items
    }
