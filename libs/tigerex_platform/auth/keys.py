"""API keys as servers see them, the port they are looked up through, a bounded cache over it."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from tigerex_platform.auth.principal import Principal
from tigerex_platform.clock import Clock, SystemClock

CACHE_TTL_S = 30.0  # a revoked key works for at most this long elsewhere than at the exchange
CACHE_ENTRIES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key with what its holder may do, and what proves its signatures: a secret (HMAC) or
    the 32 bytes of an Ed25519 public key, never both. The secret never shows in a log or a repr.
    """

    key: str
    user: str
    user_id: int
    permissions: frozenset[str]
    secret: str = field(default="", repr=False)
    public_key: bytes = b""

    def __post_init__(self) -> None:
        if bool(self.secret) == bool(self.public_key):
            raise ValueError(f"API key {self.key} needs a secret or a public key, and not both")

    @property
    def principal(self) -> Principal:
        """The caller that the key stands for."""
        return Principal(
            kind="external",
            name=self.key,
            user=self.user,
            user_id=self.user_id,
            permissions=self.permissions,
        )


class KeyStore(Protocol):
    """Where keys are found: a table at the exchange, a call to it elsewhere."""

    async def lookup(self, key: str) -> ApiKey | None:
        """The key, or None when there is none or it is revoked. Raises Unavailable when that cannot
        be known.
        """
        ...


class CachedKeyStore:
    """Remembers answers, also negative ones, for 30 s; the least recently used go first."""

    def __init__(self, inner: KeyStore, *, clock: Clock | None = None) -> None:
        self._inner = inner
        self._clock = clock or SystemClock()
        self._entries: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()

    async def lookup(self, key: str) -> ApiKey | None:
        entry = self._entries.get(key)
        if entry is not None and self._clock.monotonic_s() < entry[0]:
            self._entries.move_to_end(key)
            return entry[1]
        found = await self._inner.lookup(key)
        self._entries[key] = (self._clock.monotonic_s() + CACHE_TTL_S, found)
        self._entries.move_to_end(key)
        while len(self._entries) > CACHE_ENTRIES_MAX:
            self._entries.popitem(last=False)
        return found
