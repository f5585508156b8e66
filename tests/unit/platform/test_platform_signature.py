"""Signatures of external callers: golden value, forgery, time, replay."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tigerex_platform.auth import ApiKey, CachedKeyStore
from tigerex_platform.auth import hmac_signature as signature
from tigerex_platform.auth.hmac_signature import (
    SignatureVerifier,
    SigningTimes,
    sign,
    signed_headers,
)
from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import RateLimited, TigerExError, Unauthenticated

pytestmark = pytest.mark.unit

METHOD = "/tigerex.exchange.v1.TradingService/PlaceOrder"
KEY = ApiKey("key-1", "ann", 7, frozenset({"read", "trade"}), "a secret")


class Keys:
    def __init__(self) -> None:
        self.lookups = 0

    async def lookup(self, key: str) -> ApiKey | None:
        self.lookups += 1
        return KEY if key == KEY.key else None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def verifier(clock: ManualClock) -> SignatureVerifier:
    return SignatureVerifier(Keys(), clock=clock)


def headers(clock: ManualClock, body: bytes = b"body", **changes: object) -> dict[str, str]:
    arguments: dict[str, object] = {
        "key": KEY.key,
        "secret": KEY.secret,
        "method": METHOD,
        "body": body,
        "timestamp_ms": clock.now_ns() // 1_000_000,
    } | changes
    return signed_headers(**arguments)  # type: ignore[arg-type]


async def test_a_verified_request_ends_with_its_window(
    verifier: SignatureVerifier, clock: ManualClock
) -> None:
    timestamp_ms = clock.now_ns() // 1_000_000
    for sent, window_ms in ((headers(clock), 5_000), (headers(clock, recv_window_ms=77), 77)):
        sent[signature.TIMESTAMP_HEADER] = str(timestamp_ms)
        principal = await SignatureVerifier(Keys(), clock=clock).verify(METHOD, sent, b"body")
        assert principal.valid_until_ms == timestamp_ms + window_ms


async def refusal(verifier: SignatureVerifier, sent: dict[str, str], body: bytes = b"body") -> str:
    with pytest.raises(TigerExError) as refused:
        await verifier.verify(METHOD, sent, body)
    return refused.value.code


def test_golden_value_made_by_other_tools() -> None:
    """`printf '%s\\n%s\\n%s' ... | openssl dgst -sha256 -hmac s3cret`, body hash by sha256sum."""
    made = sign("s3cret", 1_700_000_000_000, "POST /api/v1/bots/create?dry=1", b'{"a": 1}')
    assert made == "f9c14c96061ed5cf6364fad9f13e7fb58441e79e05ed32ed4852780909362429"


async def test_a_good_signature_tells_the_user(
    verifier: SignatureVerifier, clock: ManualClock
) -> None:
    principal = await verifier.verify(METHOD, headers(clock), b"body")
    assert (principal.kind, principal.name) == ("external", "key-1")
    assert (principal.user, principal.user_id) == ("ann", 7)
    assert principal.permissions == {"read", "trade"}
    assert "secret" not in repr(KEY)


async def test_a_signature_is_accepted_once(
    verifier: SignatureVerifier, clock: ManualClock
) -> None:
    sent = headers(clock)
    await verifier.verify(METHOD, sent, b"body")
    assert await refusal(verifier, sent) == "REPLAYED_SIGNATURE"
    shouted = sent | {signature.SIGNATURE_HEADER: sent[signature.SIGNATURE_HEADER].upper()}
    assert await refusal(verifier, shouted) == "REPLAYED_SIGNATURE"


async def test_a_widened_window_does_not_revive_a_forgotten_signature(
    verifier: SignatureVerifier, clock: ManualClock
) -> None:
    """The window is not signed: whoever caught the request may send it with the largest one."""
    sent = headers(clock, recv_window_ms=1_000)
    await verifier.verify(METHOD, sent, b"body")
    widest = sent | {signature.RECV_WINDOW_HEADER: str(signature.RECV_WINDOW_MS_MAX)}
    for _ in range(60):
        assert await refusal(verifier, widest) == "REPLAYED_SIGNATURE"
        clock.advance(1)
    clock.advance(0.001)
    assert await refusal(verifier, widest) == "TIMESTAMP_OUTSIDE_WINDOW"


@given(
    early_ms=st.integers(0, signature.FUTURE_MS_MAX),
    steps_ms=st.lists(st.integers(0, 30_000), min_size=1, max_size=8),
)
@settings(max_examples=100, deadline=None)
def test_no_sequence_of_moments_accepts_a_signature_twice(
    early_ms: int, steps_ms: list[int]
) -> None:
    async def accepted() -> int:
        clock = ManualClock()
        verifier = SignatureVerifier(Keys(), clock=clock)
        sent = headers(clock, timestamp_ms=clock.now_ns() // 1_000_000 + early_ms)
        sent[signature.RECV_WINDOW_HEADER] = str(signature.RECV_WINDOW_MS_MAX)
        count = 0
        for step_ms in [0, *steps_ms]:
            clock.advance(step_ms / 1000)
            # Other traffic makes the memory forget what it may.
            other = headers(clock, body=str(clock.now_ns()).encode())
            with suppress(Unauthenticated):
                await verifier.verify(METHOD, other, str(clock.now_ns()).encode())
            with suppress(Unauthenticated):
                await verifier.verify(METHOD, sent, b"body")
                count += 1
        return count

    assert asyncio.run(accepted()) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "another"}, "INVALID_SIGNATURE"),
        ({"key": "key-2"}, "INVALID_SIGNATURE"),
        ({"method": "/tigerex.exchange.v1.TradingService/CancelOrder"}, "INVALID_SIGNATURE"),
        ({"body": b"b0dy"}, "INVALID_SIGNATURE"),
        ({"recv_window_ms": 60_001}, "INVALID_RECV_WINDOW"),
        ({"recv_window_ms": 0}, "INVALID_RECV_WINDOW"),
        ({"key": ""}, "INVALID_API_KEY"),
        ({"key": "x" * 129}, "INVALID_API_KEY"),
    ],
)
async def test_forgeries(
    verifier: SignatureVerifier, clock: ManualClock, changes: dict[str, object], code: str
) -> None:
    assert await refusal(verifier, headers(clock, **changes)) == code


@pytest.mark.parametrize("timestamp", ["", "now", "-5", "1.5", "१२३", "9" * 16])
async def test_timestamps_that_are_none(
    verifier: SignatureVerifier, clock: ManualClock, timestamp: str
) -> None:
    sent = headers(clock) | {signature.TIMESTAMP_HEADER: timestamp}
    assert await refusal(verifier, sent) == "INVALID_HEADER"


@pytest.mark.parametrize("window", ["", "soon", "-5", "5000.0"])
async def test_receive_windows_that_are_none(
    verifier: SignatureVerifier, clock: ManualClock, window: str
) -> None:
    sent = headers(clock) | {signature.RECV_WINDOW_HEADER: window}
    assert await refusal(verifier, sent) == "INVALID_HEADER"


@pytest.mark.parametrize(
    ("offset_ms", "code"),
    [(-5_001, "TIMESTAMP_OUTSIDE_WINDOW"), (1_001, "TIMESTAMP_OUTSIDE_WINDOW")],
)
async def test_late_and_early(
    verifier: SignatureVerifier, clock: ManualClock, offset_ms: int, code: str
) -> None:
    clock.advance(100)
    now_ms = clock.now_ns() // 1_000_000
    assert await refusal(verifier, headers(clock, timestamp_ms=now_ms + offset_ms)) == code
    good = headers(clock, timestamp_ms=now_ms + (-5_000 if offset_ms < 0 else 1_000))
    await verifier.verify(METHOD, good, b"body")


async def test_before_the_start_nothing_is_remembered_so_nothing_is_taken(
    verifier: SignatureVerifier, clock: ManualClock
) -> None:
    sent = headers(clock, timestamp_ms=clock.now_ns() // 1_000_000 - 1)
    assert await refusal(verifier, sent) == "TIMESTAMP_BEFORE_START"


async def test_the_memory_is_bounded_for_each_key(
    verifier: SignatureVerifier, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "SEEN_PER_KEY_MAX", 3)
    for n in range(3):
        await verifier.verify(METHOD, headers(clock, body=bytes([n])), bytes([n]))
    with pytest.raises(RateLimited):
        await verifier.verify(METHOD, headers(clock, body=b"4"), b"4")
    clock.advance(62)
    await verifier.verify(METHOD, headers(clock, body=b"5"), b"5")


def test_equal_requests_within_a_millisecond_get_times_of_their_own(clock: ManualClock) -> None:
    times = SigningTimes(clock)
    now_ms = clock.now_ns() // 1_000_000
    assert [times.next_ms(METHOD, b"a") for _ in range(3)] == [now_ms, now_ms + 1, now_ms + 2]
    assert times.next_ms(METHOD, b"b") == now_ms
    clock.advance(1)
    assert times.next_ms(METHOD, b"a") == now_ms + 1_000


async def test_looked_up_keys_are_kept_for_a_while(clock: ManualClock) -> None:
    inner = Keys()
    cached = CachedKeyStore(inner, clock=clock)
    for key in ("key-1", "key-1", "nobody", "nobody"):
        found = await cached.lookup(key)
        assert (found is not None) == (key == "key-1")
    assert inner.lookups == 2
    clock.advance(30)
    await cached.lookup("key-1")
    assert inner.lookups == 3
