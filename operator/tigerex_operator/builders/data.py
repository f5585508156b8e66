"""PostgreSQL and Redis of a tenant.

The images are the official ones, or ones that keep their conventions.
"""

from tigerex_operator.builders.components import POSTGRES_PORT, REDIS_PORT
from tigerex_operator.builders.meta import Manifest, Owner, build_object, selector
from tigerex_operator.builders.pods import (
    CREDENTIALS,
    DATABASE,
    build_pod,
    env_list,
    resources,
    secret_file,
)
from tigerex_operator.builders.workloads import build_service
from tigerex_operator.models.tenant import StorageSpec
from tigerex_operator.settings import OperatorSettings

DATA_FOLDER = "/var/lib/postgresql/data"
SHARED_MEMORY = "256Mi"
REDIS_MEMORY = "256mb"
# PostgreSQL ends connections, writes a checkpoint and stops within this.
POSTGRES_STOP_SECONDS_MAX = 60


def build_postgres(
    owner: Owner, storage: StorageSpec, settings: OperatorSettings, *, replicas: int
) -> list[Manifest]:
    """Headless Service and StatefulSet. The volume outlives both."""
    container: Manifest = {
        "name": "postgres",
        "image": settings.postgres_image,
        "imagePullPolicy": settings.image_pull_policy,
        "env": env_list(
            {
                "PGDATA": f"{DATA_FOLDER}/pgdata",
                "POSTGRES_DB": DATABASE,
                "POSTGRES_INITDB_ARGS": "--auth-host=scram-sha-256",
                "POSTGRES_PASSWORD_FILE": f"{CREDENTIALS}/password",
                "POSTGRES_USER": "postgres",
            }
        ),
        "ports": [{"name": "postgres", "containerPort": POSTGRES_PORT, "protocol": "TCP"}],
        "resources": resources(100, 256, 1024),
        **_postgres_probes(),
        "volumeMounts": [
            {"name": "data", "mountPath": DATA_FOLDER},
            {"name": "credentials", "mountPath": CREDENTIALS, "readOnly": True},
            {"name": "run", "mountPath": "/var/run/postgresql"},
            {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }
    volumes: list[Manifest] = [
        {
            "name": "credentials",
            "projected": {"sources": [secret_file("postgres-admin", "password", "password")]},
        },
        {"name": "run", "emptyDir": {"sizeLimit": "16Mi"}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": SHARED_MEMORY}},
    ]
    pod = build_pod(owner, "postgres", container, volumes, grace_seconds=POSTGRES_STOP_SECONDS_MAX)
    spec = {
        "replicas": replicas,
        "serviceName": "postgres",
        "selector": {"matchLabels": selector(owner, "postgres")},
        "template": pod,
        "volumeClaimTemplates": [_claim(storage)],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    }
    return [
        build_service(owner, "postgres", ("postgres", POSTGRES_PORT), headless=True),
        build_object("apps/v1", "StatefulSet", owner, "postgres", "postgres", {"spec": spec}),
    ]


def build_redis(owner: Owner, settings: OperatorSettings, *, replicas: int) -> list[Manifest]:
    """Service and Deployment.

    Nothing is kept on disk: what streams lose is filled from the journal.
    """
    container: Manifest = {
        "name": "redis",
        "image": settings.redis_image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["redis-server"],
        "args": [
            *("--port", str(REDIS_PORT)),
            *("--aclfile", f"{CREDENTIALS}/users.acl"),
            *("--save", "", "--appendonly", "no", "--dir", "/tmp"),  # noqa: S108
            *("--maxmemory", REDIS_MEMORY, "--maxmemory-policy", "allkeys-lru"),
        ],
        "ports": [{"name": "redis", "containerPort": REDIS_PORT, "protocol": "TCP"}],
        "resources": resources(50, 64, 384),
        "startupProbe": {
            "tcpSocket": {"port": REDIS_PORT},
            "periodSeconds": 1,
            "failureThreshold": 60,
        },
        "readinessProbe": {"tcpSocket": {"port": REDIS_PORT}, "periodSeconds": 5},
        "livenessProbe": {"tcpSocket": {"port": REDIS_PORT}, "periodSeconds": 10},
        "volumeMounts": [{"name": "credentials", "mountPath": CREDENTIALS, "readOnly": True}],
    }
    volumes: list[Manifest] = [
        {
            "name": "credentials",
            "projected": {"sources": [secret_file("redis", "users.acl", "users.acl")]},
        }
    ]
    spec = {
        "replicas": replicas,
        "revisionHistoryLimit": 2,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector(owner, "redis")},
        "template": build_pod(owner, "redis", container, volumes),
    }
    return [
        build_service(owner, "redis", ("redis", REDIS_PORT)),
        build_object("apps/v1", "Deployment", owner, "redis", "redis", {"spec": spec}),
    ]


def _claim(storage: StorageSpec) -> Manifest:
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.class_name is not None:
        spec["storageClassName"] = storage.class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": spec,
    }


def _postgres_probes() -> Manifest:
    """Over TCP on purpose: while it is being initialised, a database listens on its socket only."""
    check = {
        "exec": {"command": ["pg_isready", "-h", "127.0.0.1", "-U", "postgres", "-d", DATABASE]}
    }
    return {
        "startupProbe": {**check, "periodSeconds": 1, "timeoutSeconds": 3, "failureThreshold": 300},
        "readinessProbe": {**check, "periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": {
            **check,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
    }
