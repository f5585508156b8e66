"""API keys as the other services know them: looked up at the exchange, secrets decrypted here."""

from typing import TYPE_CHECKING

import grpc.aio
from tigerex.exchange.v1.admin_pb2 import LookupApiKeyRequest
from tigerex.exchange.v1.admin_pb2_grpc import AdminServiceStub

from tigerex_platform.auth import ApiKey, CachedKeyStore, KeyStore, SecretBox
from tigerex_platform.errors import NotFound, from_rpc_error
from tigerex_platform.settings import Settings

if TYPE_CHECKING:
    from tigerex.exchange.v1.admin_pb2_grpc import AdminServiceAsyncStub


class ExchangeKeyStore:
    """Asks the exchange for each key."""

    def __init__(self, exchange: grpc.aio.Channel, secrets: SecretBox) -> None:
        self._admin: AdminServiceAsyncStub = AdminServiceStub(exchange)
        self._secrets = secrets

    async def lookup(self, key: str) -> ApiKey | None:
        """The key; None when there is none. Raises Unavailable, and ValueError for a wrong box."""
        try:
            found = await self._admin.LookupApiKey(LookupApiKeyRequest(key=key))
        except grpc.aio.AioRpcError as error:
            translated = from_rpc_error(error)
            if isinstance(translated, NotFound):
                return None
            raise translated from error
        return ApiKey(
            key=key,
            user=found.user,
            user_id=found.user_id,
            permissions=frozenset(found.permissions),
            secret=self._secrets.decrypt(found.encrypted_secret) if found.encrypted_secret else "",
            public_key=found.public_key,
        )


def remote_key_store(settings: Settings, exchange: grpc.aio.Channel) -> KeyStore:
    """The key store of every service but the exchange: remote, and cached for 30 s.

    Raises ValueError, OSError for a missing or malformed TIGEREX_SECRET_KEY_FILE.
    """
    return CachedKeyStore(ExchangeKeyStore(exchange, SecretBox.from_settings(settings)))
