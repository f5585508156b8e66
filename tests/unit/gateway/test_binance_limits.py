"""Weights by the minute: counted for each caller, refused beyond the limit, forgotten after it."""

import pytest

from tigerex_platform.clock import ManualClock
from tigerex_services.gateway.binance import limits
from tigerex_services.gateway.binance.errors import BinanceError
from tigerex_services.gateway.binance.limits import Weights

pytestmark = pytest.mark.unit

MINUTE_NS = 60_000_000_000


def test_beyond_the_limit_is_429_then_418_until_the_next_minute() -> None:
    clock = ManualClock(30 * MINUTE_NS + 20_000_000_000)
    weights = Weights(clock, weight_max=10)
    assert [weights.use("a", 4) for _ in range(2)] == [4, 8]
    with pytest.raises(BinanceError) as refused:
        weights.use("a", 4)
    assert (refused.value.code, refused.value.status) == (-1003, 429)
    assert refused.value.retry_after_s == 40
    assert weights.use("b", 4) == 4
    with pytest.raises(BinanceError) as banned:
        weights.use("a", 9)
    assert banned.value.status == 418
    clock.advance(40)
    assert weights.use("a", 4) == 4


def test_callers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLERS_MAX", 3)
    weights = Weights(ManualClock(), weight_max=10)
    for caller in "abcdef":
        weights.use(caller, 1)
    assert len(weights._used) == 3
