"""The bounds that both clients put on HTTP."""

import httpx

from tigerex_client.errors import InvalidAnswer
from tigerex_client.flow import Send

ANSWER_BYTES_MAX = 32 * 1024 * 1024
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)


def too_large(step: Send) -> InvalidAnswer:
    return InvalidAnswer(
        f"{step.method} {step.target}", "larger", f"at most {ANSWER_BYTES_MAX} bytes"
    )
