"""Binance's symbols: BTCUSDT for the market of BTC and USDT."""

from collections.abc import Mapping
from dataclasses import dataclass

from tigerex.exchange.v1 import markets_pb2, types_pb2

from tigerex_platform.clock import Clock
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.upstream import Upstream, call

FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """The markets by both of their names."""

    by_symbol: Mapping[str, types_pb2.Market]
    symbol_of: Mapping[str, str]  # native -> Binance's


def symbol_of(market: types_pb2.Market) -> str:
    return f"{market.base_asset}{market.quote_asset}"


class Symbols:
    """What the exchange lists, remembered for a second."""

    def __init__(self, upstream: Upstream, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        self._known = Known({}, {})
        self._read_s = float("-inf")

    async def known(self) -> Known:
        """All there is, at most a second old."""
        if self._clock.monotonic_s() - self._read_s >= FRESH_S:
            return await self.read()
        return self._known

    async def read(self) -> Known:
        """All there is now."""
        read_s = self._clock.monotonic_s()
        markets = await call(self._upstream.markets.ListMarkets, markets_pb2.ListMarketsRequest())
        # Of two markets of the same assets the younger one has the name: a new tick or lot size is
        # a new market.
        ordered = sorted(markets.markets, key=lambda market: market.market_id)
        by_symbol = {symbol_of(market): market for market in ordered}
        self._known = Known(
            by_symbol,
            {market.symbol: name for name, market in by_symbol.items()},
        )
        self._read_s = read_s
        return self._known

    async def market(self, symbol: str) -> types_pb2.Market:
        """The market of a symbol, of which only what never changes is to be read; raises
        BinanceError for an unknown one."""
        market = self._known.by_symbol.get(symbol) or (await self.known()).by_symbol.get(symbol)
        if market is None:
            raise refuse(-1121)
        return market
