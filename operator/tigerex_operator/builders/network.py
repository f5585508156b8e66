"""The network fence: nothing is allowed but what the table of components says.

The second fence, behind credentials.
"""

from tigerex_operator.builders.components import (
    ALL,
    METRICS_PORT,
    POSTGRES_PORT,
    REDIS_PORT,
    Component,
    callers_of,
)
from tigerex_operator.builders.meta import TENANT_LABEL, Manifest, Owner, build_object
from tigerex_operator.settings import OperatorSettings

DNS_PORT = 53
STORES = {"postgres": POSTGRES_PORT, "redis": REDIS_PORT}
MIGRATE = "migrate"


def build_network_policies(
    owner: Owner, settings: OperatorSettings, *, open_to_all: bool
) -> list[Manifest]:
    """Deny everything, then one policy a component.

    `open_to_all`: node ports take callers from anywhere.
    """
    operator = [{"namespaceSelector": _name_is(settings.namespace)}]
    stores = [
        _policy(owner, name, ingress=[_rule([port], _pods(owner, _store_callers(name)))], egress=[])
        for name, port in STORES.items()
    ]
    migrate = _policy(
        owner, MIGRATE, ingress=[], egress=[_to_rule([POSTGRES_PORT], _pods(owner, ("postgres",)))]
    )
    services = [
        _component_policy(owner, component, operator, settings, open_to_all=open_to_all)
        for component in ALL
    ]
    return [_deny_all(owner), *stores, migrate, *services]


def _component_policy(
    owner: Owner,
    component: Component,
    operator: list[Manifest],
    settings: OperatorSettings,
    *,
    open_to_all: bool,
) -> Manifest:
    ingress = [_rule([METRICS_PORT], operator)]
    if component.serves is not None:
        port = component.serves[1]
        peers = _pods(owner, callers_of(component.name))
        peers += operator if component.operator_calls else []
        if open_to_all and component.exposable:
            ingress.append({"ports": [{"protocol": "TCP", "port": port}]})
        elif peers:
            ingress.append(_rule([port], peers))
    egress = [_to_rule([_port_of(name)], _pods(owner, (name,))) for name in component.calls]
    if settings.otlp_endpoint:
        egress.append(
            {"ports": [{"protocol": "TCP", "port": _endpoint_port(settings.otlp_endpoint)}]}
        )
    return _policy(owner, component.name, ingress=ingress, egress=egress)


def _deny_all(owner: Owner) -> Manifest:
    """Selects every pod. Names are looked up by everyone, whether the DNS server is a pod or on the
    node.
    """
    dns = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{"ports": dns}]}
    return _object(owner, "default-deny", spec)


def _policy(
    owner: Owner, component: str, *, ingress: list[Manifest], egress: list[Manifest]
) -> Manifest:
    spec: Manifest = {
        "podSelector": {"matchLabels": _labels(owner, component)},
        "policyTypes": ["Ingress", "Egress"],
    }
    if ingress:
        spec["ingress"] = ingress
    if egress:
        spec["egress"] = egress
    return _object(owner, component, spec)


def _object(owner: Owner, name: str, spec: Manifest) -> Manifest:
    return build_object("networking.k8s.io/v1", "NetworkPolicy", owner, name, name, {"spec": spec})


def _store_callers(store: str) -> tuple[str, ...]:
    callers = callers_of(store)
    return (*callers, MIGRATE) if store == "postgres" else callers


def _port_of(name: str) -> int:
    if name in STORES:
        return STORES[name]
    component = next(component for component in ALL if component.name == name)
    if component.serves is None:
        raise ValueError(f"{name} is called but serves nothing")
    return component.serves[1]


def _endpoint_port(endpoint: str) -> int:
    return int(endpoint.rstrip("/").rpartition(":")[2])


def _labels(owner: Owner, component: str) -> Manifest:
    return {"app.kubernetes.io/name": component, TENANT_LABEL: owner.tenant}


def _pods(owner: Owner, components: tuple[str, ...]) -> list[Manifest]:
    return [{"podSelector": {"matchLabels": _labels(owner, name)}} for name in components]


def _name_is(namespace: str) -> Manifest:
    return {"matchLabels": {"kubernetes.io/metadata.name": namespace}}


def _rule(ports: list[int], peers: list[Manifest]) -> Manifest:
    return {"ports": [{"protocol": "TCP", "port": port} for port in ports], "from": peers}


def _to_rule(ports: list[int], peers: list[Manifest]) -> Manifest:
    return {"ports": [{"protocol": "TCP", "port": port} for port in ports], "to": peers}
