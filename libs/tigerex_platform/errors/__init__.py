"""Errors of the platform and their only mappings to gRPC, HTTP and kopf (the last in
`kopf_errors`).
"""

from tigerex_platform.errors.http import PROBLEM_CONTENT_TYPE, problem_headers, to_problem
from tigerex_platform.errors.rpc import ERROR_DOMAIN, from_rpc_error, to_rpc_status
from tigerex_platform.errors.types import (
    Conflict,
    DeadlineExceeded,
    Internal,
    InvalidField,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refused,
    TigerExError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

__all__ = [
    "ERROR_DOMAIN",
    "PROBLEM_CONTENT_TYPE",
    "Conflict",
    "DeadlineExceeded",
    "Internal",
    "InvalidField",
    "NotFound",
    "PermissionDenied",
    "RateLimited",
    "Refused",
    "TigerExError",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "from_rpc_error",
    "problem_headers",
    "to_problem",
    "to_rpc_status",
]
