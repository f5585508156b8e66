"""The embedded node's life: killed, restarted, stopped without a trace.

These tests stop the node that the other end-to-end tests use. Each leaves it up again, with the
samples Ready where they were.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tigerex_local import cgroups, embedded, product
from tigerex_local.build import ensure_binaries
from tigerex_local.kubectl import Kubectl
from tigerex_local.layout import default_layout
from tigerex_local.node import PRIVATE_FOLDERS, Node
from tigerex_local.processes import Process
from tigerex_local.progress import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LAYOUT = default_layout()
UP_TIMEOUT_S = 300.0
RECOVERY_S = 60.0


@pytest.fixture
def node(cluster: Kubectl) -> Iterator[Node]:
    """The embedded node; whatever a test did to it, it is up again afterwards."""
    found = Node(LAYOUT)
    if found.process() is None:
        pytest.skip("the cluster that is up is not the embedded node")
    samples = LAYOUT.env.read_text() if LAYOUT.env.exists() else None
    yield found
    tigerex_local("up", "--cluster-only")
    if samples is not None:
        LAYOUT.env.write_text(samples)
        again = Kubectl("kubectl", LAYOUT.kubeconfig)
        product.wait_for_release(again)
        product.wait_for_samples(again)


def tigerex_local(*arguments: str) -> None:
    """The command as a user runs it."""
    command = [sys.executable, "-m", "tigerex_local", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=UP_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def component_processes() -> dict[str, Process]:
    """The node's components by name, as the host sees them."""
    named: dict[str, Process] = {}
    for pid in node_pids():
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:  # ended meanwhile
            continue
        process = Process.of(pid)
        if process is not None:
            named[name] = process
    return named


def node_pids() -> list[int]:
    """Host process ids of everything in the node's control groups, pods included."""
    hierarchy = cgroups.hierarchies()[0]
    found: list[int] = []
    for folder, _, files in os.walk(hierarchy / cgroups.CGROUP):
        if "cgroup.procs" in files:
            found += [int(pid) for pid in (Path(folder) / "cgroup.procs").read_text().split()]
    return found


def traces() -> dict[str, list[str]]:
    """Everything on this host that could be a trace of a node."""

    def lines(*command: str) -> list[str]:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        return sorted(done.stdout.splitlines())

    rules = [line for tool in ("iptables-save", "ip6tables-save") for line in lines(tool)]
    links = json.loads("".join(lines("ip", "-json", "link", "show")))
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    comms = [path.read_text().strip() for path in Path("/proc").glob("[0-9]*/comm")]
    node_programs = ("containerd", "kube", "etcd", "coredns", "runc", "pause", "buildah")
    return {
        "processes": sorted(comm for comm in comms if comm.startswith(node_programs)),
        "mounts": sorted(line.split()[4] for line in mounts),
        "links": sorted(link["ifname"] for link in links),
        "network namespaces": lines("lsns", "--type=net", "--noheadings", "--output=NS"),
        "rules": [rule for rule in rules if rule.startswith(("-A", ":KUBE"))],
        "routes": lines("ip", "route", "show"),
        "run": sorted(path.name for path in Path("/run").iterdir()),
        "folders": [folder for folder in PRIVATE_FOLDERS if Path(folder).exists()],
        "cgroups": [str(path) for path in Path("/sys/fs/cgroup").glob("**/tigerex")],
        "settings": [
            Path("/proc/sys", name).read_text().strip()
            for name in ("net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet", "kernel/panic")
        ],
    }


def test_up_again_changes_nothing(node: Node) -> None:
    before = node.process()
    tigerex_local("up", "--cluster-only")
    assert node.process() == before


def test_a_killed_component_comes_back(node: Node, cluster: Kubectl) -> None:
    first = node.process()
    for name in ("kube-apiserver", "etcd", "kubelet", "containerd"):
        killed = component_processes()[name]
        killed.send(signal.SIGKILL)
        wait_until(
            f"{name} anew",
            lambda name=name, killed=killed: component_processes().get(name, killed) != killed,
            timeout_s=RECOVERY_S,
        )
        wait_until("the API", node.is_serving, timeout_s=RECOVERY_S)
    wait_until("the node Ready", lambda: embedded.is_ready(cluster), timeout_s=RECOVERY_S)
    assert node.process() == first


@pytest.mark.parametrize("victims", ["the first process", "every process at once"])
def test_a_killed_node_starts_again_with_all_its_objects(
    node: Node, cluster: Kubectl, namespace: str, victims: str
) -> None:
    cluster("create", "configmap", "kept", f"--namespace={namespace}", "--from-literal=a=b")
    first = node.process()
    assert first is not None
    pids = [first.pid] if victims == "the first process" else node_pids()
    for pid in pids:
        Process(pid, getattr(Process.of(pid), "started", 0)).send(signal.SIGKILL)
    assert first.wait(timeout_s=10)
    wait_until("the end of every process", lambda: not node_pids(), timeout_s=10)
    tigerex_local("up", "--cluster-only")
    kept = cluster.get("configmap", "kept", f"--namespace={namespace}")
    assert kept["data"] == {"a": "b"}


def test_down_leaves_nothing(node: Node) -> None:
    """Stopped, started and stopped once more: the host is the same, and nothing on it is ours."""
    tigerex_local("down")
    before = traces()
    tigerex_local("up", "--cluster-only")
    tigerex_local("down")
    assert traces() == before
    assert before["folders"] == before["cgroups"] == []
    assert not [rule for rule in before["rules"] if "KUBE" in rule or "TIGEREX" in rule]
    assert not [link for link in before["links"] if link.startswith(("tigerex", "veth"))]
    assert not [process for process in before["processes"] if process.startswith("kube")]
    assert not [mount for mount in before["mounts"] if str(LAYOUT.state) in mount]


def test_down_leaves_nothing_of_a_killed_node_either(node: Node) -> None:
    tigerex_local("down")
    before = traces()
    ensure_binaries(LAYOUT)
    tigerex_local("up", "--cluster-only")
    node.process().send(signal.SIGKILL)
    tigerex_local("down")
    tigerex_local("down")  # and once more does no harm
    assert traces() == before
