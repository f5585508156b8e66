"""Whether a workload stands, from its own status."""

from collections.abc import Iterable
from typing import Any

from tigerex_operator.apply.children import Children, OwnerKey
from tigerex_operator.builders.meta import READY_REPLICAS, Manifest

WORKLOAD_KINDS = ("Deployment", "StatefulSet")


def rolled_out(live: Manifest | None) -> bool:
    """Whether all replicas of a Deployment or StatefulSet are of its newest template and ready; of
    one with standbys, which are not, as many as it says."""
    if live is None:
        return False
    status: dict[str, Any] = live.get("status", {})
    replicas = live["spec"].get("replicas", 1)
    observed = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
    updated = status.get("updatedReplicas", 0) >= replicas
    needed = int(live["metadata"].get("annotations", {}).get(READY_REPLICAS, replicas))
    available = status.get("readyReplicas", 0) >= min(replicas, needed)
    surplus = status.get("replicas", 0) > replicas
    return observed and updated and available and not surplus


def job_finished(live: Manifest | None) -> str:
    """`Complete`, `Failed` or "" while a Job runs."""
    for condition in (live or {}).get("status", {}).get("conditions", []):
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["type"])
    return ""


def waiting_for(children: Children, owner: OwnerKey, manifests: Iterable[Manifest]) -> list[str]:
    """Names of the workloads among the manifests that do not stand yet."""
    return [
        manifest["metadata"]["name"]
        for manifest in manifests
        if manifest["kind"] in WORKLOAD_KINDS
        and not rolled_out(children.get(owner, manifest["kind"], manifest["metadata"]["name"]))
    ]


def rollout_stuck(children: Children, owner: OwnerKey, manifests: Iterable[Manifest]) -> list[str]:
    """Names of the Deployments among the manifests that passed their progress deadline."""
    return [
        manifest["metadata"]["name"]
        for manifest in manifests
        if _reason_seen(
            children.get(owner, manifest["kind"], manifest["metadata"]["name"]),
            "ProgressDeadlineExceeded",
        )
    ]


def _reason_seen(live: Manifest | None, reason: str) -> bool:
    conditions = (live or {}).get("status", {}).get("conditions", [])
    return any(condition.get("reason") == reason for condition in conditions)
