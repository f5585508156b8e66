"""The components as data: order, and that nothing listens where strangers could reach it."""

import json
from pathlib import Path

import pytest
import yaml

from tigerex_local import addons, addresses, configs
from tigerex_local.components import STAGES, STOP_ORDER, components
from tigerex_local.layout import Layout

pytestmark = pytest.mark.unit

LAYOUT = Layout(Path("/checkout"), Path("/cache"), Path("/state"))
IMAGES = {role: f"docker.io/local/{role}:1" for role in ("pause", "base", "metrics", "provisioner")}


def test_every_component_starts_and_stops_once() -> None:
    started = [name for stage in STAGES for name in stage]
    assert sorted(started) == sorted(STOP_ORDER) == sorted(components(LAYOUT, Path("/bin")))


def test_the_api_server_stops_before_etcd_and_containerd_last() -> None:
    assert STOP_ORDER.index("kube-apiserver") < STOP_ORDER.index("etcd")
    assert STOP_ORDER[-1] == "containerd"
    assert STOP_ORDER[0] == "kubelet"  # it would start pods anew


def test_nothing_listens_on_all_addresses() -> None:
    flags = [flag for c in components(LAYOUT, Path("/bin")).values() for flag in c.arguments]
    assert not [flag for flag in flags if "0.0.0.0" in flag]
    assert f"--bind-address={addresses.NODE_ADDRESS}" in flags
    assert json.loads(configs.kubelet(LAYOUT))["address"] == addresses.NODE_ADDRESS
    assert f"bind {addresses.NODE_ADDRESS}" in configs.corefile(LAYOUT)


def test_service_account_tokens_have_the_issuer_that_verifiers_expect() -> None:
    flags = components(LAYOUT, Path("/bin"))["kube-apiserver"].arguments
    assert "--service-account-issuer=https://kubernetes.default.svc.cluster.local" in flags


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["nameserver 192.0.2.1\nsearch x\n"], "nameserver 192.0.2.1\n"),
        (["nameserver 127.0.0.53\n", "nameserver 192.0.2.2\n"], "nameserver 192.0.2.2\n"),
        (["nameserver ::1\nnameserver 192.0.2.3\n"], "nameserver 192.0.2.3\n"),
        (["nameserver 127.0.0.53\n"], ""),
        (["# nothing\n"], ""),
    ],
)
def test_pods_get_resolvers_they_can_reach(tmp_path: Path, files: list[str], expected: str) -> None:
    paths = []
    for number, text in enumerate(files):
        paths.append(tmp_path / f"resolv{number}")
        paths[-1].write_text(text)
    assert configs.resolv_conf((tmp_path / "none", *paths)) == expected


def test_add_ons_are_complete_manifests() -> None:
    documents = [d for d in yaml.safe_load_all(addons.render(LAYOUT, IMAGES)) if d]
    assert all({"apiVersion", "kind", "metadata"} <= set(document) for document in documents)
    classes = [d for d in documents if d["kind"] == "StorageClass"]
    default = "storageclass.kubernetes.io/is-default-class"
    assert [c["metadata"]["annotations"][default] for c in classes] == ["true"]


def test_add_ons_run_unprivileged() -> None:
    documents = [d for d in yaml.safe_load_all(addons.render(LAYOUT, IMAGES)) if d]
    for deployment in (d for d in documents if d["kind"] == "Deployment"):
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            security = container["securityContext"]
            assert security["runAsNonRoot"]
            assert security["readOnlyRootFilesystem"]
            assert not security["allowPrivilegeEscalation"]
            assert security["capabilities"] == {"drop": ["ALL"]}
