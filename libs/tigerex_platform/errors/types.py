# ruff: noqa: N818 - an error's name says what is the matter
"""Errors a caller can act on: typed, with a stable code, saying what to do next.

Each class fixes how it looks in gRPC and HTTP; `rpc.py`, `http.py` and `kopf_errors.py` are the
only translators.
"""

from typing import ClassVar

import grpc

VALUE_CHARS_MAX = 120  # of a refused value that is repeated to its sender
METADATA_CHARS_MAX = 500


class TigerExError(Exception):
    """Base of all: `code` is stable and upper snake case, `message` is for people."""

    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    http_status: ClassVar[int] = 500
    default_retryable: ClassVar[bool] = False

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retryable = self.default_retryable

    def metadata(self) -> dict[str, str]:
        """Machine readable facts beside the code; enough to rebuild the error on the other side."""
        return {"field": self.field} if self.field else {}


class InvalidField(TigerExError):
    """A field of the request is wrong: which, what it was, what is allowed."""

    grpc_code = grpc.StatusCode.INVALID_ARGUMENT
    http_status = 400

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.value = _shorten(value)
        self.allowed = allowed
        super().__init__(
            "INVALID_FIELD", f"{field} is {self.value}; allowed: {allowed}", field=field
        )

    def metadata(self) -> dict[str, str]:
        return {
            "field": self.field,
            "value": self.value,
            "allowed": self.allowed[:METADATA_CHARS_MAX],
        }


class NotFound(TigerExError):
    """There is no such thing, or it is not the caller's."""

    grpc_code = grpc.StatusCode.NOT_FOUND
    http_status = 404

    def __init__(self, kind: str, name: object) -> None:
        self.kind = kind
        self.name = str(name)[:VALUE_CHARS_MAX]
        super().__init__("NOT_FOUND", f"there is no {kind} {self.name}")

    def metadata(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name}


class Refused(TigerExError):
    """The request is well formed, but the present state does not allow it."""

    grpc_code = grpc.StatusCode.FAILED_PRECONDITION
    http_status = 409


class Conflict(TigerExError):
    """The name or request id is taken by something else."""

    grpc_code = grpc.StatusCode.ALREADY_EXISTS
    http_status = 409


class Unauthenticated(TigerExError):
    """The caller did not prove who it is."""

    grpc_code = grpc.StatusCode.UNAUTHENTICATED
    http_status = 401

    def __init__(self, message: str, *, code: str = "UNAUTHENTICATED", field: str = "") -> None:
        super().__init__(code, message, field=field)


class PermissionDenied(TigerExError):
    """The caller is known and may not do this."""

    grpc_code = grpc.StatusCode.PERMISSION_DENIED
    http_status = 403

    def __init__(self, message: str, *, code: str = "PERMISSION_DENIED") -> None:
        super().__init__(code, message)


class TooLarge(TigerExError):
    """The request exceeds a bound on its size."""

    grpc_code = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = 413

    def __init__(self, what: str, limit: str) -> None:
        self.what = what
        self.limit = limit
        super().__init__(
            "TOO_LARGE", f"{what} is too large; at most {limit} are allowed", field=what
        )

    def metadata(self) -> dict[str, str]:
        return {"field": self.what, "limit": self.limit}


class _Temporary(TigerExError):
    """Something that passes by itself: retry after `retry_after_s` seconds."""

    default_retryable = True

    def __init__(self, code: str, message: str, *, retry_after_s: float) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s

    def metadata(self) -> dict[str, str]:
        return {"retry_after_s": f"{self.retry_after_s:g}"}


class RateLimited(_Temporary):
    """The caller asks too often: `subject` names whose quota is used up, where there is one."""

    grpc_code = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = 429

    def __init__(
        self,
        message: str = "too many requests",
        *,
        retry_after_s: float = 1.0,
        code: str = "RATE_LIMITED",
        subject: str = "",
    ) -> None:
        super().__init__(code, message, retry_after_s=retry_after_s)
        self.subject = subject


class Unavailable(_Temporary):
    """The service, or something it needs, is away for the moment. Nothing is known to have been
    done.
    """

    grpc_code = grpc.StatusCode.UNAVAILABLE
    http_status = 503

    def __init__(
        self,
        message: str = "the service is not available at the moment",
        *,
        retry_after_s: float = 1.0,
        code: str = "UNAVAILABLE",
    ) -> None:
        super().__init__(code, message, retry_after_s=retry_after_s)


class DeadlineExceeded(_Temporary):
    """No answer in time: the outcome is unknown, and repeating the request with its id is safe."""

    grpc_code = grpc.StatusCode.DEADLINE_EXCEEDED
    http_status = 504

    def __init__(
        self, message: str = "no answer within the deadline; repeat with the same request id"
    ) -> None:
        super().__init__("DEADLINE_EXCEEDED", message, retry_after_s=1.0)


class Internal(TigerExError):
    """A fault of ours. The correlation id finds it in the log; nothing else is told."""

    def __init__(self, correlation_id: str) -> None:
        self.correlation_id = correlation_id
        super().__init__("INTERNAL", f"internal error; report it with the id {correlation_id}")

    def metadata(self) -> dict[str, str]:
        return {"correlation_id": self.correlation_id}


def _shorten(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= VALUE_CHARS_MAX else text[: VALUE_CHARS_MAX - 1] + "…"
