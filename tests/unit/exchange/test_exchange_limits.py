"""Nobody gets more than the burst and the rate allow, in any window of time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_core.records import COMMAND_WIDTH
from tigerex_platform.auth import Principal
from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import RateLimited, to_rpc_status
from tigerex_services.exchange.service.limits import Quota, Quotas, RateLimits, weight_of
from tigerex_services.exchange.wire.batch import Batch

pytestmark = pytest.mark.unit

TRADING = "/tigerex.exchange.v1.TradingService"
PLACE, BATCH = f"{TRADING}/PlaceOrder", f"{TRADING}/SubmitBatch"
READ = f"{TRADING}/GetOrder"
ANN = Principal("external", "key-of-ann", "ann", 1)
FEED = Principal("internal", "feed")
NONE = Quotas(Quota(0, 1), Quota(0, 1))


def batch_of(commands: int, lists: int = 0) -> Batch:
    oco = pb.BatchCommand(oco=pb.PlaceOcoRequest())
    rows = np.zeros((commands, COMMAND_WIDTH), np.int64)
    return Batch(0, rows, dict.fromkeys(range(lists), oco))


def limits_of(per_s: int, burst: int, clock: ManualClock, **more: int) -> RateLimits:
    quota = Quota(per_s, burst)
    return RateLimits(Quotas(quota, quota), NONE, clock, **more)


def taken(limits: RateLimits, principal: Principal, method: str = PLACE, commands: int = 0) -> bool:
    try:
        limits.admit(principal, method, batch_of(commands) if method == BATCH else None)
    except RateLimited:
        return False
    return True


@given(
    per_s=st.integers(1, 10_000),
    burst=st.integers(1, 300),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 256)), min_size=1, max_size=80),
)
def test_never_more_than_burst_and_rate_allow(
    per_s: int, burst: int, steps: list[tuple[float, int]]
) -> None:
    clock = ManualClock()
    limits = limits_of(per_s, burst, clock)
    admitted: list[tuple[float, int]] = []
    for pause_s, weight in steps:
        clock.advance(pause_s)
        if taken(limits, ANN, BATCH, weight):
            admitted.append((clock.monotonic_s(), min(weight, burst)))
    for begin in range(len(admitted)):
        total = 0
        for at_s, weight in admitted[begin:]:
            total += weight
            assert total <= burst + per_s * (at_s - admitted[begin][0] + 2e-9)


@given(per_s=st.integers(1, 5_000), burst=st.integers(1, 100), weight=st.integers(1, 100))
def test_the_hint_is_long_enough_and_not_much_longer(per_s: int, burst: int, weight: int) -> None:
    clock = ManualClock()
    limits = limits_of(per_s, burst, clock)
    while taken(limits, ANN):
        pass
    with pytest.raises(RateLimited) as caught:
        limits.admit(ANN, BATCH, batch_of(weight))
    assert caught.value.retry_after_s <= max(0.001, min(weight, burst) / per_s + 1e-6)
    clock.advance(caught.value.retry_after_s + 1e-6)
    assert taken(limits, ANN, BATCH, weight)


def test_callers_do_not_disturb_each_other_and_reads_not_commands() -> None:
    clock = ManualClock()
    limits = limits_of(1, 2, clock)
    bob = Principal("external", "key-of-bob", "bob", 2)
    assert [taken(limits, ANN) for _ in range(3)] == [True, True, False]
    assert taken(limits, bob)
    assert taken(limits, ANN, READ)
    # A second key has a bucket of its own, and so has the user at the gateway.
    assert taken(limits, Principal("external", "second-key", "ann", 1))
    assert taken(limits, Principal("internal", "gateway", "ann"))


def test_the_exchanges_own_services_have_their_own_quota() -> None:
    clock = ManualClock()
    unlimited = limits_of(1, 1, clock)
    assert all(taken(unlimited, FEED, BATCH, 256) for _ in range(1_000))
    quota = Quota(10, 512)
    limited = RateLimits(NONE, Quotas(quota, quota), clock)
    assert [taken(limited, FEED, BATCH, 256) for _ in range(3)] == [True, True, False]
    assert taken(limited, ANN, BATCH, 256)


def test_the_refusal_says_who_when_and_why() -> None:
    limits = limits_of(2, 1, ManualClock())
    assert taken(limits, ANN)
    with pytest.raises(RateLimited) as caught:
        limits.admit(ANN, PLACE, pb.PlaceOrderRequest())
    assert caught.value.retry_after_s == pytest.approx(0.5)
    kinds = [each.type_url.rpartition(".")[2] for each in to_rpc_status(caught.value).details]
    assert kinds == ["ErrorInfo", "RetryInfo", "QuotaFailure"]


def test_memory_is_bounded() -> None:
    clock = ManualClock()
    limits = limits_of(1, 1, clock, buckets_max=3)
    for name in "abcd":
        assert taken(limits, Principal("external", name, name, 1))
    assert len(limits._full_ns) == 3
    assert not taken(limits, Principal("external", "d", "d", 1))


def test_weights() -> None:
    assert weight_of(BATCH, batch_of(7)) == 7
    assert weight_of(BATCH, batch_of(7, lists=2)) == 9
    assert weight_of(BATCH, batch_of(0)) == 1
    assert weight_of(PLACE, pb.PlaceOrderRequest()) == 1
    assert weight_of(READ, pb.GetOrderRequest()) == 1
    assert weight_of(f"{TRADING}/ListOpenOrders", pb.ListOpenOrdersRequest()) > 1
