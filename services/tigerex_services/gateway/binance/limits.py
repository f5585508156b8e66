"""How much each caller used: request weight by the minute, new orders by ten seconds and the day.

As Binance does it: 429 above a limit, and for weight 418 until the next window for who goes on
regardless. The exchange's own limits per user hold beside these, which each process counts for
itself.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tigerex_platform.clock import Clock
from tigerex_services.gateway.binance.errors import MESSAGES, BinanceError
from tigerex_services.gateway.binance.orders import Json

CALLERS_MAX = 100_000
BANNED_FACTOR = 2  # times the limit of weight, after which a caller is told 418
UNITS_S: Mapping[str, int] = {"SECOND": 1, "MINUTE": 60, "DAY": 86_400}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` in each window of `number` intervals, which begins with a full one."""

    kind: str
    interval: str
    number: int
    limit: int

    @property
    def seconds(self) -> int:
        return self.number * UNITS_S[self.interval]

    @property
    def header(self) -> str:
        """How headers name the window: 1M, 10S, 1D."""
        return f"{self.number}{self.interval[0]}"

    def told(self, count: int | None = None) -> Json:
        told = {
            "rateLimitType": self.kind,
            "interval": self.interval,
            "intervalNum": self.number,
            "limit": self.limit,
        }
        return told if count is None else told | {"count": count}


WEIGHT = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 6_000)
ORDERS = (
    RateLimit("ORDERS", "SECOND", 10, 1_000),
    RateLimit("ORDERS", "DAY", 1, 1_000_000),
)


class _Window:
    """What each caller used in the current window; who used nothing for longest is forgotten."""

    def __init__(self, clock: Clock, seconds: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._number = 0
        self._used: OrderedDict[str, int] = OrderedDict()

    def used(self, caller: str) -> int:
        number = self._now_s() // self._seconds
        if number != self._number:
            self._number = number
            self._used.clear()
        return self._used.get(caller, 0)

    def add(self, caller: str, amount: int) -> int:
        used = self._used[caller] = self.used(caller) + amount
        self._used.move_to_end(caller)
        if len(self._used) > CALLERS_MAX:
            self._used.popitem(last=False)
        return used

    def left_s(self) -> int:
        """Until the next window, at least one second."""
        return self._seconds - self._now_s() % self._seconds

    def _now_s(self) -> int:
        return self._clock.now_ns() // 1_000_000_000


class Weights:
    """Used weight of each address."""

    def __init__(self, clock: Clock, limit: RateLimit = WEIGHT) -> None:
        self.limit = limit
        self._window = _Window(clock, limit.seconds)

    def use(self, address: str, weight: int) -> None:
        """Counts a call, also one that is refused; raises BinanceError."""
        used = self._window.add(address, weight)
        if used > self.limit.limit:
            status = 418 if used > BANNED_FACTOR * self.limit.limit else 429
            message = MESSAGES[-1003] % self.limit.limit
            raise BinanceError(-1003, message, status, retry_after_s=self._window.left_s())

    def used(self, address: str) -> int:
        return self._window.used(address)


class OrderCounts:
    """New orders of each user; what is refused for its count is not counted."""

    def __init__(self, clock: Clock, limits: Sequence[RateLimit] = ORDERS) -> None:
        self.limits = limits
        self._windows = [_Window(clock, limit.seconds) for limit in limits]

    def use(self, user: str, count: int) -> None:
        """Counts new orders of a request; raises BinanceError."""
        for limit, window in zip(self.limits, self._windows, strict=True):
            if window.used(user) + count > limit.limit:
                span = f"{limit.number} {limit.interval}"
                message = MESSAGES[-1015] % (limit.limit, span)
                raise BinanceError(-1015, message, 429, retry_after_s=window.left_s())
        for window in self._windows:
            window.add(user, count)

    def used(self, user: str) -> list[int]:
        """In the order of the limits."""
        return [window.used(user) for window in self._windows]
