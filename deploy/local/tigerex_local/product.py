"""TigerEx on a cluster: images, charts, samples, and the file that tells how to reach it."""

import base64
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tigerex_local import images, troubles
from tigerex_local.build import user_tools
from tigerex_local.cluster import NODE_PORTS, PROMETHEUS_PORT, Cluster
from tigerex_local.command import run
from tigerex_local.errors import CommandError, LocalError
from tigerex_local.images import Builder, ImageSource
from tigerex_local.kubeconfig import write_private
from tigerex_local.kubectl import Kubectl
from tigerex_local.layout import Layout
from tigerex_local.progress import step, wait_until

NAMESPACE: Final = "tigerex-system"
TENANT: Final = "demo"
API_KEY_SECRET: Final = "demo-api-key"  # noqa: S105 - a name
HELM_TIMEOUT_S = 300.0
RELEASE_TIMEOUT_S = 180.0
SAMPLES_TIMEOUT_S = 300.0
VERIFY_TIMEOUT_S = 600.0
_ENV_PORTS: Final = {
    "TIGEREX_URL": (NODE_PORTS[0], "http://"),
    "TIGEREX_GRPC": (NODE_PORTS[1], ""),
    "TIGEREX_BOTS_GRPC": (NODE_PORTS[2], ""),
    "TIGEREX_MARKETDATA_GRPC": (NODE_PORTS[3], ""),
    "TIGEREX_HISTORY_GRPC": (NODE_PORTS[4], ""),
    "TIGEREX_PROMETHEUS": (PROMETHEUS_PORT, "http://"),
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A custom resource and what became of it."""

    kind: str
    name: str
    namespace: str
    ready: bool
    message: str


def build_images(layout: Layout, cluster: Cluster, builder: Builder) -> dict[str, str]:
    """Name -> reference of every image that the cluster needs; they are on it when this returns."""
    # Only the embedded node has no registry to take PostgreSQL, Redis and Prometheus from.
    siblings: tuple[ImageSource, ...] = images.SIBLINGS if cluster.kind == "embedded" else ()
    references: dict[str, str] = {}
    for source in (images.PRODUCT, *siblings):
        image = images.reference(layout, source, cluster.registry)
        archive = images.ensure_image(layout, builder, source, image)
        cluster.load(builder, image, archive)
        references[source.name] = image
    return references


def install(layout: Layout, cluster: Cluster, references: Mapping[str, str]) -> None:
    """Both charts, by Helm: doing it again upgrades, and changes nothing when nothing changed."""
    with step("Installing the charts"):
        _helm_upgrade(layout, cluster, "tigerex-crds", [])
        values = [
            f"--set-json={name}={json.dumps(value)}"
            for name, value in chart_values(references).items()
        ]
        _helm_upgrade(layout, cluster, "tigerex", values)


def wait_for_release(kubectl: Kubectl) -> None:
    """Until the operator and Prometheus of this release run; meanwhile it says what is wrong, if
    anything.
    """
    with step("Waiting for the operator and Prometheus") as current:

        def available() -> bool:
            current.detail = troubles.summary(kubectl, NAMESPACE)
            found = kubectl.get("deployments", f"--namespace={NAMESPACE}")["items"]
            return bool(found) and all(is_rolled_out(deployment) for deployment in found)

        try:
            wait_until("the release", available, timeout_s=RELEASE_TIMEOUT_S, poll_s=1)
        except LocalError as error:
            raise LocalError(f"{error}\n{troubles.report(kubectl, NAMESPACE)}") from error


def is_rolled_out(deployment: Mapping[str, Any]) -> bool:
    """Whether every replica is of the newest template and available, and no older one is left."""
    status: Mapping[str, int] = deployment["status"]
    wanted: int = deployment["spec"]["replicas"]
    counted = ("updatedReplicas", "availableReplicas", "replicas")
    current: int = deployment["metadata"]["generation"]
    return status.get("observedGeneration", 0) == current and all(
        status.get(name, 0) == wanted for name in counted
    )


def chart_values(references: Mapping[str, str]) -> dict[str, str | int]:
    """Image references as values of the chart `tigerex`."""
    repository, tag = references["tigerex"].rsplit(":", 1)
    values: dict[str, str | int] = {"image.repository": repository, "image.tag": tag}
    values["prometheus.service.type"] = "NodePort"
    values["prometheus.service.nodePort"] = PROMETHEUS_PORT
    for name in ("postgres", "redis", "prometheus"):
        if name in references:
            repository, tag = references[name].rsplit(":", 1)
            values[f"{name}.image.repository"] = repository
            values[f"{name}.image.tag"] = tag
    return values


def _helm_upgrade(layout: Layout, cluster: Cluster, chart: str, values: list[str]) -> None:
    run(
        *(cluster.helm, f"--kubeconfig={cluster.kubectl.kubeconfig}", "upgrade", "--install"),
        *(chart, layout.repository / "charts" / chart, f"--namespace={NAMESPACE}"),
        *("--create-namespace", f"--timeout={HELM_TIMEOUT_S:.0f}s", *values),
        timeout_s=HELM_TIMEOUT_S + 10,
    )


def apply_samples(layout: Layout, kubectl: Kubectl) -> None:
    """Applies deploy/samples by name: the tenant first, the others once its namespace is there."""
    tenant, *others = sorted((layout.repository / "deploy" / "samples").glob("*.yaml"))
    with step("Applying the samples") as current:
        _apply_file(kubectl, tenant)
        wait_until(
            f"namespace {TENANT}",
            lambda: _exists(kubectl, "namespace", TENANT),
            timeout_s=SAMPLES_TIMEOUT_S,
        )
        for file in others:
            current.detail = file.name
            _apply_file(kubectl, file)


def _apply_file(kubectl: Kubectl, file: Path) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", f"--filename={file}")


def wait_for_samples(kubectl: Kubectl) -> None:
    """Until every sample is Ready; meanwhile it says what is not, and why."""
    with step("Waiting for the samples to be Ready") as current:

        def all_ready() -> bool:
            found = sample_resources(kubectl)
            waiting = [resource for resource in found if not resource.ready]
            current.detail = describe(waiting) or "none is there yet"
            return bool(found) and not waiting

        try:
            wait_until("samples Ready", all_ready, timeout_s=SAMPLES_TIMEOUT_S, poll_s=1)
        except LocalError as error:
            raise LocalError(
                f"{error}: {current.detail}\n{troubles.report(kubectl, TENANT)}"
            ) from error


def describe(waiting: list[Resource]) -> str:
    """`Tenant demo (waiting for postgres), Market btc-usdt`."""
    return ", ".join(
        f"{resource.kind} {resource.name}" + (f" ({resource.message})" if resource.message else "")
        for resource in waiting
    )


def sample_resources(kubectl: Kubectl) -> list[Resource]:
    """The sample tenant, and the markets and bots in its namespace, as they are now."""
    try:
        items = [kubectl.get("tenants.tigerex.dev", TENANT)]
        for kind in ("markets.tigerex.dev", "tradingbots.tigerex.dev"):
            items += kubectl.get(kind, f"--namespace={TENANT}")["items"]
    except CommandError:
        return []
    return [parse_resource(item) for item in items]


def parse_resource(item: Mapping[str, Any]) -> Resource:
    """Ready counts only for the generation that is asked for now."""
    metadata, status = item["metadata"], item.get("status", {})
    ready: Mapping[str, Any] = next(
        (c for c in status.get("conditions", []) if c["type"] == "Ready"), {}
    )
    observed = ready.get("observedGeneration", status.get("observedGeneration", 0))
    current = observed == metadata.get("generation", 0)
    return Resource(
        kind=item["kind"],
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        ready=ready.get("status") == "True" and current,
        message=str(ready.get("message", "")),
    )


def _exists(kubectl: Kubectl, kind: str, name: str) -> bool:
    try:
        kubectl("get", kind, name)
    except CommandError:
        return False
    return True


def write_env(layout: Layout, cluster: Cluster) -> Mapping[str, str]:
    """`.local/env`: where everything is, and the demo user's API key. For its owner's eyes only."""
    secret = cluster.kubectl.get("secret", API_KEY_SECRET, f"--namespace={TENANT}")["data"]
    values = {"KUBECONFIG": str(layout.kubeconfig)}
    for name, (port, scheme) in _ENV_PORTS.items():
        values[name] = f"{scheme}{cluster.host}:{port}"
    values["TIGEREX_API_KEY"] = base64.b64decode(secret["key"]).decode()
    values["TIGEREX_API_SECRET"] = base64.b64decode(secret["secret"]).decode()
    path = f'export PATH="$PATH:{user_tools(layout)}"\n' if cluster.kind == "embedded" else ""
    write_private(layout.env, render_env(values) + path)
    return values


def render_env(values: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def farewell(layout: Layout, values: Mapping[str, str]) -> str:
    """What the reader may want to do next."""
    env = os.path.relpath(layout.env, Path.cwd())
    return f"""
TigerEx is up.

  {values["TIGEREX_URL"]}/docs   the API
  {values["TIGEREX_GRPC"]}               gRPC (exchange)
  {values["TIGEREX_PROMETHEUS"]}        Prometheus

  . {env}
  kubectl -n {TENANT} get tradingbots -w    bots trading
  kubectl -n {TENANT} get pods              what runs
  make verify                          prove the books
  make down                            stop everything
"""


def verify(kubectl: Kubectl) -> str:
    """Runs the core's own verification on the live journal, in the exchange's pod; what it
    checked.
    """
    return kubectl(
        *(f"--namespace={TENANT}", "exec", "deployment/exchange", "--"),
        *("tigerex", "exchange", "--verify"),
        timeout_s=VERIFY_TIMEOUT_S,
    )
