"""A call without a network: signed, repeated, judged; the sync and the async client alike."""

import inspect
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_client import (
    AsyncClient,
    Client,
    Conflict,
    Credentials,
    InvalidAnswer,
    InvalidRequest,
    MissingCredentials,
    NoAnswer,
    Refused,
    Unauthenticated,
    Unavailable,
    calls,
    errors,
)
from tigerex_client.calls import Call
from tigerex_client.flow import ATTEMPTS_MAX, Answer, Flow, Outcome, Send, Wait
from tigerex_client.models.accounts import Order
from tigerex_client.models.market import CircuitBreaker, ServerTime
from tigerex_client.parsing import load, parse
from tigerex_client.signing import ServerClock
from tigerex_platform.auth.hmac_signature import sign

pytestmark = pytest.mark.unit

KEY = Credentials("key", "secret")
NOW_NS = 1_700_000_000_000_000_000
MARKETS = Answer(200, {}, b'{"markets": []}')
TIME = "2023-11-14T22:13:2{}.000000000Z"  # NOW_NS is second 20


class Run:
    """Plays the network: answers what a flow sends, and moves the time when it waits."""

    def __init__(self, *outcomes: Outcome, deadline_s: float = 20.0) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[Send] = []
        self.waited_s: list[float] = []
        self.now_s = 0.0
        self.flow = Flow(
            "http://exchange",
            KEY,
            deadline_s=deadline_s,
            now_ns=lambda: NOW_NS,
            monotonic_s=lambda: self.now_s,
            chance=lambda: 0.5,
        )

    def of(self, call: Call[Any]) -> Any:
        steps = self.flow.run(call)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return done.value
            if isinstance(step, Wait):
                self.waited_s.append(step.seconds)
                self.now_s += step.seconds
                outcome = None
            else:
                self.sent.append(step)
                outcome = self.outcomes.pop(0)
                self.now_s += step.timeout_s if isinstance(outcome, NoAnswer) else 0.01


def refusal(status: int, code: str, *, after: str = "", retryable: bool = False) -> Answer:
    body = f'{{"code": "{code}", "detail": "no", "retryable": {str(retryable).lower()}}}'
    return Answer(status, {"retry-after": after} if after else {}, body.encode())


def order() -> Call[Any]:
    return calls.place_order("btc-usdt", "buy", Decimal("0.001"), price=Decimal("5E+4"))


def test_a_write_is_repeated_under_the_same_key_and_signed_anew() -> None:
    run = Run(NoAnswer("lost"), refusal(503, "UNAVAILABLE", after="2"), Answer(201, {}, b"{}"))
    with pytest.raises(InvalidAnswer, match=r"order is 'missing'"):
        run.of(order())
    assert len({each.headers["idempotency-key"] for each in run.sent}) == 1
    assert len({each.headers["x-tigerex-signature"] for each in run.sent}) == 3
    for each in run.sent:
        stamp = int(each.headers["x-tigerex-timestamp"])
        expected = sign("secret", stamp, "POST /api/v1/orders", each.body)
        assert each.headers["x-tigerex-signature"] == expected
    assert run.waited_s[1] == 2.0
    assert load(run.sent[0].body) == {
        "market": "btc-usdt", "side": "buy", "type": "limit", "post_only": False,
        "price": "50000", "quantity": "0.001", "account": "main",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400, "INVALID_FIELD"), InvalidRequest),
        (refusal(401, "INVALID_SIGNATURE"), Unauthenticated),
        (refusal(409, "INSUFFICIENT_BALANCE"), Conflict),
        (Answer(500, {}, b"<html>"), Unavailable),
    ],
)
def test_what_would_be_refused_again_is_not_repeated(answer: Answer, kind: type[Refused]) -> None:
    run = Run(answer)
    with pytest.raises(kind):
        run.of(order())
    assert len(run.sent) == 1


@given(st.lists(st.sampled_from(["lost", "503", "429"]), min_size=ATTEMPTS_MAX))
def test_attempts_and_time_are_bounded(failures: list[str]) -> None:
    of: dict[str, Callable[[], Outcome]] = {
        "lost": lambda: NoAnswer("lost"),
        "503": lambda: refusal(503, "UNAVAILABLE", after="1"),
        "429": lambda: refusal(429, "RATE_LIMITED", after="3"),
    }
    run = Run(*(of[each]() for each in failures))
    with pytest.raises((NoAnswer, Refused)):
        run.of(calls.markets())
    assert len(run.sent) <= ATTEMPTS_MAX
    assert run.now_s <= 20.0 + 1e-6
    assert all(0 < each.timeout_s <= 6.0 for each in run.sent)


