"""Service-account tokens without a cluster: a key pair that signs them, and its public key set."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tigerex_platform.settings import Settings

ISSUER = "https://kubernetes.default.svc.cluster.local"
TENANT = "demo"
KEY_ID = "test-key"
OPERATOR_SUBJECT = "system:serviceaccount:tigerex-system:tigerex-operator"


class TokenIssuer:
    """Signs what the API server would sign, for tests that verify for real."""

    def __init__(self, folder: Path, *, key_id: str = KEY_ID, tenant: str = TENANT) -> None:
        self.folder = folder
        self.key_id = key_id
        self.tenant = tenant
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.secret_key_file = folder / "secret-key"
        self.jwks_file = folder / "jwks.json"
        self.secret_key_file.write_text(Fernet.generate_key().decode("ascii"))
        self.jwks_file.write_text(json.dumps({"keys": [self.public_key()]}))

    def public_key(self) -> dict[str, Any]:
        """The key as it stands in a JSON Web Key Set."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {**key, "kid": self.key_id, "alg": "RS256", "use": "sig"}

    def subject(self, role: str) -> str:
        """The service account behind a role."""
        if role == "operator":
            return OPERATOR_SUBJECT
        return f"system:serviceaccount:{self.tenant}:{role}"

    def token(self, role: str, *, lifetime_s: float = 3600, **claims: object) -> str:
        """A token of the role; `claims` replace those it would have, None leaves one out."""
        now = int(time.time())
        body: dict[str, object] = {
            "iss": ISSUER,
            "aud": [f"tigerex:{self.tenant}"],
            "sub": self.subject(role),
            "iat": now,
            "nbf": now,
            "exp": now + int(lifetime_s),
        } | claims
        body = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(body, self._key, algorithm="RS256", headers={"kid": self.key_id})

    def token_file(self, role: str) -> Path:
        """A file with a fresh token of the role."""
        path = self.folder / f"token-{role}"
        path.write_text(self.token(role))
        return path

    def settings(self, service: str, **overrides: object) -> Settings:
        """Settings of a service outside of a cluster: free loopback ports, our tokens and keys."""
        values: dict[str, object] = {
            "tenant": self.tenant,
            "service": service,
            "token_file": self.token_file(service),
            "token_issuer": ISSUER,
            "token_jwks_file": self.jwks_file,
            "operator_subject": OPERATOR_SUBJECT,
            "secret_key_file": self.secret_key_file,
            "grpc_listen": "127.0.0.1:0",
            "http_listen": "127.0.0.1:0",
            "metrics_listen": "127.0.0.1:0",
        } | overrides
        return Settings.model_validate(values)


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, to start a real process with them."""
    return {
        f"TIGEREX_{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if value not in (None, "")
    }
