"""Ed25519 API keys (RFC 8032): their public half as it is registered, and the one check of it."""

import base64
import binascii

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tigerex_platform.errors import InvalidField

PEM_CHARS_MAX = 1_000
SIGNATURE_BYTES = 64


def read_public_key(field: str, pem: str) -> bytes:
    """The 32 bytes of a public key in PEM (SubjectPublicKeyInfo); raises InvalidField."""
    allowed = f"an Ed25519 public key in PEM, at most {PEM_CHARS_MAX} characters"
    if len(pem) > PEM_CHARS_MAX:
        raise InvalidField(field, f"{len(pem)} characters", allowed)
    try:
        key = load_pem_public_key(pem.encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidField(field, "no PEM of a public key", allowed) from error
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidField(field, type(key).__name__, allowed)
    return key.public_bytes_raw()


def is_signature(public_key: bytes, text: bytes, signature: str) -> bool:
    """Whether the base64 text is the key's signature. It has one spelling: whoever remembers it
    knows it again.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(raw) != SIGNATURE_BYTES or base64.b64encode(raw).decode("ascii") != signature:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(raw, text)
    except InvalidSignature:
        return False
    return True
