"""The cluster's own keys, by which service-account tokens are checked."""

import json
from time import monotonic

from tigerex_operator.apply.objects import ApiObjects

# Clusters publish a new key well before they sign with it.
REFRESH_SECONDS = 300.0


class ClusterKeys:
    """Issuer and public keys of service-account tokens, asked for once in a while.

    The operator hands them to the tenants' pods as a file, so that no pod of a tenant needs a way
    to the API server, nor a token that the API server accepts.
    """

    def __init__(self, objects: ApiObjects) -> None:
        self._objects = objects
        self._read_at = -REFRESH_SECONDS
        self._issuer = ""
        self._jwks = ""

    async def read(self) -> tuple[str, str]:
        """(issuer, key set as a JSON document)."""
        if monotonic() - self._read_at >= REFRESH_SECONDS:
            configuration = await self._objects.get_raw("/.well-known/openid-configuration")
            keys = await self._objects.get_raw("/openid/v1/jwks")
            self._issuer = str(configuration["issuer"])
            self._jwks = json.dumps(keys, sort_keys=True)
            self._read_at = monotonic()
        return self._issuer, self._jwks
