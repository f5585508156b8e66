"""Both kinds of caller through one door: who it is, and whether it may call this method."""

from collections.abc import Mapping

from tigerex_platform.auth.hmac_signature import KEY_HEADER, SignatureVerifier
from tigerex_platform.auth.permissions import Table, authorize
from tigerex_platform.auth.principal import Principal
from tigerex_platform.auth.tokens import TokenVerifier
from tigerex_platform.errors import Unauthenticated

AUTHORIZATION_HEADER = "authorization"
USER_HEADER = "x-tigerex-user"
VALID_UNTIL_HEADER = "x-tigerex-valid-until"  # milliseconds since the Unix epoch
BEARER = "Bearer "
USER_CHARS_MAX = 40
TIME_DIGITS_MAX = 15


class Authenticator:
    """Authenticates and authorises a call. Without `signatures` external callers are refused."""

    def __init__(
        self, table: Table, tokens: TokenVerifier, signatures: SignatureVerifier | None
    ) -> None:
        self._table = table
        self._tokens = tokens
        self._signatures = signatures

    async def authenticate(
        self, method: str, metadata: Mapping[str, str], body: bytes
    ) -> Principal:
        """The caller of `method` ("/package.Service/Method"), allowed to call it.

        Raises Unauthenticated, PermissionDenied, RateLimited, Unavailable.
        """
        internal, external = AUTHORIZATION_HEADER in metadata, KEY_HEADER in metadata
        if internal and external:
            raise Unauthenticated("send a bearer token or an API key, not both")
        if internal:
            principal = await self._internal(metadata)
        elif external:
            principal = await self._external(method, metadata, body)
        else:
            raise Unauthenticated(
                f"send {AUTHORIZATION_HEADER} with a bearer token, or {KEY_HEADER} with a signature"
            )
        authorize(self._table, method, principal)
        return principal

    async def recheck(self, method: str, principal: Principal) -> None:
        """Return when the caller of a long stream would still be let in: its key is not revoked,
        its permission not taken away.

        Raises Unauthenticated, PermissionDenied, Unavailable.
        """
        # A token that was valid at the opening carries a stream, whose length is bounded.
        if principal.kind == "external" and self._signatures is not None:
            principal = await self._signatures.holder(principal.name)
        authorize(self._table, method, principal)

    async def _internal(self, metadata: Mapping[str, str]) -> Principal:
        value = metadata[AUTHORIZATION_HEADER]
        if not value.startswith(BEARER):
            raise Unauthenticated(
                f"{AUTHORIZATION_HEADER} must be a bearer token", field=AUTHORIZATION_HEADER
            )
        role = await self._tokens.role(value.removeprefix(BEARER))
        user = metadata.get(USER_HEADER, "")
        if USER_HEADER in metadata and not 0 < len(user) <= USER_CHARS_MAX:
            raise Unauthenticated(
                f"{USER_HEADER} must name a user, at most {USER_CHARS_MAX} characters",
                field=USER_HEADER,
            )
        until = metadata.get(VALID_UNTIL_HEADER, "0")
        if not (until.isascii() and until.isdigit() and len(until) <= TIME_DIGITS_MAX):
            raise Unauthenticated(
                f"{VALID_UNTIL_HEADER} must be a time in milliseconds", field=VALID_UNTIL_HEADER
            )
        return Principal(kind="internal", name=role, user=user, valid_until_ms=int(until))

    async def _external(self, method: str, metadata: Mapping[str, str], body: bytes) -> Principal:
        if USER_HEADER in metadata:
            raise Unauthenticated(
                f"{USER_HEADER} is not for API keys, which act for their own user only",
                field=USER_HEADER,
            )
        if self._signatures is None:
            raise Unauthenticated("this server takes no API keys")
        return await self._signatures.verify(method, metadata, body)
