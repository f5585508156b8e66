# ruff: noqa: N818 - an error's name says what is the matter
"""Everything that can go wrong, typed: `code` is stable, the message is for people."""

from collections.abc import Mapping
from typing import Any

TEXT_CHARS_MAX = 500


class TigerExError(Exception):
    """Base of all errors of this package."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Refused(TigerExError):
    """The exchange said no: a problem as of RFC 9457.

    `retryable`: the same request may succeed later, after `retry_after_s` where it is known.
    """

    def __init__(
        self, status: int, problem: Mapping[str, Any], retry_after_s: float | None = None
    ) -> None:
        code = _text(problem, "code") or f"HTTP_{status}"
        super().__init__(code, _text(problem, "detail") or f"answered with status {status}")
        self.status = status
        self.field = _text(problem, "field")
        self.value = _text(problem, "value")
        self.allowed = _text(problem, "allowed")
        self.request_id = _text(problem, "request_id")
        self.retryable = problem.get("retryable") is True or status in RETRYABLE_STATUSES
        self.retry_after_s = retry_after_s


class InvalidRequest(Refused):
    """400, 405, 413: a field is wrong; `field`, `value` and `allowed` say which and how."""


class Unauthenticated(Refused):
    """401: the signature is missing, wrong, late or was used before."""


class PermissionDenied(Refused):
    """403: the API key lacks the permission."""


class NotFound(Refused):
    """404: there is no such thing, or it is not yours."""


class Conflict(Refused):
    """409: the present state does not allow it."""


class RateLimited(Refused):
    """429: too much in a short time."""


class Unavailable(Refused):
    """500 and above: the exchange, or something before it, is away or failed."""


class NoAnswer(TigerExError):
    """The network failed, or time ran out. A change may have been made: repeat it with the same
    idempotency key.
    """

    def __init__(self, message: str) -> None:
        super().__init__("NO_ANSWER", message)


class InvalidAnswer(TigerExError):
    """What came is not what the API promises."""

    def __init__(self, path: str, value: object, allowed: str) -> None:
        shown = repr(value)[:TEXT_CHARS_MAX]
        super().__init__("INVALID_ANSWER", f"{path or 'the answer'} is {shown}; allowed: {allowed}")
        self.path = path


class MissingCredentials(TigerExError):
    """The call has to be signed, and the client has no API key."""

    def __init__(self, what: str) -> None:
        super().__init__("MISSING_CREDENTIALS", f"{what} is signed: give the client Credentials")


class ConsumerTooSlow(TigerExError):
    """A subscription had more waiting than it may: nothing before this was left out."""

    def __init__(self, name: str, waiting_max: int) -> None:
        super().__init__(
            "CONSUMER_TOO_SLOW", f"{name}: {waiting_max} messages were waiting; subscribe again"
        )


class GapTooLarge(TigerExError):
    """More was missed while a stream was away than can be fetched."""

    def __init__(self, name: str, pages_max: int) -> None:
        super().__init__(
            "GAP_TOO_LARGE", f"{name}: what was missed is not kept, or beyond {pages_max} pages"
        )


class Gap(TigerExError):
    """Something between the last item and this one is missing. A LocalBook needs a new snapshot."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__("GAP", f"what comes begins at {found}; allowed: {expected}")


class TooManySubscriptions(TigerExError):
    """A socket has room for so many."""

    def __init__(self, most: int) -> None:
        super().__init__("TOO_MANY_SUBSCRIPTIONS", f"{most} are open; use another Stream")


RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_BY_STATUS: Mapping[int, type[Refused]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
    405: InvalidRequest,
    409: Conflict,
    413: InvalidRequest,
    429: RateLimited,
}


def refused(status: int, problem: Mapping[str, Any], retry_after_s: float | None = None) -> Refused:
    """The error that a problem stands for."""
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else Refused)
    return kind(status, problem, retry_after_s)


def _text(problem: Mapping[str, Any], name: str) -> str:
    value = problem.get(name)
    return value[:TEXT_CHARS_MAX] if isinstance(value, str) else ""
