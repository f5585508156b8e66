"""Each error says the same in gRPC, HTTP and kopf, and comes back as itself."""

import grpc
import grpc.aio
import kopf
import pytest

from tigerex_platform import errors
from tigerex_platform.errors import from_rpc_error, problem_headers, to_problem, to_rpc_status
from tigerex_platform.errors.kopf_errors import to_kopf
from tigerex_platform.errors.rpc import DETAILS_KEY

pytestmark = pytest.mark.unit

EXAMPLES = [
    (errors.InvalidField("price", "1e-3", "a decimal with at most 2 decimals"), 400),
    (errors.NotFound("market", "doge-usdt"), 404),
    (errors.Refused("INSUFFICIENT_BALANCE", "10 USDT are needed", field="quantity"), 409),
    (errors.Conflict("REQUEST_ID_REUSED", "the id was used", field="request_id"), 409),
    (errors.Unauthenticated("no caller", code="INVALID_TOKEN", field="authorization"), 401),
    (errors.PermissionDenied("not yours", code="MISSING_PERMISSION"), 403),
    (errors.TooLarge("body", "4 MiB"), 413),
    (errors.RateLimited(retry_after_s=2.5), 429),
    (errors.Unavailable("standing by", retry_after_s=0.25), 503),
    (errors.DeadlineExceeded(), 504),
    (errors.Internal("abc123"), 500),
]
IDS = [type(error).__name__ for error, _ in EXAMPLES]


def rpc_error(code: grpc.StatusCode, message: str, details: bytes | None) -> grpc.aio.AioRpcError:
    trailing = ((DETAILS_KEY, details),) if details is not None else ()
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details=message
    )


@pytest.mark.parametrize(("error", "status"), EXAMPLES, ids=IDS)
def test_round_trip_through_grpc(error: errors.TigerExError, status: int) -> None:
    wire = to_rpc_status(error)
    assert wire.code == error.grpc_code.value[0]
    back = from_rpc_error(rpc_error(error.grpc_code, wire.message, wire.SerializeToString()))
    assert type(back) is type(error)
    assert (back.code, back.message, back.field) == (error.code, error.message, error.field)
    assert (back.retryable, back.metadata()) == (error.retryable, error.metadata())
    assert str(back) == error.message


@pytest.mark.parametrize(("error", "status"), EXAMPLES, ids=IDS)
def test_problem_details(error: errors.TigerExError, status: int) -> None:
    problem = to_problem(error)
    assert (problem["status"], problem["code"]) == (status, error.code)
    assert problem["detail"] == error.message
    assert all(problem[name] == value for name, value in error.metadata().items())
    assert ("Retry-After" in problem_headers(error)) == error.retryable


@pytest.mark.parametrize(("error", "status"), EXAMPLES, ids=IDS)
def test_kopf_retries_what_passes_by_itself(error: errors.TigerExError, status: int) -> None:
    expected = kopf.TemporaryError if error.retryable else kopf.PermanentError
    translated = to_kopf(error)
    assert isinstance(translated, expected)
    assert error.code in str(translated)


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, "connection refused", errors.Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", errors.DeadlineExceeded),
        (grpc.StatusCode.CANCELLED, "", errors.Unavailable),
        (grpc.StatusCode.UNIMPLEMENTED, "Method not found!", errors.Refused),
        (grpc.StatusCode.INTERNAL, "boom", errors.Internal),
        (grpc.StatusCode.DATA_LOSS, "boom", errors.Internal),
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "SERVER: Received message larger than max (5 vs. 4)",
            errors.TooLarge,
        ),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", errors.RateLimited),
    ],
)
@pytest.mark.parametrize("details", [None, b"not a status"])
def test_statuses_without_our_details(
    code: grpc.StatusCode, message: str, expected: type, details: bytes | None
) -> None:
    assert type(from_rpc_error(rpc_error(code, message, details))) is expected


def test_long_values_are_cut() -> None:
    error = errors.InvalidField("note", "x" * 10_000, "at most 40 characters")
    assert len(error.message) < 250
    assert len(to_rpc_status(error).SerializeToString()) < 2_000
