"""Statistics of all markets, asked for at most twice a second however many streams show them."""

import asyncio
from collections.abc import Mapping

from tigerex_services.gateway.binance import market
from tigerex_services.gateway.binance.calls import Parts, PublicCall
from tigerex_services.gateway.binance.orders import Json

FRESH_S = 0.5


class Tickers:
    """By window; a window that nobody asks for costs nothing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = asyncio.Lock()
        self._found: dict[int, tuple[float, Mapping[str, Json]]] = {}

    async def read(self, minutes: int) -> Mapping[str, Json]:
        """The ticker of each symbol."""
        async with self._lock:
            now_s = self._parts.clock.monotonic_s()
            read_s, found = self._found.get(minutes, (float("-inf"), {}))
            if now_s - read_s >= FRESH_S:
                asked = PublicCall(self._parts, {})
                if minutes == market.DAY_MINUTES:
                    listed = await market.day_tickers(asked)
                else:
                    listed = await market.window_tickers(asked, minutes)
                found = {each["symbol"]: each for each in listed}
                self._found[minutes] = (now_s, found)
            return found
