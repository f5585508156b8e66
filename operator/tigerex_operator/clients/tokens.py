"""Tokens of the operator for one tenant each: a tenant that keeps one cannot use it at another."""

import asyncio
import os
from pathlib import Path
from time import monotonic

from tigerex_operator.apply.objects import ApiObjects
from tigerex_operator.settings import OperatorSettings

TOKEN_SECONDS = 3600
# A token is replaced well before it ends, so that a request never carries one that has just ended.
RENEW_AFTER_SECONDS = TOKEN_SECONDS * 0.7


class TokenFiles:
    """One file a tenant, minted by TokenRequest, as the platform's channels expect it."""

    def __init__(self, objects: ApiObjects, settings: OperatorSettings) -> None:
        self._objects = objects
        self._settings = settings
        self._minted: dict[str, float] = {}
        self._lock = asyncio.Lock()

    def path(self, tenant: str) -> Path:
        """Where the tenant's token is."""
        return Path(self._settings.token_folder) / tenant

    async def refresh(self, tenant: str) -> Path:
        """The tenant's token file with a token that is good for a while."""
        path = self.path(tenant)
        async with self._lock:
            if monotonic() - self._minted.get(tenant, -RENEW_AFTER_SECONDS) < RENEW_AFTER_SECONDS:
                return path
            token = await self._objects.create_token(
                self._settings.namespace,
                self._settings.service_account,
                f"tigerex:{tenant}",
                TOKEN_SECONDS,
            )
            _write(path, token)
            self._minted[tenant] = monotonic()
        return path

    def forget(self, tenant: str) -> None:
        """Removes the tenant's token."""
        self._minted.pop(tenant, None)
        self.path(tenant).unlink(missing_ok=True)


def _write(path: Path, token: str) -> None:
    """In one step, so that no reader sees half a token, and for this user only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)
    fresh.replace(path)
