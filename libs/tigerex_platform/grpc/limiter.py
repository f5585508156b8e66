"""The port through which a server asks whether a caller may make one more call."""

from typing import Any, Protocol

from tigerex_platform.auth.principal import Principal


class Limiter(Protocol):
    """Decides at once, without waiting."""

    def admit(self, principal: Principal, method: str, request: Any, /) -> None:  # noqa: ANN401
        """Return when the call may go on. Raises RateLimited."""


class _Unlimited:
    def admit(self, _principal: Principal, _method: str, _request: object, /) -> None:
        return


UNLIMITED: Limiter = _Unlimited()
