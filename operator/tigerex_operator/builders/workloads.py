"""The one builder of Deployments, Services and disruption budgets for every component."""

from tigerex_operator.builders.components import Component
from tigerex_operator.builders.meta import READY_REPLICAS, Manifest, Owner, build_object, selector

REVISIONS_KEPT = 2
ROLLOUT_SECONDS_MAX = 600


def build_deployment(
    owner: Owner,
    component: Component,
    name: str,
    pod: Manifest,
    *,
    replicas: int,
    standbys: int = 0,
) -> Manifest:
    """A Deployment named `name`. A singleton's old pods end before its new ones start.

    `standbys` of the replicas wait for the one at work to end, and are not ready until then.
    """
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    deployment = build_object(
        "apps/v1",
        "Deployment",
        owner,
        name,
        component.name,
        {
            "spec": {
                "replicas": replicas,
                "revisionHistoryLimit": REVISIONS_KEPT,
                "progressDeadlineSeconds": ROLLOUT_SECONDS_MAX,
                "strategy": {"type": "Recreate"} if component.singleton else rolling,
                "selector": {"matchLabels": selector(owner, component.name, name)},
                "template": pod,
            }
        },
        instance=name,
    )
    if standbys:
        deployment["metadata"]["annotations"] = {READY_REPLICAS: str(replicas - standbys)}
    return deployment


def build_service(
    owner: Owner,
    name: str,
    port: tuple[str, int],
    *,
    service_type: str = "ClusterIP",
    node_port: int | None = None,
    headless: bool = False,
) -> Manifest:
    """A Service of one port, for the component of the same name."""
    port_name, number = port
    entry: Manifest = {
        "name": port_name,
        "port": number,
        "protocol": "TCP",
        "targetPort": port_name,
    }
    if port_name in ("grpc", "http"):
        entry["appProtocol"] = port_name
    if node_port is not None:
        entry["nodePort"] = node_port
    spec: Manifest = {"type": service_type, "selector": selector(owner, name), "ports": [entry]}
    if headless:
        spec["clusterIP"] = "None"
    return build_object("v1", "Service", owner, name, name, {"spec": spec})


def build_disruption_budget(owner: Owner, component: str, *, standbys: int = 0) -> Manifest:
    """A node may be drained: one pod at a time may go, and a single one can be moved."""
    spec = {"maxUnavailable": 1 + standbys, "selector": {"matchLabels": selector(owner, component)}}
    return build_object(
        "policy/v1", "PodDisruptionBudget", owner, component, component, {"spec": spec}
    )


def build_service_account(owner: Owner, component: str) -> Manifest:
    """The identity of a component.

    It holds no permission in the cluster; its name is its role among the services.
    """
    content = {"automountServiceAccountToken": False}
    return build_object("v1", "ServiceAccount", owner, component, component, content)
