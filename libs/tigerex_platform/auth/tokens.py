"""Verification of internal callers: projected service-account tokens whose audience is the tenant.

Rules after RFC 8725 (JSON Web Token Best Current Practices): algorithms fixed here and never taken
from the token, issuer and audience checked, an expiry required.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import jwt

from tigerex_platform.auth.jwks import KeySet
from tigerex_platform.clock import Clock, SystemClock
from tigerex_platform.errors import Unauthenticated
from tigerex_platform.settings import Settings

ALGORITHMS = ("RS256", "ES256")  # what Kubernetes signs with
LEEWAY_S = 10
TOKEN_CHARS_MAX = 8_192
CACHE_TTL_S = 60.0
CACHE_ENTRIES_MAX = 1_024

OPERATOR_ROLE = "operator"
# One role, many workloads: a market's feed and a dedicated bot's runner may have their own account.
ROLE_OF_PREFIX = {"feed-": "feed", "bot-": "runner"}


@dataclass(frozen=True, slots=True)
class _Verified:
    role: str
    until_s: float  # monotonic


class TokenVerifier:
    """Tells the role behind a bearer token. Verified tokens are remembered for a minute."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        settings.require("tenant", "token_issuer")
        self._settings = settings
        self._clock = clock or SystemClock()
        self._keys = KeySet(settings, clock=self._clock)
        self._cache: OrderedDict[bytes, _Verified] = OrderedDict()

    async def role(self, token: str) -> str:
        """The caller's role. Raises Unauthenticated, Unavailable."""
        if not 0 < len(token) <= TOKEN_CHARS_MAX:
            raise _refused("it is empty or too long")
        identity = hashlib.sha256(token.encode("utf-8")).digest()
        known = self._cache.get(identity)
        if known is not None and self._clock.monotonic_s() < known.until_s:
            return known.role
        claims = await self._claims(token)
        role = role_of_subject(str(claims["sub"]), self._settings)
        now_s = self._clock.now_ns() / 1e9
        left_s = min(CACHE_TTL_S, float(claims["exp"]) + LEEWAY_S - now_s)
        self._cache[identity] = _Verified(role, self._clock.monotonic_s() + left_s)
        self._cache.move_to_end(identity)
        if len(self._cache) > CACHE_ENTRIES_MAX:
            self._cache.popitem(last=False)
        return role

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
        except jwt.PyJWTError as error:
            raise _refused("it is not a JSON Web Token") from error
        key = await self._keys.key(str(key_id))
        if key is None:
            raise _refused("it is not signed by a key of this cluster")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=ALGORITHMS,
                audience=self._settings.token_audience,
                issuer=self._settings.token_issuer,
                options={"require": ["exp", "iss", "aud", "sub"], "verify_exp": False},
            )
        except jwt.InvalidAudienceError as error:
            raise _refused(f"its audience is not {self._settings.token_audience}") from error
        except jwt.InvalidIssuerError as error:
            raise _refused(f"its issuer is not {self._settings.token_issuer}") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _refused("its signature or claims are not valid") from error
        self._check_expiry(claims)
        return claims

    def _check_expiry(self, claims: dict[str, Any]) -> None:
        # Against our clock rather than the library's, so that expiry can be tested without waiting.
        if not isinstance(claims["exp"], int | float):
            raise _refused("its expiry is not a number")
        if claims["exp"] + LEEWAY_S <= self._clock.now_ns() / 1e9:
            raise _refused("it has expired")


def role_of_subject(subject: str, settings: Settings) -> str:
    """The role of a token's subject: its service account in the tenant's namespace, or the
    operator.

    Raises Unauthenticated for a subject from anywhere else.
    """
    if subject == settings.operator_subject:
        return OPERATOR_ROLE
    prefix = f"system:serviceaccount:{settings.tenant}:"
    name = subject.removeprefix(prefix)
    # A tenant cannot promote one of its accounts to the operator by naming it so.
    if not subject.startswith(prefix) or not name or name == OPERATOR_ROLE:
        raise _refused(f"{subject} is not a service account of tenant {settings.tenant}")
    for start, role in ROLE_OF_PREFIX.items():
        if name.startswith(start):
            return role
    return name


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(
        f"the bearer token is refused: {why}", code="INVALID_TOKEN", field="authorization"
    )
