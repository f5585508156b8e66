"""The one mapping between our errors and gRPC statuses with google.rpc details, both ways."""

from collections.abc import Callable, Mapping

import grpc
import grpc.aio
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from tigerex_platform.errors import types

ERROR_DOMAIN = "tigerex.dev"
DETAILS_KEY = "grpc-status-details-bin"
PUSHBACK_KEY = "grpc-retry-pushback-ms"
MESSAGE_CHARS_MAX = 2_000  # statuses travel as HTTP/2 headers, which are bounded


def to_rpc_status(error: types.TigerExError) -> status_pb2.Status:
    """The status of an error: ErrorInfo always, BadRequest for a wrong field, RetryInfo where
    retrying helps, QuotaFailure where a quota is used up.
    """
    message = error.message[:MESSAGE_CHARS_MAX]
    status = status_pb2.Status(code=error.grpc_code.value[0], message=message)
    details: list[any_pb2.Any] = [any_pb2.Any()]
    details[0].Pack(
        error_details_pb2.ErrorInfo(
            reason=error.code, domain=ERROR_DOMAIN, metadata=error.metadata()
        )
    )
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=message, reason=error.code
        )
        packed = any_pb2.Any()
        packed.Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        details.append(packed)
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(retry_after_s * 1000))
        packed = any_pb2.Any()
        packed.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        details.append(packed)
    if isinstance(error, types.RateLimited) and error.subject:
        quota = error_details_pb2.QuotaFailure.Violation(subject=error.subject, description=message)
        packed = any_pb2.Any()
        packed.Pack(error_details_pb2.QuotaFailure(violations=[quota]))
        details.append(packed)
    status.details.extend(details)
    return status


def from_rpc_error(error: grpc.aio.AioRpcError) -> types.TigerExError:
    """The error that the server raised; of a foreign or broken server, the nearest one by status
    code.
    """
    info = _error_info(error)
    message = error.details() or error.code().name
    if info is None:
        return _by_code(error.code(), message)
    rebuild = _REBUILD.get(error.code(), _internal)
    return rebuild(info.reason, message, info.metadata)


def _error_info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo | None:
    for key, value in error.trailing_metadata() or ():
        if key != DETAILS_KEY or not isinstance(value, bytes):
            continue
        try:
            details = status_pb2.Status.FromString(value).details
        except DecodeError:  # not a status after all
            return None
        info = error_details_pb2.ErrorInfo()
        for detail in details:
            if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR) and detail.Unpack(info):
                return info if info.domain == ERROR_DOMAIN else None
    return None


_Rebuild = Callable[[str, str, Mapping[str, str]], types.TigerExError]


def _internal(_reason: str, _message: str, facts: Mapping[str, str]) -> types.TigerExError:
    return types.Internal(facts.get("correlation_id", "unknown"))


def _invalid(reason: str, message: str, facts: Mapping[str, str]) -> types.TigerExError:
    error = types.InvalidField(facts.get("field", ""), "", facts.get("allowed", ""))
    error.code, error.message, error.value = reason, message, facts.get("value", "")
    error.args = (message,)
    return error


def _exhausted(reason: str, message: str, facts: Mapping[str, str]) -> types.TigerExError:
    if reason == "TOO_LARGE":
        return types.TooLarge(facts.get("field", "request"), facts.get("limit", ""))
    return types.RateLimited(message, retry_after_s=_retry_after_s(facts), code=reason)


def _retry_after_s(facts: Mapping[str, str]) -> float:
    try:
        return float(facts.get("retry_after_s", "1"))
    except ValueError:
        return 1.0


_REBUILD: dict[grpc.StatusCode, _Rebuild] = {
    grpc.StatusCode.INVALID_ARGUMENT: _invalid,
    grpc.StatusCode.NOT_FOUND: lambda _r, _m, f: types.NotFound(
        f.get("kind", "resource"), f.get("name", "")
    ),
    grpc.StatusCode.FAILED_PRECONDITION: lambda r, m, f: types.Refused(
        r, m, field=f.get("field", "")
    ),
    grpc.StatusCode.ALREADY_EXISTS: lambda r, m, f: types.Conflict(r, m, field=f.get("field", "")),
    grpc.StatusCode.UNAUTHENTICATED: lambda r, m, f: types.Unauthenticated(
        m, code=r, field=f.get("field", "")
    ),
    grpc.StatusCode.PERMISSION_DENIED: lambda r, m, _f: types.PermissionDenied(m, code=r),
    grpc.StatusCode.RESOURCE_EXHAUSTED: _exhausted,
    grpc.StatusCode.UNAVAILABLE: lambda r, m, f: types.Unavailable(
        m, retry_after_s=_retry_after_s(f), code=r
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: lambda _r, m, _f: types.DeadlineExceeded(m),
}


def _by_code(code: grpc.StatusCode, message: str) -> types.TigerExError:
    """The nearest error for a status that carries none of our details."""
    facts: dict[str, str] = {}
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in message:
        return types.TooLarge("message", "4 MiB")
    if code is grpc.StatusCode.CANCELLED:
        return types.Unavailable("the call was cancelled")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return types.Refused("UNIMPLEMENTED", message)
    return _REBUILD.get(code, _internal)(code.name, message, facts)
