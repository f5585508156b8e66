"""API keys: made, revoked and looked up; secrets are kept encrypted only."""

import secrets
from collections import OrderedDict

from tigerex_platform.auth import PERMISSIONS, ApiKey, Principal, SecretBox
from tigerex_platform.auth.ed25519_signature import read_public_key
from tigerex_platform.clock import Clock
from tigerex_platform.errors import Conflict, InvalidField, NotFound
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.audited import audit_entry
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.ownership import author_of
from tigerex_services.exchange.storage.keys import (
    AUDIT_PAGE_MAX,
    AdminStorage,
    AuditRecord,
    StoredKey,
)

KEY_BYTES = 16
SECRET_BYTES = 32
AUDIT_PAGE = 100
CACHE_KEYS_MAX = 10_000
CACHE_TTL_S = 30.0  # bounds how long a standby believes in a key that the leader revoked


class KeyService:
    """Decides about API keys and shows the audit record; also the KeyStore of this process."""

    def __init__(
        self, executor: Executor, storage: AdminStorage, box: SecretBox, clock: Clock
    ) -> None:
        self._executor = executor
        self._storage = storage
        self._box = box
        self._clock = clock
        self._cache: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()

    async def create(
        self,
        principal: Principal,
        request_id: bytes,
        user: str,
        permissions: list[str],
        label: str,
        reason: str,
        public_key: str,
    ) -> tuple[str, str]:
        """Key and secret, which is "" where there is a public key (PEM). A repeated request id gets
        the same ones, to its author only.
        """
        checks.request_id(request_id)
        checks.text("reason", reason, checks.REASON_CHARACTERS_MAX, required=True)
        checks.text("label", label, checks.LABEL_CHARACTERS_MAX, required=False)
        wanted = _permissions(permissions)
        proof = read_public_key("public_key", public_key) if public_key else None
        user_id = self._executor.leader.committed.directory.user(user)
        key = StoredKey(
            secrets.token_hex(KEY_BYTES),
            user,
            user_id,
            wanted,
            label,
            None if proof else self._box.encrypt(secrets.token_urlsafe(SECRET_BYTES)),
            proof,
            request_id,
            author_of(principal),
            None,
        )
        detail = {"user": user, "permissions": wanted, "label": label}
        if proof:
            detail["public_key"] = proof.hex()
        audit = audit_entry(self._clock, principal, "CreateApiKey", reason, detail, request_id)
        kept = await self._storage.create_key(key, audit)
        if _content(kept) != _content(key):
            message = "this request id made another API key; choose a new one"
            raise Conflict("REQUEST_ID_REUSED", message, field="request_id")
        return kept.key, self._secret(kept)

    async def revoke(self, principal: Principal, request_id: bytes, key: str, reason: str) -> None:
        """The key does not work any more; revoking it again changes nothing."""
        checks.request_id(request_id)
        checks.text("reason", reason, checks.REASON_CHARACTERS_MAX, required=True)
        audit = audit_entry(
            self._clock, principal, "RevokeApiKey", reason, {"key": key}, request_id
        )
        revoked = await self._storage.revoke_key(key, self._clock.now_ns(), audit)
        self._cache.pop(key, None)
        if not revoked:
            raise NotFound("API key", key)

    async def find(self, key: str) -> StoredKey:
        """The key for a server of the tenant; raises NotFound for a revoked or unknown one."""
        found = await self._storage.find_key(key)
        if found is None:
            raise NotFound("API key", key)
        return found

    async def lookup(self, key: str) -> ApiKey | None:
        """As KeyStore of the platform; a key that is revoked here is forgotten at once."""
        cached = self._cache.get(key)
        if cached is not None and self._clock.monotonic_s() < cached[0]:
            return cached[1]
        found = await self._storage.find_key(key)
        if found is None:
            self._cache.pop(key, None)
            return None
        known = ApiKey(
            found.key,
            found.user_name,
            found.user_id,
            frozenset(found.permissions),
            self._secret(found),
            found.public_key or b"",
        )
        self._cache[key] = (self._clock.monotonic_s() + CACHE_TTL_S, known)
        if len(self._cache) > CACHE_KEYS_MAX:
            self._cache.popitem(last=False)
        return known

    def _secret(self, key: StoredKey) -> str:
        return self._box.decrypt(key.encrypted_secret) if key.encrypted_secret else ""

    async def audit_page(self, before_id: int, limit: int) -> list[AuditRecord]:
        checks.within("limit", limit, 0, AUDIT_PAGE_MAX)
        checks.within("before_id", before_id, 0, 2**63 - 1)
        return await self._storage.audit_page(before_id, limit or AUDIT_PAGE)


def _permissions(names: list[str]) -> list[str]:
    for name in names:
        if name not in PERMISSIONS:
            raise InvalidField("permissions", name, ", ".join(sorted(PERMISSIONS)))
    if not names:
        raise InvalidField("permissions", "", "at least one of " + ", ".join(sorted(PERMISSIONS)))
    return sorted(set(names))


def _content(key: StoredKey) -> tuple[str, list[str], str, str, bytes | None]:
    return key.user_name, key.permissions, key.label, key.author, key.public_key
