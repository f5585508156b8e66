"""Request weight by the minute: how much each caller used, and the refusal of what is too much.

As Binance does it: 429 above the limit, and 418 until the next window for who goes on regardless.
The exchange's own limits per API key hold beside this one.
"""

from collections import OrderedDict
from collections.abc import Mapping

from tigerex_platform.clock import Clock
from tigerex_services.gateway.binance.errors import MESSAGES, BinanceError

WEIGHT_MAX = 6_000
WINDOW_S = 60
CALLERS_MAX = 100_000
BANNED_FACTOR = 2  # times the limit, after which a caller is told 418
HEADERS = ("X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M")


class Weights:
    """Used weight of each caller in the current minute, of this process."""

    def __init__(self, clock: Clock, weight_max: int = WEIGHT_MAX) -> None:
        self._clock = clock
        self._weight_max = weight_max
        self._window = 0
        self._used: OrderedDict[str, int] = OrderedDict()

    def use(self, caller: str, weight: int) -> int:
        """The weight that the caller used in this minute, with this call; raises BinanceError."""
        now_s = self._clock.now_ns() // 1_000_000_000
        window, passed_s = divmod(now_s, WINDOW_S)
        if window != self._window:
            self._window = window
            self._used.clear()
        used = self._used.get(caller, 0) + weight
        self._used[caller] = used
        if len(self._used) > CALLERS_MAX:
            self._used.popitem(last=False)
        if used > self._weight_max:
            status = 418 if used > BANNED_FACTOR * self._weight_max else 429
            message = MESSAGES[-1003] % self._weight_max
            raise BinanceError(-1003, message, status, retry_after_s=WINDOW_S - passed_s)
        return used

    def headers(self, used: int) -> Mapping[str, str]:
        return dict.fromkeys(HEADERS, str(used))
