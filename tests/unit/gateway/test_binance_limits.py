"""What callers used: counted by window, refused beyond the limit, forgotten after it, bounded."""

import pytest

from tigerex_platform.clock import ManualClock
from tigerex_services.gateway.binance import limits
from tigerex_services.gateway.binance.errors import BinanceError
from tigerex_services.gateway.binance.limits import OrderCounts, RateLimit, Weights

pytestmark = pytest.mark.unit

MINUTE_NS = 60_000_000_000
DAY_NS = 1_440 * MINUTE_NS
TEN = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 10)
FEW_ORDERS = (RateLimit("ORDERS", "SECOND", 10, 3), RateLimit("ORDERS", "DAY", 1, 5))


def test_beyond_the_limit_is_429_then_418_until_the_next_minute() -> None:
    clock = ManualClock(30 * MINUTE_NS + 20_000_000_000)
    weights = Weights(clock, TEN)
    weights.use("a", 4)
    weights.use("a", 4)
    assert weights.used("a") == 8
    with pytest.raises(BinanceError) as refused:
        weights.use("a", 4)
    assert (refused.value.code, refused.value.status) == (-1003, 429)
    assert refused.value.retry_after_s == 40
    weights.use("b", 4)
    assert weights.used("b") == 4
    with pytest.raises(BinanceError) as banned:
        weights.use("a", 9)
    assert banned.value.status == 418
    clock.advance(40)
    weights.use("a", 4)
    assert weights.used("a") == 4


def test_orders_are_counted_by_ten_seconds_and_by_the_day() -> None:
    clock = ManualClock(30 * DAY_NS + 4_000_000_000)
    counts = OrderCounts(clock, FEW_ORDERS)
    counts.use("ann", 2)
    with pytest.raises(BinanceError) as refused:
        counts.use("ann", 2)
    assert (refused.value.code, refused.value.status) == (-1015, 429)
    assert refused.value.message == (
        "Too many new orders; current limit is 3 orders per 10 SECOND."
    )
    assert refused.value.retry_after_s == 6
    assert counts.used("ann") == [2, 2]  # what was refused is not counted
    assert counts.used("bob") == [0, 0]
    clock.advance(6)
    counts.use("ann", 3)
    assert counts.used("ann") == [3, 5]
    clock.advance(10)
    with pytest.raises(BinanceError) as refused:
        counts.use("ann", 1)
    assert refused.value.retry_after_s == 86_400 - 20
    clock.advance(86_400)
    assert counts.used("ann") == [0, 0]


def test_callers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLERS_MAX", 3)
    weights = Weights(ManualClock(), TEN)
    for caller in "abcadef":
        weights.use(caller, 1)
    assert [weights.used(caller) for caller in "abcdef"] == [0, 0, 0, 1, 1, 1]


def test_headers_name_the_window() -> None:
    assert [limit.header for limit in (limits.WEIGHT, *limits.ORDERS)] == ["1M", "10S", "1D"]
