"""Who calls: a signature is verified, its replay refused, and the permission table asked.

The gateway then calls the services with its own token and names the user it acts for, so what an
API key may do has to be settled here, by the same table that the services use.
"""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from tigerex_platform.auth import KeyStore, Table
from tigerex_platform.auth.hmac_signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    SignatureVerifier,
)
from tigerex_platform.auth.permissions import authorize
from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.replay import ReplayGuard

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified user, and the signature that proved it until a time in milliseconds."""

    user: str
    key: str
    signature: str
    valid_until_ms: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """The four headers (names in lower case) as sent, over HTTP or in a WebSocket message."""

    headers: dict[str, str]

    @property
    def signature(self) -> str:
        return self.headers.get(SIGNATURE_HEADER, "")

    @property
    def timestamp(self) -> str:
        return self.headers.get(TIMESTAMP_HEADER, "")


class Authenticator:
    def __init__(self, key_store: KeyStore, guard: ReplayGuard, table: Table) -> None:
        self._key_store = key_store
        self._verifier = SignatureVerifier(key_store)
        self._guard = guard
        self._table = table

    async def still_known(self, caller: Caller) -> bool:
        """False once the key was revoked; true while that cannot be known."""
        try:
            return await self._key_store.lookup(caller.key) is not None
        except TigerExError:
            return True

    async def authenticate(
        self, credentials: Credentials, *, signed_method: str, body: bytes, rpc: str, mutating: bool
    ) -> Caller:
        """The caller, allowed to call the gRPC method `rpc` ("/package.Service/Method").

        Raises Unauthenticated, PermissionDenied, RateLimited, Unavailable.
        """
        principal = await self._verifier.verify(signed_method, credentials.headers, body)
        await self._guard.accept(
            key=principal.name,
            timestamp=credentials.timestamp,
            signature=credentials.signature,
            mutating=mutating,
        )
        authorize(self._table, rpc, principal)
        return Caller(
            user=principal.user,
            key=principal.name,
            signature=credentials.signature.lower(),
            valid_until_ms=principal.valid_until_ms,
        )


def signed_method(connection: HTTPConnection, method: str) -> str:
    """What the caller signed: method, and path and query exactly as they were sent."""
    scope = connection.scope
    raw_path = scope.get("raw_path") or scope["path"].encode()
    target = raw_path + (b"?" + scope["query_string"] if scope.get("query_string") else b"")
    return f"{method} {target.decode('latin-1')}"
