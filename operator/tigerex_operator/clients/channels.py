"""Open channels to the tenants' services: one a service, kept while the tenant is there."""

import grpc.aio

from tigerex_operator.clients.tokens import TokenFiles
from tigerex_operator.settings import OperatorSettings
from tigerex_platform.grpc.client import channel
from tigerex_platform.settings import Settings


class Channels:
    """Channels by tenant and service, each with a token that only this tenant accepts."""

    def __init__(self, tokens: TokenFiles, settings: OperatorSettings) -> None:
        self._tokens = tokens
        self._settings = settings
        self._base = load_settings()
        self._open: dict[tuple[str, str], grpc.aio.Channel] = {}

    async def exchange(self, tenant: str) -> grpc.aio.Channel:
        """To the tenant's exchange."""
        return await self._channel(tenant, self._settings.exchange_address)

    async def bots(self, tenant: str) -> grpc.aio.Channel:
        """To the tenant's bots service."""
        return await self._channel(tenant, self._settings.bots_address)

    async def close(self, tenant: str) -> None:
        """Closes the tenant's channels and drops its token."""
        for key in [key for key in self._open if key[0] == tenant]:
            await self._open.pop(key).close()
        self._tokens.forget(tenant)

    async def close_all(self) -> None:
        """At the end of the process."""
        for tenant in {tenant for tenant, _ in self._open}:
            await self.close(tenant)

    async def _channel(self, tenant: str, address: str) -> grpc.aio.Channel:
        path = await self._tokens.refresh(tenant)
        key = (tenant, address.format(tenant=tenant))
        if key not in self._open:
            settings = self._base.model_copy(
                update={"tenant": tenant, "service": "operator", "token_file": path}
            )
            self._open[key] = channel(settings, key[1])
        return self._open[key]


def load_settings() -> Settings:
    """The platform's settings as the environment gives them: log level, telemetry."""
    return Settings.model_validate({})
