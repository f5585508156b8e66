"""Whatever is sent to the native API is answered as its OpenAPI document says."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from requests import PreparedRequest, Session
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from tests.support.exchange_stack import ExchangeStack

from tigerex_client import Client, Credentials, DcaConfig
from tigerex_platform.auth.hmac_signature import signed_headers
from tigerex_platform.clock import SystemClock

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

MARKET = "btc-usdt"
SEED = 20_261_121
EXAMPLES = 25  # of good and of bad input, for each operation
UNSIGNED_EXAMPLES = 4  # of an operation that has to be signed: the signature is looked at first
CALL_S_MAX = 20.0
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
# The document cannot say which of these there are; without one that is, little would be reached.
Known = dict[str, Any]
# Nor can it say what exchanges have, and what is worth being traded.
SOUND = {"market": MARKET, "account": "main", "price": "50000.00", "quantity": "0.001"}
SOUND_CONFIGS: dict[Any, Known] = {
    "dca": {"amount": "10", "interval_seconds": 3_600, "max_purchases": 2},
    "spot-grid": {
        "lower_price": "59000.00",
        "upper_price": "61000.00",
        "levels": 5,
        "investment": "100",
    },
}


@dataclass
class Signed(AuthBase):
    """Signs what is sent, as it is sent."""

    key: str
    secret: str
    last_ms: int = 0

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        now_ms = SystemClock().now_ns() // 1_000_000
        self.last_ms = max(now_ms, self.last_ms + 1)
        body = request.body or b""
        headers = signed_headers(
            self.key,
            self.secret,
            f"{request.method} {request.path_url}",
            body.encode() if isinstance(body, str) else body,
            timestamp_ms=self.last_ms,
        )
        request.headers.update(headers)
        return request


@pytest.fixture(scope="module")
def ann(stack: ExchangeStack) -> Iterator[Client]:
    keys = stack.keys["ann"]
    with Client(stack.url, Credentials(keys.key, keys.secret)) as client:
        yield client


def operations(stack: ExchangeStack) -> list[Any]:
    # The headers of signatures are `Signed`'s: wrong ones are what other tests are about.
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_url(f"{stack.url}/openapi.json", config=config)
    return [found.ok() for found in schema.get_all_operations()]


def known(path: str, client: Client) -> Known:
    """Path parameters of things that are there."""
    if "{symbol}" in path:
        return {"symbol": MARKET}
    if "{order_id}" in path:
        placed = client.place_order(MARKET, "buy", Decimal("0.001"), price=Decimal(50_000))
        return {"order_id": placed.order.order_id}
    if "{bot_id}" in path:
        bot = client.create_bot("a bot", MARKET, DcaConfig(Decimal(10), 3_600, 2))
        return {"bot_id": bot.bot_id}
    return {}


def sound(body: Known) -> Known:
    """Values for some of the fields of a body or query, with which it may succeed."""
    values = SOUND | {"config": SOUND_CONFIGS.get(body.get("type"))}
    return {name: value for name, value in values.items() if name in body}


def probe(
    operation: Any, path: Known, mode: GenerationMode, examples: int, auth: Signed | None, url: str
) -> Counter[int]:
    """How often each status came. Raises what schemathesis found."""
    statuses: Counter[int] = Counter()
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=path)

    with Session() as session:

        @seed(SEED)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy, is_sound=st.booleans())
        def answered(case: Case, is_sound: bool) -> None:
            if mode == GenerationMode.POSITIVE and is_sound and isinstance(case.body, dict):
                case.body |= sound(case.body)
            if mode == GenerationMode.POSITIVE and is_sound:
                case.query |= sound(case.query)
            response = case.call_and_validate(
                base_url=url, session=session, auth=auth, checks=CHECKS, timeout=CALL_S_MAX
            )
            statuses[response.status_code] += 1

        with contextlib.suppress(Unsatisfiable):  # nothing of it can be wrong
            answered()
    return statuses


def test_answers_are_documented(
    stack: ExchangeStack, ann: Client, subtests: pytest.Subtests
) -> None:
    auth = Signed(stack.keys["ann"].key, stack.keys["ann"].secret)
    statuses: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for operation in operations(stack):
        is_signed = bool(operation.definition.raw.get("security"))
        there = known(operation.path, ann)
        probes = [
            ("good", there, GenerationMode.POSITIVE, EXAMPLES, auth),
            ("bad", there, GenerationMode.NEGATIVE, EXAMPLES, auth),
            ("unsigned", there, GenerationMode.POSITIVE, UNSIGNED_EXAMPLES, None),
        ]
        if there:
            probes.append(("of unknown things", {}, GenerationMode.POSITIVE, EXAMPLES, auth))
            probes.append(("of impossible things", {}, GenerationMode.NEGATIVE, EXAMPLES, auth))
        for name, path, mode, examples, signer in probes:
            if is_signed or name != "unsigned":
                with subtests.test(f"{operation.label}: {name}"):
                    seen = probe(
                        operation,
                        path,
                        mode,
                        examples,
                        signer if is_signed else None,
                        stack.url,
                    )
                    statuses[operation.label] += seen
    for order in ann.orders().orders:
        ann.cancel_order(order.order_id)
    for bot in ann.bots(page_size=500).bots:
        ann.delete_bot(bot.bot_id)
    # Not only refusals were seen.
    assert not [name for name, seen in statuses.items() if not any(s < 300 for s in seen)], statuses
    assert "Traceback" not in stack.log("gateway")


def test_every_path_of_the_document_is_native(stack: ExchangeStack) -> None:
    assert all(
        urlsplit(each.path).path.startswith(("/api/v1/", "/healthz", "/readyz"))
        for each in operations(stack)
    )
