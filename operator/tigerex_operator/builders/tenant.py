"""Everything that a Tenant becomes, in the order in which it can stand: fence, data, schema,
services.
"""

import json

from tigerex_operator.builders.components import (
    DATABASE_SERVICES,
    EXCHANGE,
    GATEWAY,
    RUNNER,
    SERVICES,
    Component,
)
from tigerex_operator.builders.credentials import build_token_keys
from tigerex_operator.builders.data import build_postgres, build_redis
from tigerex_operator.builders.meta import (
    MANAGED_BY,
    PART_OF,
    TENANT_LABEL,
    Manifest,
    Owner,
    build_object,
    content_hash,
)
from tigerex_operator.builders.network import MIGRATE, build_network_policies
from tigerex_operator.builders.pods import (
    CREDENTIALS,
    DATABASE,
    build_pod,
    build_role_pod,
    env_list,
    resources,
    secret_file,
)
from tigerex_operator.builders.workloads import (
    build_deployment,
    build_disruption_budget,
    build_service,
    build_service_account,
)
from tigerex_operator.models.tenant import StorageSpec, TenantSpec
from tigerex_operator.settings import OperatorSettings

MIGRATE_SECONDS_MAX = 600
MIGRATE_RETRIES_MAX = 6


def build_namespace(owner: Owner) -> Manifest:
    """The tenant's namespace. It is labelled as the tenant's, and admits restricted pods only.

    It carries no owner labels: neither pruning nor a collector of garbage may ever touch it.
    """
    labels = {
        TENANT_LABEL: owner.tenant,
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": MANAGED_BY,
        **{
            f"pod-security.kubernetes.io/{mode}": "restricted"
            for mode in ("audit", "enforce", "warn")
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": owner.tenant, "labels": labels},
    }


def build_foundation(
    owner: Owner, spec: TenantSpec, settings: OperatorSettings, jwks: str
) -> list[Manifest]:
    """What must stand before any pod of ours: identities, the fence, keys, bounds."""
    accounts = ("postgres", "redis", MIGRATE, *(c.name for c in SERVICES), "feed")
    exposed = spec.expose.type == "NodePort"
    return [
        *(build_service_account(owner, name) for name in accounts),
        *build_network_policies(owner, settings, open_to_all=exposed),
        build_token_keys(owner, jwks),
        *_build_quota(owner, spec),
    ]


def build_data(owner: Owner, spec: TenantSpec, settings: OperatorSettings) -> list[Manifest]:
    """PostgreSQL and Redis."""
    replicas = 0 if spec.suspended else 1
    return [
        *build_postgres(owner, spec.storage or StorageSpec(), settings, replicas=replicas),
        *build_redis(owner, settings, replicas=replicas),
        build_disruption_budget(owner, "postgres"),
        build_disruption_budget(owner, "redis"),
    ]


def build_migrate_job(owner: Owner, settings: OperatorSettings) -> Manifest:
    """Brings the database to the schema of this image.

    Another image, or another pod, is another Job.
    """
    roles = f"{CREDENTIALS}/roles"
    container: Manifest = {
        "name": MIGRATE,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": ["migrate"],
        "env": env_list(
            {
                "TIGEREX_TENANT": owner.tenant,
                "TIGEREX_SERVICE": MIGRATE,
                "TIGEREX_DATABASE_URL": f"postgresql://postgres@postgres:5432/{DATABASE}",
                "TIGEREX_DATABASE_PASSWORD_FILE": f"{CREDENTIALS}/admin-password",
                "TIGEREX_ROLE_PASSWORDS_DIR": roles,
                "TIGEREX_LOG_LEVEL": settings.log_level,
            }
        ),
        "resources": resources(50, 128, 512),
        "volumeMounts": [{"name": "credentials", "mountPath": CREDENTIALS, "readOnly": True}],
    }
    sources = [secret_file("postgres-admin", "password", "admin-password")]
    sources += [
        secret_file(f"db-{name}", "password", f"roles/{name}") for name in DATABASE_SERVICES
    ]
    volumes: list[Manifest] = [{"name": "credentials", "projected": {"sources": sources}}]
    pod = build_pod(owner, MIGRATE, container, volumes)
    pod["spec"]["restartPolicy"] = "OnFailure"
    spec = {
        "backoffLimit": MIGRATE_RETRIES_MAX,
        "activeDeadlineSeconds": MIGRATE_SECONDS_MAX,
        "template": pod,
    }
    return build_object(
        "batch/v1", "Job", owner, f"{MIGRATE}-{content_hash(pod)}", MIGRATE, {"spec": spec}
    )


def build_services(
    owner: Owner, spec: TenantSpec, settings: OperatorSettings, issuer: str
) -> list[Manifest]:
    """Deployment, Service and disruption budget of every component that the tenant has."""
    manifests: list[Manifest] = []
    for component in SERVICES:
        if component.feature and not getattr(spec.features, component.feature):
            continue
        env = {"TIGEREX_BRANDING": _branding(owner, spec)} if component is GATEWAY else None
        pod = build_role_pod(owner, component, settings, issuer, [component.name], env=env)
        standbys = int(component is EXCHANGE and spec.standby and not spec.suspended)
        replicas = 0 if spec.suspended else spec.runners if component is RUNNER else 1 + standbys
        manifests += [
            build_deployment(
                owner, component, component.name, pod, replicas=replicas, standbys=standbys
            ),
            build_disruption_budget(owner, component.name, standbys=standbys),
        ]
        if component.serves is not None:
            manifests.append(_build_component_service(owner, spec, component, component.serves))
    return manifests


def _branding(owner: Owner, spec: TenantSpec) -> str:
    """What the gateway's page is told, as one document in its environment."""
    given = spec.branding
    branding = given.model_dump(mode="json", by_alias=True, exclude_none=True) if given else {}
    text = json.dumps({"name": spec.display_name or owner.name, **branding}, sort_keys=True)
    # Kubernetes expands $(NAME) in values; a name may have a dollar sign.
    return text.replace("$", "\\u0024")


def _build_component_service(
    owner: Owner, spec: TenantSpec, component: Component, port: tuple[str, int]
) -> Manifest:
    exposed = component.exposable and spec.expose.type == "NodePort"
    ports = spec.expose.node_ports
    return build_service(
        owner,
        component.name,
        port,
        service_type="NodePort" if exposed else "ClusterIP",
        node_port=getattr(ports, component.name) if exposed and ports else None,
    )


def _build_quota(owner: Owner, spec: TenantSpec) -> list[Manifest]:
    if spec.quota is None:
        return []
    bounds = {
        "requests.cpu": spec.quota.cpu,
        "limits.memory": spec.quota.memory,
        "pods": None if spec.quota.pods is None else str(spec.quota.pods),
    }
    hard = {name: value for name, value in bounds.items() if value is not None}
    return [build_object("v1", "ResourceQuota", owner, "tenant", "quota", {"spec": {"hard": hard}})]
