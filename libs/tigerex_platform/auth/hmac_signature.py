"""The signature of external callers: one function signs, one verifies, for gRPC and HTTP alike.

hex HMAC-SHA256(secret, f"{timestamp_ms}\\n{method}\\n{hex sha256(body)}"), where method is
"/pkg.Service/Method" with the serialized request as body, or "POST /path?query" with the raw
HTTP body.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from tigerex_platform.auth.keys import ApiKey, KeyStore
from tigerex_platform.auth.principal import Principal
from tigerex_platform.clock import Clock, SystemClock
from tigerex_platform.errors import RateLimited, Unauthenticated

KEY_HEADER = "x-tigerex-key"
TIMESTAMP_HEADER = "x-tigerex-timestamp"
SIGNATURE_HEADER = "x-tigerex-signature"
RECV_WINDOW_HEADER = "x-tigerex-recv-window"

RECV_WINDOW_MS_DEFAULT = 5_000
RECV_WINDOW_MS_MAX = 60_000
FUTURE_MS_MAX = 1_000  # how far a caller's clock may be ahead of ours
KEY_CHARS_MAX = 128
SEEN_MAX = 1 << 18
SEEN_PER_KEY_MAX = 1 << 16
SIGNED_LATELY_MAX = 4_096  # different requests that a signer remembers


def sign(secret: str, timestamp_ms: int, method: str, body: bytes) -> str:
    """The signature of a request, in hex."""
    text = f"{timestamp_ms}\n{method}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.new(secret.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()


def signed_headers(
    key: str,
    secret: str,
    method: str,
    body: bytes,
    *,
    timestamp_ms: int,
    recv_window_ms: int | None = None,
) -> dict[str, str]:
    """The headers (gRPC: metadata) that a caller attaches to a request."""
    headers = {
        KEY_HEADER: key,
        TIMESTAMP_HEADER: str(timestamp_ms),
        SIGNATURE_HEADER: sign(secret, timestamp_ms, method, body),
    }
    if recv_window_ms is not None:
        headers[RECV_WINDOW_HEADER] = str(recv_window_ms)
    return headers


class SigningTimes:
    """Timestamps for a signer: two equal requests within a millisecond get different ones.

    They would have the same signature otherwise, and the second would be refused as a replay.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_ms: OrderedDict[bytes, int] = OrderedDict()

    def next_ms(self, method: str, body: bytes) -> int:
        """The time now in milliseconds, moved on where an equal request has had it."""
        request = hashlib.sha256(method.encode("utf-8") + b"\n" + body).digest()
        now_ms = max(self._clock.now_ns() // 1_000_000, self._last_ms.get(request, 0) + 1)
        self._last_ms[request] = now_ms
        self._last_ms.move_to_end(request)
        if len(self._last_ms) > SIGNED_LATELY_MAX:
            self._last_ms.popitem(last=False)
        return now_ms


class SignatureVerifier:
    """Verifies signed requests and accepts each signature once.

    The memory of accepted signatures ends with the process, so timestamps from before its start are
    refused.
    """

    def __init__(self, key_store: KeyStore, *, clock: Clock | None = None) -> None:
        self._key_store = key_store
        self._clock = clock or SystemClock()
        self._started_ms = self._clock.now_ns() // 1_000_000
        self._seen = _SeenSignatures()

    async def verify(self, method: str, headers: Mapping[str, str], body: bytes) -> Principal:
        """The caller behind the headers (lower-case names). Raises Unauthenticated, RateLimited,
        Unavailable.
        """
        key = headers.get(KEY_HEADER, "")
        if not 0 < len(key) <= KEY_CHARS_MAX:
            raise Unauthenticated(
                f"{KEY_HEADER} must hold an API key", code="INVALID_API_KEY", field=KEY_HEADER
            )
        timestamp_ms = _integer(headers, TIMESTAMP_HEADER)
        window_ms = _integer(headers, RECV_WINDOW_HEADER, RECV_WINDOW_MS_DEFAULT)
        self._check_time(timestamp_ms, window_ms)
        api_key = await self._key_store.lookup(key)
        if api_key is not None and not api_key.secret:
            raise Unauthenticated(
                "this API key signs with Ed25519, for the Binance-compatible API; use one with a"
                " secret here",
                code="WRONG_KIND_OF_API_KEY",
                field=KEY_HEADER,
            )
        signature = headers.get(SIGNATURE_HEADER, "")
        if not _matches(api_key, signature, timestamp_ms, method, body) or api_key is None:
            raise Unauthenticated(
                f"unknown API key, or {SIGNATURE_HEADER} is not the signature of this request",
                code="INVALID_SIGNATURE",
                field=SIGNATURE_HEADER,
            )
        # The lookup may have taken a while: a signature outlives neither its window nor our memory
        # of it.
        self._check_time(timestamp_ms, window_ms)
        self._seen.remember(key, signature, timestamp_ms, self._now_ms())
        return replace(api_key.principal, valid_until_ms=timestamp_ms + window_ms)

    async def holder(self, key: str) -> Principal:
        """The caller that a key stands for now. Raises Unauthenticated for a revoked one,
        Unavailable.
        """
        api_key = await self._key_store.lookup(key)
        if api_key is None:
            raise Unauthenticated(
                "the API key is revoked", code="INVALID_API_KEY", field=KEY_HEADER
            )
        return api_key.principal

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

    def _check_time(self, timestamp_ms: int, window_ms: int) -> None:
        if not 0 < window_ms <= RECV_WINDOW_MS_MAX:
            raise Unauthenticated(
                f"{RECV_WINDOW_HEADER} is {window_ms}; allowed: 1 to {RECV_WINDOW_MS_MAX} ms",
                code="INVALID_RECV_WINDOW",
                field=RECV_WINDOW_HEADER,
            )
        now_ms = self._now_ms()
        if timestamp_ms < self._started_ms:
            raise Unauthenticated(
                f"{TIMESTAMP_HEADER} is from before this server's start; sign again now",
                code="TIMESTAMP_BEFORE_START",
                field=TIMESTAMP_HEADER,
            )
        if not now_ms - window_ms <= timestamp_ms <= now_ms + FUTURE_MS_MAX:
            raise Unauthenticated(
                f"{TIMESTAMP_HEADER} is {timestamp_ms - now_ms:+d} ms off the server's time;"
                f" allowed: -{window_ms} to +{FUTURE_MS_MAX} ms",
                code="TIMESTAMP_OUTSIDE_WINDOW",
                field=TIMESTAMP_HEADER,
            )


class _SeenSignatures:
    """Signatures accepted lately, in the order they can be forgotten.

    The receive window is not signed, so whoever caught a request could widen it: a signature is
    therefore remembered for the largest window, whatever its own. Entries are kept by arrival, at
    most FUTURE_MS_MAX after which their timestamp can lie, so the bound on the age of an arrival is
    the sum of both.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, tuple[int, str]] = OrderedDict()
        self._per_key: dict[str, int] = {}

    def remember(self, key: str, signature: str, timestamp_ms: int, now_ms: int) -> None:
        """Raises Unauthenticated for a repeated signature, RateLimited when the memory is full."""
        self._forget_older_than(now_ms - RECV_WINDOW_MS_MAX - FUTURE_MS_MAX)
        # The digest covers what is signed: two spellings of one signature (upper case) are the
        # same.
        identity = hashlib.sha256(f"{key}\n{timestamp_ms}\n{signature.lower()}".encode()).digest()
        if identity in self._seen:
            raise Unauthenticated(
                "this signed request was received before; sign again with a new timestamp",
                code="REPLAYED_SIGNATURE",
                field=SIGNATURE_HEADER,
            )
        held = self._per_key.get(key, 0)
        if len(self._seen) >= SEEN_MAX or held >= SEEN_PER_KEY_MAX:
            raise RateLimited("too many signed requests within a minute", retry_after_s=1.0)
        self._seen[identity] = (now_ms, key)
        self._per_key[key] = held + 1

    def _forget_older_than(self, limit_ms: int) -> None:
        while self._seen:
            identity, (arrived_ms, key) = next(iter(self._seen.items()))
            if arrived_ms >= limit_ms:
                return
            del self._seen[identity]
            self._per_key[key] -= 1
            if not self._per_key[key]:
                del self._per_key[key]


def _matches(
    api_key: ApiKey | None, signature: str, timestamp_ms: int, method: str, body: bytes
) -> bool:
    # An unknown key costs the same work as a known one, so that keys cannot be probed by time.
    secret = api_key.secret if api_key is not None else "unknown"
    expected = sign(secret, timestamp_ms, method, body)
    equal = hmac.compare_digest(expected.encode("ascii"), signature.lower().encode("utf-8"))
    return equal and api_key is not None


def _integer(headers: Mapping[str, str], name: str, default: int | None = None) -> int:
    text = headers.get(name)
    if text is None and default is not None:
        return default
    text = text or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Unauthenticated(
            f"{name} must be a whole number of milliseconds", code="INVALID_HEADER", field=name
        )
    return int(text)
