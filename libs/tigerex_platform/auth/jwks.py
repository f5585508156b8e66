"""The public keys that sign service-account tokens: from a file, or from the cluster's API server.

Keys are cached for an hour. An unknown key id refreshes them at most every ten seconds, so that a
flood of forged tokens does not become a flood of requests. While they cannot be refreshed, the
known ones serve on.
"""

import asyncio
import json
import logging
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import jwt

from tigerex_platform.clock import Clock, SystemClock
from tigerex_platform.errors import Unavailable
from tigerex_platform.settings import Settings, read_secret

logger = logging.getLogger(__name__)

CLUSTER_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KEYS_TTL_S = 3600.0
REFRESH_INTERVAL_S_MIN = 10.0
FETCH_TIMEOUT_S = 5.0
DOCUMENT_BYTES_MAX = 1 << 20
KEYS_MAX = 100


class KeySet:
    """Signing keys by key id."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self._file = settings.token_jwks_file
        self._url = settings.token_jwks_url
        self._clock = clock or SystemClock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._loaded_s = float("-inf")
        self._tried_s = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key, or None when there is none with that id. Raises Unavailable without any keys."""
        if key_id not in self._keys or self._age_s(self._loaded_s) > KEYS_TTL_S:
            await self._refresh(key_id)
        if not self._keys:
            raise Unavailable("the keys that sign callers' tokens cannot be read at the moment")
        return self._keys.get(key_id)

    def _age_s(self, since_s: float) -> float:
        return self._clock.monotonic_s() - since_s

    async def _refresh(self, key_id: str) -> None:
        async with self._lock:
            fresh = key_id in self._keys and self._age_s(self._loaded_s) <= KEYS_TTL_S
            if fresh or self._age_s(self._tried_s) < REFRESH_INTERVAL_S_MIN:
                return
            self._tried_s = self._clock.monotonic_s()
            try:
                self._keys = _parse(await asyncio.to_thread(self._read))
            except (OSError, ValueError, jwt.PyJWTError) as error:
                logger.warning("token signing keys cannot be read: %s", error)
                return
            self._loaded_s = self._clock.monotonic_s()

    def _read(self) -> bytes:
        if self._file is not None:
            return self._file.read_bytes()
        return _fetch(self._url)


def _fetch(url: str) -> bytes:
    """The document at an https URL, asked for with the pod's own token where it has one."""
    if not url.startswith("https://"):
        raise ValueError(f"TIGEREX_TOKEN_JWKS_URL is {url!r}; allowed: an https URL")
    request = urllib.request.Request(url)  # noqa: S310 - https only, checked above
    token = CLUSTER_FOLDER / "token"
    if token.exists():
        request.add_header("Authorization", f"Bearer {read_secret(token)}")
    authority = CLUSTER_FOLDER / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
    try:
        with urllib.request.urlopen(  # noqa: S310 - as above
            request, timeout=FETCH_TIMEOUT_S, context=context
        ) as response:
            document: bytes = response.read(DOCUMENT_BYTES_MAX + 1)
    except urllib.error.HTTPError as error:
        raise OSError(f"{url} answered {error.code}") from error
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError(f"{url} answered more than {DOCUMENT_BYTES_MAX} bytes")
    return document


def _parse(document: bytes) -> dict[str, jwt.PyJWK]:
    parsed = json.loads(document)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("keys"), list):
        raise ValueError("not a JSON Web Key Set: no list of keys")
    keys = jwt.PyJWKSet.from_dict(parsed).keys[:KEYS_MAX]
    return {key.key_id: key for key in keys if key.key_id}
