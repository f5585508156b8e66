"""The one mapping from our errors to HTTP: problem details as of RFC 9457."""

import math
from typing import Any

from tigerex_platform.errors import types

PROBLEM_CONTENT_TYPE = "application/problem+json"


def to_problem(error: types.TigerExError) -> dict[str, Any]:
    """The body: `type`, `title`, `status`, `detail`, our stable `code`, the error's facts."""
    problem: dict[str, Any] = {
        "type": f"https://tigerex.dev/errors/{error.code.lower().replace('_', '-')}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.http_status,
        "detail": error.message,
        "code": error.code,
        "retryable": error.retryable,
    }
    return problem | {key: value for key, value in error.metadata().items() if key not in problem}


def problem_headers(error: types.TigerExError) -> dict[str, str]:
    """Headers that belong to the status: Retry-After in whole seconds, a challenge for 401."""
    headers: dict[str, str] = {}
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    if isinstance(error, types.Unauthenticated):
        headers["WWW-Authenticate"] = "TigerEx-HMAC"
    return headers