def test_a_wait_beyond_the_deadline_is_the_callers_to_make() -> None:
    run = Run(refusal(429, "RATE_LIMITED", after="60"))
    with pytest.raises(errors.RateLimited) as raised:
        run.of(calls.markets())
    assert raised.value.retry_after_s == 60.0
    assert not run.waited_s


def test_a_refused_timestamp_corrects_the_clock_once() -> None:
    told = Answer(200, {}, b'{"time": "%s"}' % TIME.format(7).encode())
    outside = refusal(401, "TIMESTAMP_OUTSIDE_WINDOW")
    run = Run(outside, told, Answer(200, {}, b'{"accounts": []}'))
    assert run.of(calls.accounts()) == ()
    first, second = (int(run.sent[n].headers["x-tigerex-timestamp"]) for n in (0, 2))
    assert second - first == 7_000
    run = Run(outside, told, outside)
    with pytest.raises(Unauthenticated):
        run.of(calls.accounts())


def test_a_signature_that_another_client_had_is_made_anew() -> None:
    accounts = Answer(200, {}, b'{"accounts": []}')
    run = Run(refusal(401, "REPLAYED_SIGNATURE"), accounts)
    assert run.of(calls.accounts()) == ()
    assert len({each.headers["x-tigerex-signature"] for each in run.sent}) == 2


@given(st.lists(st.integers(0, 3), max_size=30))
def test_no_two_requests_have_the_same_timestamp(steps: list[int]) -> None:
    now = [NOW_NS]
    clock = ServerClock(lambda: now[0])
    found = []
    for step in steps:
        now[0] += step * 500_000
        found.append(clock.next_ms())
    assert len(set(found)) == len(found)


def test_a_signed_call_needs_a_key_and_money_is_exact() -> None:
    with pytest.raises(MissingCredentials):
        next(Flow("https://exchange:8443/").run(calls.accounts()))
    with pytest.raises(TypeError, match="allowed: a Decimal"):
        calls.place_order("btc-usdt", "buy", 0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite"):
        calls.place_order("btc-usdt", "buy", Decimal("NaN"))
    assert "secret" not in repr(KEY)
    for url in ("exchange", "ftp://exchange", "http://exchange/path", "http://exchange?a"):
        with pytest.raises(ValueError, match="allowed: https://host"):
            Flow(url)


def test_both_clients_have_every_call_with_its_words() -> None:
    table = {
        name: found
        for name, found in vars(calls).items()
        if inspect.isfunction(found)
        and found.__module__ == calls.__name__
        and not name.startswith("_")
    }
    for client in (Client, AsyncClient):
        for name, call in table.items():
            method = getattr(client, name)
            assert (method.__name__, method.__doc__) == (name, call.__doc__)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"move": "0.1"}', "window_seconds"),
        ('{"move": "1e5", "window_seconds": 1}', "move"),
        ('{"move": true, "window_seconds": 1}', "move"),
        ('{"move": "0.1", "window_seconds": null}', "window_seconds"),
        ("[]", ""),
        ('{"move": NaN}', ""),
        ("{", ""),
    ],
)
def test_an_answer_of_another_form_names_the_place(text: str, path: str) -> None:
    with pytest.raises(InvalidAnswer) as raised:
        parse(CircuitBreaker, load(text))
    assert raised.value.path == path


def test_numbers_stay_exact_and_unknown_fields_are_left_out() -> None:
    text = '{"move": "0.1", "window_seconds": 60.10000000000000001, "new": {}}'
    found = parse(CircuitBreaker, load(text))
    assert found == CircuitBreaker(Decimal("0.1"), Decimal("60.10000000000000001"))
    assert parse(ServerTime, {"time": "1970-01-01T00:00:01.000000002Z"}).time_ns == 1_000_000_002
    with pytest.raises(InvalidAnswer, match="order_id"):
        parse(Order, {"order_id": "7"})
