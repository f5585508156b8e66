"""Who calls: set by the interceptor for the length of a call, read by servicers."""

from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Literal

from tigerex_platform.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller.

    External: `name` is the API key, and `user`, `user_id` and `permissions` are those of the key.
    Internal: `name` is the role (its service account). When it acts for a user, `user` is that name
    and the servicer limits it to that user exactly like an external caller; `user_id` is then 0:
    the name identifies.

    `valid_until_ms` is the end of a signed request's receive window, in milliseconds since the Unix
    epoch; 0 where there is none. What the request asks for must not be taken in after it.
    """

    kind: Literal["internal", "external"]
    name: str
    user: str = ""
    user_id: int = 0
    permissions: frozenset[str] = frozenset()
    valid_until_ms: int = 0

    @property
    def limited_to_user(self) -> bool:
        """True when only the things of `user` may be read or touched."""
        return self.kind == "external" or bool(self.user)


_principal: ContextVar[Principal] = ContextVar("tigerex_principal")


def current_principal() -> Principal:
    """The caller of the running call. Raises Unauthenticated outside of one."""
    try:
        return _principal.get()
    except LookupError:
        raise Unauthenticated("no authenticated caller in this context") from None


def valid_until_ms() -> int:
    """The end of the running call's receive window; 0 where there is none, or no call."""
    principal = _principal.get(None)
    return principal.valid_until_ms if principal is not None else 0


def set_principal(principal: Principal) -> Token[Principal]:
    """Make `principal` the current one; the interceptor's, the gateway's and tests' call."""
    return _principal.set(principal)


def reset_principal(token: Token[Principal]) -> None:
    """Undo `set_principal`."""
    _principal.reset(token)
