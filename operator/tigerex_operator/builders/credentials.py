"""Secrets that are made once, with the namespace, and never changed by the operator again."""

import base64
import hashlib
import os
import secrets

from tigerex_operator.builders.components import DATABASE_SERVICES
from tigerex_operator.builders.meta import Manifest, Owner, build_object
from tigerex_operator.builders.pods import TOKEN_KEYS

PASSWORD_BYTES = 32
FERNET_KEY_BYTES = 32

API_KEY_SECRET = "demo-api-key"  # noqa: S105 - its name
# What the demo user was credited with, on the namespace: as old as the data itself.
CREDITED_ANNOTATION = "tigerex.dev/credited"

SECRET_NAMES = (
    "postgres-admin",
    *(f"db-{service}" for service in DATABASE_SERVICES),
    "redis",
    "secret-key",
)


def new_secret_data(name: str) -> dict[str, str]:
    """Fresh random content for one of SECRET_NAMES.

    Redis learns only the hash of its password, from an ACL file, so the password is in no command
    line.
    """
    if name == "secret-key":
        return {"key": base64.urlsafe_b64encode(os.urandom(FERNET_KEY_BYTES)).decode()}
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    if name == "redis":
        digest = hashlib.sha256(password.encode()).hexdigest()
        return {"password": password, "users.acl": f"user default on #{digest} ~* &* +@all\n"}
    return {"password": password}


def build_secret(owner: Owner, name: str, data: dict[str, str]) -> Manifest:
    """A Secret of the tenant.

    It is created where there is none, and never applied over an existing one.
    """
    return build_object("v1", "Secret", owner, name, name, {"type": "Opaque", "stringData": data})


def build_token_keys(owner: Owner, jwks: str) -> Manifest:
    """Public keys by which the tenant's processes check each other's tokens: they need no way to
    the API server.
    """
    return build_object(
        "v1", "ConfigMap", owner, TOKEN_KEYS, TOKEN_KEYS, {"data": {"jwks.json": jwks}}
    )
