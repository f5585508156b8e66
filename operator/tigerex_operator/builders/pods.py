"""What all pods have in common: restricted security, credentials in files, bounds on resources."""

from typing import Any

from tigerex_operator.builders.components import GRPC_PORT, METRICS_PORT, Component
from tigerex_operator.builders.meta import Manifest, Owner, labels
from tigerex_operator.settings import OperatorSettings
from tigerex_platform.grpc.options import LIVENESS

USER_ID = 10001
CREDENTIALS = "/run/secrets/tigerex"
TOKEN_SECONDS = 3600
TOKEN_KEYS = "token-keys"  # noqa: S105 - name of a ConfigMap of public keys
DATABASE = "tigerex"
TMP_SIZE = "64Mi"
START_SECONDS_MAX = 300
PROBE_SECONDS = 2
# Two minutes: a process that waits for its database is not ready, and a restart would not help it.
LIVENESS_FAILURES_MAX = 12

CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def build_pod(
    owner: Owner,
    component: str,
    container: Manifest,
    volumes: list[Manifest],
    *,
    instance: str = "",
    identity: str = "",
    grace_seconds: int = 30,
) -> Manifest:
    """A pod template: restricted, with no credentials of the API server, and a bounded /tmp."""
    mounts = [*container.get("volumeMounts", []), {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    return {
        "metadata": {"labels": labels(owner, component, instance)},
        "spec": {
            "serviceAccountName": identity or component,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace_seconds,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER_ID,
                "runAsGroup": USER_ID,
                "fsGroup": USER_ID,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {**container, "securityContext": CONTAINER_SECURITY, "volumeMounts": mounts}
            ],
            "volumes": [*volumes, {"name": "tmp", "emptyDir": {"sizeLimit": TMP_SIZE}}],
        },
    }


def build_role_pod(
    owner: Owner,
    component: Component,
    settings: OperatorSettings,
    issuer: str,
    arguments: list[str],
    *,
    instance: str = "",
    env: dict[str, str] | None = None,
    mounts: list[Manifest] | None = None,
    volumes: list[Manifest] | None = None,
) -> Manifest:
    """The pod of any role of the one image."""
    container: Manifest = {
        "name": component.name,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": arguments,
        "env": env_list({**_environment(owner, component, settings, issuer), **(env or {})}),
        "ports": _ports(component),
        "resources": resources(
            component.cpu_millis, component.memory_mib, component.memory_limit_mib
        ),
        **_probes(),
        "volumeMounts": [
            {"name": "credentials", "mountPath": CREDENTIALS, "readOnly": True},
            *(mounts or []),
        ],
    }
    credentials = {"name": "credentials", "projected": {"sources": _sources(owner, component)}}
    return build_pod(
        owner,
        component.name,
        container,
        [credentials, *(volumes or [])],
        instance=instance,
        identity=component.identity,
    )


def env_list(values: dict[str, str]) -> list[Manifest]:
    """Environment variables in the order of their names."""
    return [{"name": name, "value": values[name]} for name in sorted(values)]


def resources(cpu_millis: int, memory_mib: int, memory_limit_mib: int) -> Manifest:
    """Requests, and a limit of memory only: a CPU limit would add latency to every burst."""
    return {
        "requests": {"cpu": f"{cpu_millis}m", "memory": f"{memory_mib}Mi"},
        "limits": {"memory": f"{memory_limit_mib}Mi"},
    }


def secret_file(secret: str, key: str, path: str) -> Manifest:
    """One key of a Secret as a file of a projected volume."""
    return {"secret": {"name": secret, "items": [{"key": key, "path": path}]}}


def _environment(
    owner: Owner, component: Component, settings: OperatorSettings, issuer: str
) -> dict[str, str]:
    subject = f"system:serviceaccount:{settings.namespace}:{settings.service_account}"
    values = {
        "TIGEREX_TENANT": owner.tenant,
        "TIGEREX_SERVICE": component.name,
        "TIGEREX_TOKEN_FILE": f"{CREDENTIALS}/token",
        "TIGEREX_TOKEN_ISSUER": issuer,
        "TIGEREX_TOKEN_JWKS_FILE": f"{CREDENTIALS}/jwks.json",
        "TIGEREX_OPERATOR_SUBJECT": subject,
        "TIGEREX_LOG_LEVEL": settings.log_level,
    }
    if component.database:
        values["TIGEREX_DATABASE_URL"] = f"postgresql://{component.name}@postgres:5432/{DATABASE}"
        values["TIGEREX_DATABASE_PASSWORD_FILE"] = f"{CREDENTIALS}/database-password"
    if "redis" in component.calls:
        values["TIGEREX_REDIS_URL"] = "redis://redis:6379/0"
        values["TIGEREX_REDIS_PASSWORD_FILE"] = f"{CREDENTIALS}/redis-password"
    if component.secret_key:
        values["TIGEREX_SECRET_KEY_FILE"] = f"{CREDENTIALS}/secret-key"
    if settings.otlp_endpoint:
        values["TIGEREX_OTLP_ENDPOINT"] = settings.otlp_endpoint
    return values


def _sources(owner: Owner, component: Component) -> list[Manifest]:
    token = {"audience": f"tigerex:{owner.tenant}", "expirationSeconds": TOKEN_SECONDS}
    sources: list[Manifest] = [
        {"serviceAccountToken": {**token, "path": "token"}},
        {"configMap": {"name": TOKEN_KEYS, "items": [{"key": "jwks.json", "path": "jwks.json"}]}},
    ]
    if component.database:
        sources.append(secret_file(f"db-{component.name}", "password", "database-password"))
    if "redis" in component.calls:
        sources.append(secret_file("redis", "password", "redis-password"))
    if component.secret_key:
        sources.append(secret_file("secret-key", "key", "secret-key"))
    return sources


def _ports(component: Component) -> list[Manifest]:
    ports: list[Manifest] = [{"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"}]
    if component.http and component.serves:
        ports.append({"name": "http", "containerPort": component.serves[1], "protocol": "TCP"})
    return [*ports, {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}]


def _probes() -> Manifest:
    """Readiness takes a pod out of service, as one that recovers or is on standby; liveness, much
    slower, restarts what no longer answers at all.
    """
    serves: dict[str, Any] = {"grpc": {"port": GRPC_PORT, "service": ""}}
    answers: dict[str, Any] = {"grpc": {"port": GRPC_PORT, "service": LIVENESS}}
    return {
        "startupProbe": {
            **answers,
            "periodSeconds": 1,
            "timeoutSeconds": 2,
            "failureThreshold": START_SECONDS_MAX,
        },
        "readinessProbe": {**serves, "periodSeconds": PROBE_SECONDS, "timeoutSeconds": 2},
        "livenessProbe": {
            **answers,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": LIVENESS_FAILURES_MAX,
        },
    }
