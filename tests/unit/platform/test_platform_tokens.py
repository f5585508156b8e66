"""Service-account tokens: who they are for, who signed them, how long they last."""

import base64
import hmac
import json
from pathlib import Path

import jwt
import pytest
from tests.support.tokens import ISSUER, TokenIssuer

from tigerex_platform.auth import jwks, tokens
from tigerex_platform.auth.tokens import TokenVerifier
from tigerex_platform.clock import SystemClock
from tigerex_platform.errors import Unauthenticated, Unavailable

pytestmark = pytest.mark.unit


class ShiftedClock(SystemClock):
    """The machine's clock, moved."""

    shift_s = 0.0

    def now_ns(self) -> int:
        return super().now_ns() + int(self.shift_s * 1e9)

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.shift_s


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def verifier(issuer: TokenIssuer, clock: ShiftedClock) -> TokenVerifier:
    return TokenVerifier(issuer.settings("exchange"), clock=clock)


async def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await verifier.role(token)
    assert refused.value.code == "INVALID_TOKEN"
    assert token not in refused.value.message or not token
    return refused.value.message


@pytest.mark.parametrize(
    ("account", "role"),
    [
        ("runner", "runner"),
        ("gateway", "gateway"),
        ("feed-btc-usdt", "feed"),
        ("bot-demo-dca", "runner"),
        ("operator", "operator"),  # the subject of the operator's own namespace
        ("default", "default"),  # authenticated, and in no rule
    ],
)
async def test_roles(verifier: TokenVerifier, issuer: TokenIssuer, account: str, role: str) -> None:
    assert await verifier.role(issuer.token(account)) == role
    assert await verifier.role(issuer.token(account)) == role


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": ["tigerex:other"]}, "audience"),
        ({"aud": ["https://kubernetes.default.svc"]}, "audience"),
        ({"aud": None}, "claims"),
        ({"iss": "https://elsewhere"}, "issuer"),
        ({"iss": None}, "claims"),
        ({"exp": None}, "claims"),
        ({"exp": "soon"}, ""),
        ({"sub": None}, "claims"),
        ({"sub": "system:serviceaccount:other:runner"}, "tenant demo"),
        ({"sub": "system:serviceaccount:demo:operator"}, "tenant demo"),
        ({"sub": "system:serviceaccount:demo:"}, "tenant demo"),
        ({"sub": "system:node:worker"}, "tenant demo"),
        ({"exp": 1_000_000_000, "nbf": None}, "expired"),
    ],
)
async def test_wrong_claims(
    verifier: TokenVerifier, issuer: TokenIssuer, claims: dict[str, object], why: str
) -> None:
    assert why in await refusal(verifier, issuer.token("runner", **claims))


async def test_another_key_with_our_id_is_a_forgery(
    verifier: TokenVerifier, tmp_path: Path
) -> None:
    folder = tmp_path / "forger"
    folder.mkdir()
    forger = TokenIssuer(folder)
    assert "signature" in await refusal(verifier, forger.token("runner"))


async def test_algorithms_are_ours_to_choose(verifier: TokenVerifier, issuer: TokenIssuer) -> None:
    body = jwt.decode(issuer.token("operator"), options={"verify_signature": False})

    def encoded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    def part(content: object) -> str:
        return encoded(json.dumps(content).encode())

    # The public key as a shared secret: the classic confusion of algorithms.
    symmetric = f"{part({'alg': 'HS256', 'kid': issuer.key_id})}.{part(body)}"
    public = json.dumps(issuer.public_key()).encode()
    symmetric += "." + encoded(hmac.digest(public, symmetric.encode(), "sha256"))
    await refusal(verifier, symmetric)
    none = f"{part({'alg': 'none', 'kid': issuer.key_id})}.{part(body)}."
    await refusal(verifier, none)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 10, "x" * 9_000])
async def test_what_is_no_token(verifier: TokenVerifier, token: str) -> None:
    await refusal(verifier, token)


async def test_a_remembered_token_still_expires(
    verifier: TokenVerifier, issuer: TokenIssuer, clock: ShiftedClock
) -> None:
    token = issuer.token("runner", lifetime_s=30)
    assert await verifier.role(token) == "runner"
    clock.shift_s = 39
    assert await verifier.role(token) == "runner", "clocks may differ by ten seconds"
    clock.shift_s = 41
    assert "expired" in await refusal(verifier, token)


async def test_a_rotated_key_is_found_and_a_flood_of_unknown_ones_asks_seldom(
    verifier: TokenVerifier,
    issuer: TokenIssuer,
    clock: ShiftedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = []
    original = jwks.KeySet._read

    def counted(keys: jwks.KeySet) -> bytes:
        reads.append(1)
        return original(keys)

    monkeypatch.setattr(jwks.KeySet, "_read", counted)
    assert await verifier.role(issuer.token("runner")) == "runner"
    folder = tmp_path / "rotated"
    folder.mkdir()
    rotated = TokenIssuer(folder, key_id="second")
    for _ in range(50):
        await refusal(verifier, rotated.token("runner"))
    assert len(reads) == 1
    keys = [issuer.public_key(), rotated.public_key()]
    issuer.jwks_file.write_text(json.dumps({"keys": keys}))
    clock.shift_s = jwks.REFRESH_INTERVAL_S_MIN
    assert await verifier.role(rotated.token("runner")) == "runner"
    assert await verifier.role(issuer.token("gateway")) == "gateway"
    assert len(reads) == 2


async def test_known_keys_serve_on_while_they_cannot_be_read(
    verifier: TokenVerifier, issuer: TokenIssuer, clock: ShiftedClock
) -> None:
    assert await verifier.role(issuer.token("runner")) == "runner"
    issuer.jwks_file.write_text("not json")
    clock.shift_s = jwks.KEYS_TTL_S + 1
    assert await verifier.role(issuer.token("gateway", lifetime_s=10_000)) == "gateway"


async def test_without_any_keys_it_is_our_fault(issuer: TokenIssuer) -> None:
    issuer.jwks_file.unlink()
    verifier = TokenVerifier(issuer.settings("exchange"))
    with pytest.raises(Unavailable):
        await verifier.role(issuer.token("runner"))


async def test_the_memory_of_tokens_is_bounded(
    verifier: TokenVerifier, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHE_ENTRIES_MAX", 2)
    for n in range(5):
        await verifier.role(issuer.token(f"role{n}"))
    assert len(verifier._cache) == 2
    assert ISSUER.startswith("https://")
