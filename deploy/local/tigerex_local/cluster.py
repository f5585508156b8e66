"""Which cluster: a context that was named, else kind where Docker answers, else the embedded node.

No other cluster is ever touched: every kubectl and helm call gets a kubeconfig that holds only
this one.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tigerex_local import embedded
from tigerex_local.build import binaries, ensure_binaries
from tigerex_local.command import run, succeeds
from tigerex_local.containerd import import_image, remove_other_tags
from tigerex_local.errors import LocalError
from tigerex_local.images import Builder
from tigerex_local.kubeconfig import write_private
from tigerex_local.kubectl import Kubectl
from tigerex_local.layout import Layout
from tigerex_local.node import Node
from tigerex_local.progress import say, step
from tigerex_local.toolchain import find_go

Kind = Literal["context", "kind", "embedded"]

LOCAL_REGISTRY: Final = "docker.io/local"
KIND_MODULE: Final = "sigs.k8s.io/kind@v0.30.0"
KIND_CLUSTER: Final = "tigerex"
KIND_TIMEOUT_S = 600.0
# The node ports of the sample tenant: gateway, exchange, bots, market data, history.
NODE_PORTS: Final = (30080, 30090, 30091, 30092, 30094)
PROMETHEUS_PORT: Final = 30093


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is up: how to reach it, and how it gets images (builder, reference,
    archive).
    """

    kind: Kind
    kubectl: Kubectl
    helm: Path | str
    host: str
    registry: str
    load: Callable[[Builder, str, Path], None]


def choose(context: str | None, wanted: str | None, *, docker: bool) -> Kind:
    """The kind of cluster to use. Raises LocalError for a contradiction."""
    if wanted and wanted not in ("context", "kind", "embedded"):
        raise LocalError(f"cluster {wanted!r}: allowed are context, kind, embedded")
    if context and wanted not in (None, "context"):
        raise LocalError(f"a kubeconfig context and cluster {wanted!r} were both asked for")
    if wanted == "context" and not context:
        raise LocalError("cluster context: name it with --context or TIGEREX_KUBE_CONTEXT")
    if context:
        return "context"
    if wanted:
        return "kind" if wanted == "kind" else "embedded"
    return "kind" if docker else "embedded"


def docker_answers() -> bool:
    return shutil.which("docker") is not None and succeeds("docker", "info", timeout_s=10)


def up(layout: Layout, kind: Kind, context: str | None) -> Cluster:
    """Brings the chosen cluster up and writes the kubeconfig of it alone."""
    if kind == "context":
        return _use_context(layout, str(context))
    if kind == "kind":
        return _kind_up(layout)
    return _embedded_up(layout)


def down(layout: Layout, kind: Kind, *, purge: bool) -> None:
    """Stops what `up` started. A context's cluster is left alone: it was there before us."""
    if kind == "kind":
        kind_program = _kind(layout)
        run(kind_program, "delete", "cluster", f"--name={KIND_CLUSTER}", timeout_s=KIND_TIMEOUT_S)
    elif kind == "embedded":
        require_root()
        node = Node(layout)
        node.remove()
        if purge:
            node.purge()
        elif layout.state.exists():
            say(f"The cluster's data stays in {layout.state}; `make purge` deletes it.")
    for file in (layout.kubeconfig, layout.env):
        file.unlink(missing_ok=True)


def require_root() -> None:
    if os.geteuid() != 0:
        raise LocalError(
            "the embedded node needs root (network, mounts): use sudo, start Docker for kind, "
            "or name a kubeconfig context in TIGEREX_KUBE_CONTEXT"
        )


def _embedded_up(layout: Layout) -> Cluster:
    require_root()
    kubectl = embedded.up(layout)
    embedded.wait_for_storage(layout, kubectl)

    def load(_: Builder, image: str, archive: Path) -> None:
        if import_image(layout, image, archive):
            remove_other_tags(layout, image)

    return Cluster(
        kind="embedded",
        kubectl=kubectl,
        helm=binaries(layout) / "helm",
        host="127.0.0.1",
        registry=LOCAL_REGISTRY,
        load=load,
    )


def _kind_up(layout: Layout) -> Cluster:
    kind_program = _kind(layout)
    if KIND_CLUSTER not in run(kind_program, "get", "clusters").split():
        with step("Making a kind cluster"):
            config = layout.cache / "kind.json"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text(json.dumps(kind_config()))
            run(
                *(kind_program, "create", "cluster", f"--name={KIND_CLUSTER}", "--wait=300s"),
                *(f"--config={config}", f"--kubeconfig={layout.cache / 'kind.kubeconfig'}"),
                timeout_s=KIND_TIMEOUT_S,
            )
    write_private(
        layout.kubeconfig, run(kind_program, "get", "kubeconfig", f"--name={KIND_CLUSTER}")
    )

    def load(_: Builder, __: str, archive: Path) -> None:
        command = (kind_program, "load", "image-archive", f"--name={KIND_CLUSTER}", archive)
        run(*command, timeout_s=KIND_TIMEOUT_S)

    return Cluster(
        kind="kind",
        kubectl=Kubectl(tool(layout, "kubectl"), layout.kubeconfig),
        helm=tool(layout, "helm"),
        host="127.0.0.1",
        registry=LOCAL_REGISTRY,
        load=load,
    )


def kind_config() -> dict[str, object]:
    """One node whose sample ports answer at 127.0.0.1 of the host."""
    ports = [
        {"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1"}
        for port in (*NODE_PORTS, PROMETHEUS_PORT)
    ]
    return {
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "nodes": [{"role": "control-plane", "extraPortMappings": ports}],
    }


def _kind(layout: Layout) -> Path:
    """kind from PATH, or built from its Go module."""
    found = shutil.which("kind")
    if found:
        return Path(found)
    folder = layout.cache / "tools" / KIND_MODULE.rsplit("@", 1)[1]
    if not (folder / "kind").exists():
        go = find_go(layout)
        with step("Building kind from its Go module (once)"):
            run(
                *(go, "install", KIND_MODULE),
                env={"GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": ""},
                timeout_s=KIND_TIMEOUT_S,
            )
    return folder / "kind"


def _use_context(layout: Layout, context: str) -> Cluster:
    registry = os.environ.get("TIGEREX_REGISTRY")
    if not registry:
        raise LocalError(
            f"context {context}: set TIGEREX_REGISTRY to a registry that its nodes can pull from "
            "and you can push to, such as ghcr.io/your-name"
        )
    kubectl_program = tool(layout, "kubectl")
    config = run(kubectl_program, "config", "view", "--minify", "--flatten", f"--context={context}")
    write_private(layout.kubeconfig, config)
    kubectl = Kubectl(kubectl_program, layout.kubeconfig)
    node = kubectl.get("nodes")["items"][0]

    def load(builder: Builder, image: str, _: Path) -> None:
        builder.push(image)

    return Cluster(
        kind="context",
        kubectl=kubectl,
        helm=tool(layout, "helm"),
        host=node_address(node),
        registry=registry,
        load=load,
    )


def node_address(node: dict[str, dict[str, list[dict[str, str]]]]) -> str:
    """Where a node's NodePorts are reached: its external address, or else its internal one."""
    by_type = {entry["type"]: entry["address"] for entry in node["status"]["addresses"]}
    return by_type.get("ExternalIP") or by_type["InternalIP"]


def tool(layout: Layout, name: str) -> Path:
    """kubectl or helm from PATH, or else our own build."""
    found = shutil.which(name)
    return Path(found) if found else ensure_binaries(layout) / name
