"""The operator as a process, with the rights that the chart gives it and no more."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from tests.support.apiserver import ControlPlane, find_binary

ROOT = Path(__file__).parents[2]
NAMESPACE = "tigerex-system"
STOP_SECONDS_MAX = 30


def install(plane: ControlPlane) -> None:
    """Schemas, service account and rights of the charts."""
    folder = ROOT / "charts" / "tigerex-crds" / "templates"
    plane.apply(*(yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))))
    assert plane.kubectl("create", "namespace", NAMESPACE).returncode == 0
    answer = subprocess.run(
        [str(find_binary("helm")), "template", "x", str(ROOT / "charts" / "tigerex"),
         f"--namespace={NAMESPACE}", "--kube-version=1.35.0"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    kinds = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
    plane.apply(
        *(item for item in yaml.safe_load_all(answer.stdout) if item and item["kind"] in kinds)
    )
    wait = plane.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
    assert wait.returncode == 0, wait.stderr


@contextmanager
def operator_process(
    plane: ControlPlane, folder: Path, services: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs the operator until the block ends. `services` is the address of exchange and bots."""
    config = json.loads(plane.kubeconfig.read_text())
    token = plane.kubectl("-n", NAMESPACE, "create", "token", "tigerex-operator", "--duration=1h")
    assert token.returncode == 0, token.stderr
    config["users"][0]["user"] = {"token": token.stdout.strip()}
    (folder / "operator.kubeconfig").write_text(json.dumps(config))
    environment = {
        **os.environ,
        "KUBECONFIG": str(folder / "operator.kubeconfig"),
        "TIGEREX_METRICS_LISTEN": "127.0.0.1:0",
        "TIGEREX_OPERATOR_IDENTITY": "test",
        "TIGEREX_OPERATOR_EXCHANGE_ADDRESS": services,
        "TIGEREX_OPERATOR_BOTS_ADDRESS": services,
        "TIGEREX_OPERATOR_TOKEN_FOLDER": str(folder / "tokens"),
    }
    command = [
        sys.executable,
        "-m",
        "kopf",
        "run",
        "--all-namespaces",
        "-m",
        "tigerex_operator.main",
    ]
    with (folder / "operator.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS_MAX)


async def eventually(check: Callable[[], Any], seconds: float = 30) -> Any:
    """The first true value of the check, which may also raise until then."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            value = await asyncio.to_thread(check)
            if value:
                return value
        except (AssertionError, KeyError, IndexError):
            if asyncio.get_running_loop().time() > deadline:
                raise
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.2)


Patch = Callable[[], Awaitable[None]]


def play_controllers(plane: ControlPlane, namespace: str) -> None:
    """Does once what a cluster's controllers would: workloads become ready, Jobs complete."""
    listed = plane.get("-n", namespace, "deployments,statefulsets,jobs")["items"]
    for item in listed:
        name = f"{item['kind'].lower()}/{item['metadata']['name']}"
        if item["kind"] == "Job":
            status: dict[str, Any] = {
                "startTime": "2026-01-01T00:00:00Z",
                "completionTime": "2026-01-01T00:00:10Z",
                "succeeded": 1,
                "conditions": [
                    {"type": "SuccessCriteriaMet", "status": "True"},
                    {"type": "Complete", "status": "True"},
                ],
            }
        else:
            count = item["spec"]["replicas"]
            names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            status = {
                "observedGeneration": item["metadata"]["generation"],
                **dict.fromkeys(names, count),
            }
        if not status.items() <= item.get("status", {}).items():
            plane.kubectl(
                "-n", namespace, "patch", name, "--subresource=status", "--type=merge",
                "-p", json.dumps({"status": status}),
            )  # fmt: skip
