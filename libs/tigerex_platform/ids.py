"""Request ids: 16 bytes that name one command, derived where a retry must produce the same."""

import hashlib
import secrets

REQUEST_ID_BYTES = 16

IdPart = str | int | bytes


def derive_request_id(*parts: IdPart) -> bytes:
    """The same parts give the same 16 bytes: sha256 over each part's type, length and content, cut.

    Length and type keep ("a", "bc") and ("ab", "c"), or 1 and "1", apart.
    """
    digest = hashlib.sha256()
    for part in parts:
        tag, content = _encode(part)
        digest.update(tag + len(content).to_bytes(4, "big") + content)
    return digest.digest()[:REQUEST_ID_BYTES]


def new_request_id() -> bytes:
    """16 random bytes, for a command that nothing else names."""
    return secrets.token_bytes(REQUEST_ID_BYTES)


def _encode(part: IdPart) -> tuple[bytes, bytes]:
    if isinstance(part, bytes):
        return b"b", part
    if isinstance(part, int):
        return b"i", str(part).encode("ascii")
    return b"s", part.encode("utf-8")
