"""The charts: strict about values, sparing with rights, restricted pods only."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.apiserver import find_binary

pytestmark = pytest.mark.contract

CHARTS = Path(__file__).parents[2] / "charts"
KUBERNETES = "1.35.0"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    binary = find_binary("helm")
    assert binary is not None, "helm: run `make up` once, or set TIGEREX_KUBE_BINARIES"
    return subprocess.run(
        [str(binary), *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def template(chart: str, *arguments: str) -> list[dict[str, Any]]:
    answer = helm(
        "template", "x", str(CHARTS / chart), "--namespace=tigerex-system",
        f"--kube-version={KUBERNETES}", *arguments,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return [item for item in yaml.safe_load_all(answer.stdout) if item]


def pods(manifests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in manifests:
        if item["kind"] in ("Deployment", "StatefulSet", "Job", "DaemonSet"):
            yield item["spec"]["template"]["spec"]


@pytest.mark.parametrize("chart", ["tigerex", "tigerex-crds"])
def test_lint(chart: str) -> None:
    answer = helm("lint", "--strict", f"--kube-version={KUBERNETES}", str(CHARTS / chart))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    "setting",
    [
        "unknown=1",
        "image.digest=x",
        "operator.replicas=3",
        "image.pullPolicy=Sometimes",
        "prometheus.service.nodePort=80",
        "tenants.acme.color=red",
        "tenants.Acme.suspended=true",
    ],
)
def test_values_are_strict(setting: str) -> None:
    answer = helm(
        "template", "x", str(CHARTS / "tigerex"), f"--kube-version={KUBERNETES}", "--set", setting
    )
    assert answer.returncode != 0
    leaf = setting.partition("=")[0].split(".")
    assert any(part in answer.stderr for part in leaf), answer.stderr


def test_prometheus_gets_its_configuration_and_its_rules() -> None:
    """Files of the chart are data here: a missing one is not an empty mount."""
    found = {
        item["metadata"]["name"]: item.get("data", {})
        for item in template("tigerex")
        if item["kind"] == "ConfigMap"
    }
    assert yaml.safe_load(found["prometheus"]["prometheus.yml"])["scrape_configs"]
    assert yaml.safe_load(found["prometheus-rules"]["tigerex.rules.yaml"])["groups"]


def test_rights_are_spelled_out() -> None:
    """No wildcard, no way to more rights than it has, no list of all Secrets."""
    for item in template("tigerex"):
        for rule in item.get("rules", []):
            text = yaml.safe_dump(rule)
            assert "*" not in text, rule
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"]), rule
            if "secrets" in rule.get("resources", []):
                assert rule["verbs"] == ["create"] or (
                    rule["verbs"],
                    bool(rule.get("resourceNames")),
                ) == (["get"], True)
            assert "rolebindings" not in rule.get("resources", [])


def test_secrets_that_may_be_read_are_those_that_are_made() -> None:
    from tigerex_operator.builders.credentials import API_KEY_SECRET, SECRET_NAMES

    rules = [rule for item in template("tigerex") for rule in item.get("rules", [])]
    named = [
        rule["resourceNames"]
        for rule in rules
        if rule.get("resources") == ["secrets"] and "get" in rule["verbs"]
    ]
    assert sorted(named[0]) == sorted((*SECRET_NAMES, API_KEY_SECRET))


def test_operator_may_do_what_it_does_with_its_children() -> None:
    from tigerex_operator.apply.objects import CHILD_KINDS, TYPES

    granted = {
        (group, resource): set(rule["verbs"])
        for item in template("tigerex")
        if item["kind"] == "ClusterRole" and item["metadata"]["name"] == "tigerex-operator"
        for rule in item["rules"]
        for group in rule.get("apiGroups", [])
        for resource in rule.get("resources", [])
    }
    for kind in CHILD_KINDS:
        group = TYPES[kind].api_version.rpartition("/")[0]
        verbs = {"get", "list", "watch", "create", "patch", "delete"}
        assert granted[group, TYPES[kind].plural] == verbs, kind


def test_pods_are_restricted_and_bounded() -> None:
    found = list(pods(template("tigerex")))
    assert len(found) == 2
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_tenants_come_from_values() -> None:
    spec = '{"acme":{"assets":[{"code":"BTC","scale":8}],"runners":2}}'
    found = [
        item
        for item in template("tigerex", "--set-json", f"tenants={spec}")
        if item["kind"] == "Tenant"
    ]
    assert [item["metadata"]["name"] for item in found] == ["acme"]
    assert found[0]["spec"]["runners"] == 2
    assert found[0]["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_prometheus_can_be_left_out() -> None:
    names = {
        item["metadata"]["name"]
        for item in template("tigerex", "--set", "prometheus.enabled=false")
    }
    assert not any("prometheus" in name for name in names)


def test_schemas_survive_an_uninstall() -> None:
    for item in template("tigerex-crds"):
        assert item["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
