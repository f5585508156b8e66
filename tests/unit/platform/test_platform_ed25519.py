"""Ed25519 keys: what is one, what it signed, and where such an API key is not taken."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tigerex_platform.auth import ApiKey
from tigerex_platform.auth.ed25519_signature import is_signature, read_public_key
from tigerex_platform.auth.hmac_signature import SignatureVerifier, signed_headers
from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import InvalidField, Unauthenticated

pytestmark = pytest.mark.unit

# RFC 8032, section 7.1, the second of the test vectors.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
TEXT = b"\x72"
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def pem_of(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_published_vector() -> None:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    assert read_public_key("public_key", pem_of(key)) == PUBLIC
    assert is_signature(PUBLIC, TEXT, base64.b64encode(SIGNATURE).decode())


def _spellings() -> list[str]:
    """Other texts for the same signature, or for one that is equal in the group."""
    text = base64.b64encode(SIGNATURE).decode()
    scalar = int.from_bytes(SIGNATURE[32:], "little") + GROUP_ORDER
    return [
        text.rstrip("="),
        text[:-3] + chr(ord(text[-3]) + 1) + "==",
        text[:40] + "\n" + text[40:],
        text.replace("+", "-").replace("/", "_"),
        text.lower(),
        SIGNATURE.hex(),
        base64.b64encode(SIGNATURE[:32] + scalar.to_bytes(32, "little")).decode(),
        base64.b64encode(SIGNATURE[:-1]).decode(),
        "",
        "é",
    ]


@pytest.mark.parametrize("spelling", _spellings())
def test_a_signature_has_one_spelling(spelling: str) -> None:
    assert not is_signature(PUBLIC, TEXT, spelling)


def test_another_text_or_key() -> None:
    text = base64.b64encode(SIGNATURE).decode()
    assert not is_signature(PUBLIC, TEXT + b"!", text)
    assert not is_signature(
        Ed25519PrivateKey.generate().public_key().public_bytes_raw(), TEXT, text
    )


KEY = Ed25519PrivateKey.from_private_bytes(SEED)
WRONG_KEYS = {
    "another curve": pem_of(ec.generate_private_key(ec.SECP256R1())),
    "the private half": KEY.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode(),
    "no PEM": "ssh-ed25519 AAAA",
    "cut off": pem_of(KEY)[:60],
    "too long": pem_of(KEY) + " " * 1_000,
}


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_what_is_no_public_key_is_refused(name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_public_key("public_key", WRONG_KEYS[name])
    assert refused.value.field == "public_key"
    assert "PRIVATE" not in refused.value.message


def test_a_key_has_one_proof() -> None:
    for proofs in ({}, {"secret": "s", "public_key": PUBLIC}):
        with pytest.raises(ValueError, match="a secret or a public key"):
            ApiKey("key", "ann", 1, frozenset({"read"}), **proofs)  # type: ignore[arg-type]


async def test_the_native_signature_takes_keys_with_a_secret_only() -> None:
    class Keys:
        async def lookup(self, key: str) -> ApiKey | None:
            return ApiKey(key, "ann", 1, frozenset({"read"}), public_key=PUBLIC)

    clock = ManualClock()
    sent = signed_headers("key", "", "GET /", b"", timestamp_ms=clock.now_ns() // 1_000_000)
    with pytest.raises(Unauthenticated) as refused:
        await SignatureVerifier(Keys(), clock=clock).verify("GET /", sent, b"")
    assert refused.value.code == "WRONG_KIND_OF_API_KEY"
