"""A call from request to answer without any I/O: sign, send, judge, wait, repeat.

`Flow.run` is a generator that yields what is to be done and is sent what came of it, so that the
sync and the async client differ in nothing but who waits.
"""

import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from tigerex_client import calls
from tigerex_client.calls import Call
from tigerex_client.errors import InvalidAnswer, MissingCredentials, NoAnswer, Refused, refused
from tigerex_client.parsing import load
from tigerex_client.signing import RECV_WINDOW_MS, Credentials, ServerClock, signature

T = TypeVar("T")

DEADLINE_S = 20.0
ATTEMPTS_MAX = 4
BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 2.0
CLOCK_CODES = frozenset({"TIMESTAMP_OUTSIDE_WINDOW", "TIMESTAMP_BEFORE_START"})
# Another client of the same key signed an equal request in the same millisecond.
REPLAYED_CODE = "REPLAYED_SIGNATURE"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this; answered with an Answer or a NoAnswer."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so long; answered with None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Step = Send | Wait
Outcome = Answer | NoAnswer | None
Steps = Generator[Step, Outcome, T]


def backoff_s(failures: int, first_s: float, max_s: float, chance: float) -> float:
    """Twice as long after each failure, up to a bound; `chance` in [0, 1) spreads callers out."""
    return float(min(max_s, first_s * 2 ** min(failures, 30)) * (0.5 + chance / 2))


class Flow:
    """What every call of one client has in common. `deadline_s` bounds a call with its repeats."""

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        deadline_s: float = DEADLINE_S,
        now_ns: Callable[[], int] = time.time_ns,
        monotonic_s: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        parts = urlsplit(url)
        path_or_more = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme not in ("http", "https") or not parts.netloc or path_or_more:
            raise ValueError(f"url is {url!r}; allowed: https://host or https://host:port")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.credentials = credentials
        self.clock = ServerClock(now_ns)
        self.deadline_s = deadline_s
        self._monotonic_s = monotonic_s
        self._chance = chance

    def run(self, call: Call[T]) -> Steps[T]:
        """Raises Refused, NoAnswer, InvalidAnswer, MissingCredentials."""
        if call.signed and self.credentials is None:
            raise MissingCredentials(f"{call.method} {call.target}")
        ends_s = self._monotonic_s() + self.deadline_s
        clock_corrected = False
        failures = 0
        while True:
            error = yield from self._attempt(call, ends_s)
            if not isinstance(error, NoAnswer | Refused):
                return error.value
            if isinstance(error, Refused) and error.code in CLOCK_CODES and not clock_corrected:
                yield from self.correct_clock(ends_s)
                clock_corrected = True
                continue
            failures += 1
            pause_s = self._pause_s(error, failures)
            left_s = ends_s - self._monotonic_s()
            if pause_s is None or pause_s >= left_s:
                raise error
            yield Wait(pause_s)

    def correct_clock(self, ends_s: float | None = None) -> Steps[None]:
        """Asks for the exchange's time, and signs with it from here on."""
        sent_ns = self.clock.local_ns()
        ends_s = self._monotonic_s() + self.deadline_s if ends_s is None else ends_s
        found = yield from self._attempt(calls.server_time(), ends_s)
        if isinstance(found, NoAnswer | Refused):
            raise found
        self.clock.correct(found.value.time_ns, sent_ns, self.clock.local_ns())

    def socket_auth(self, target: str) -> dict[str, object]:
        """The fields that sign a WebSocket. Raises MissingCredentials."""
        if self.credentials is None:
            raise MissingCredentials("the channel bots")
        timestamp_ms = self.clock.next_ms()
        return {
            "key": self.credentials.key,
            "timestamp": timestamp_ms,
            "signature": signature(self.credentials.secret, timestamp_ms, f"GET {target}", b""),
        }

    def _attempt(
        self, call: Call[T], ends_s: float
    ) -> Generator[Step, Outcome, "_Found[T] | NoAnswer | Refused"]:
        left_s = ends_s - self._monotonic_s()
        if left_s <= 0:
            return NoAnswer(f"{call.method} {call.target}: no answer in {self.deadline_s} s")
        headers = self._headers(call)
        outcome = yield Send(
            call.method, call.target, headers, call.body, min(call.attempt_s, left_s)
        )
        if isinstance(outcome, NoAnswer):
            return outcome
        if outcome is None:
            raise TypeError("a Send is answered with an Answer or a NoAnswer")
        if 200 <= outcome.status < 300:
            return _Found(call.read(load(outcome.body) if outcome.body else None))
        return _refused(outcome)

    def _headers(self, call: Call[T]) -> dict[str, str]:
        headers = {"accept": "application/json"}
        if call.body:
            headers["content-type"] = "application/json"
        if call.idempotency_key is not None:
            headers["idempotency-key"] = call.idempotency_key
        if call.signed and self.credentials is not None:
            timestamp_ms = self.clock.next_ms()
            method = f"{call.method} {call.target}"
            headers |= {
                "x-tigerex-key": self.credentials.key,
                "x-tigerex-timestamp": str(timestamp_ms),
                "x-tigerex-recv-window": str(RECV_WINDOW_MS),
                "x-tigerex-signature": signature(
                    self.credentials.secret, timestamp_ms, method, call.body
                ),
            }
        return headers

    def _pause_s(self, error: NoAnswer | Refused, failures: int) -> float | None:
        """How long to wait before the next attempt; None: there is none."""
        if failures >= ATTEMPTS_MAX:
            return None
        pause_s = backoff_s(failures - 1, BACKOFF_FIRST_S, BACKOFF_MAX_S, self._chance())
        if isinstance(error, NoAnswer):
            return pause_s
        if not error.retryable and error.code != REPLAYED_CODE:
            return None
        return max(pause_s, error.retry_after_s or 0.0)


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    """An answer, told apart from the errors that may come in its place."""

    value: T


def _refused(answer: Answer) -> Refused:
    try:
        problem = load(answer.body)
    except InvalidAnswer:
        problem = None  # of something before the exchange
    after = answer.headers.get("retry-after", "")
    seconds = float(after) if after.isascii() and after.isdigit() and len(after) < 9 else None
    return refused(answer.status, problem if isinstance(problem, dict) else {}, seconds)
