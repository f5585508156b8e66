"""Who signs, and the time that the exchange will believe."""

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

RECV_WINDOW_MS = 5_000
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key; the secret is not shown."""

    key: str
    secret: str = field(repr=False)


def signature(secret: str, timestamp_ms: int, method: str, body: bytes) -> str:
    """Hex HMAC-SHA256; `method` is "GET /path?query" as sent."""
    text = f"{timestamp_ms}\n{method}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class ServerClock:
    """The exchange's time: ours with an offset, and never the same millisecond twice, because equal
    requests would have equal signatures and each is accepted once.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._last_ms = 0
        self._lock = threading.Lock()
        self.offset_ns = 0

    def local_ns(self) -> int:
        return self._now_ns()

    def next_ms(self) -> int:
        with self._lock:
            now_ms = (self._now_ns() + self.offset_ns) // NS_PER_MS
            self._last_ms = max(now_ms, self._last_ms + 1)
            return self._last_ms

    def correct(self, server_ns: int, sent_ns: int, received_ns: int) -> None:
        """Takes the answer as given halfway between sending and receiving."""
        with self._lock:
            self.offset_ns = server_ns - (sent_ns + received_ns) // 2
            self._last_ms = 0
