"""Request ids of mutating calls: what is sent twice is done once."""

import re

from starlette.requests import Request

from tigerex_platform.errors import InvalidField
from tigerex_platform.ids import derive_request_id
from tigerex_services.gateway.auth import Caller

HEADER = "Idempotency-Key"
PATTERN = re.compile(r"[!-~]{1,128}")


def request_id(request: Request, caller: Caller) -> bytes:
    """16 bytes, the same for every repetition of one intended change.

    With the header: derived from the user, the route and the header, so that a retry (signed anew)
    returns the first answer. Without: derived from the signature, which is accepted once.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return derive_request_id("gateway", "signature", caller.key, caller.signature)
    if not PATTERN.fullmatch(key):
        raise InvalidField(HEADER, key, "1 to 128 printable ASCII characters, no space")
    return derive_request_id("gateway", "key", caller.user, request.method, request.url.path, key)
