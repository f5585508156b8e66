"""Binance's symbols: BTCUSDT for the market of BTC and USDT."""

from collections.abc import Mapping
from dataclasses import dataclass

from tigerex.exchange.v1 import markets_pb2, types_pb2

from tigerex_platform.clock import Clock
from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.upstream import Upstream, call

FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """The markets by both of their names."""

    by_symbol: Mapping[str, types_pb2.Market]
    symbol_of: Mapping[str, str]  # native -> Binance's

    def find(self, name: str) -> tuple[types_pb2.Market | None, str]:
        """The market of a native name, and its symbol; None where it has no symbol any more."""
        symbol = self.symbol_of.get(name, "")
        return self.by_symbol.get(symbol), symbol


def symbol_of(market: types_pb2.Market) -> str:
    return f"{market.base_asset}{market.quote_asset}"


class Symbols:
    """What the exchange lists, remembered for a second; while it is away, what it listed last."""

    def __init__(self, upstream: Upstream, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        self._known: Known | None = None
        self._asked_s = float("-inf")

    async def known(self) -> Known:
        """All there is, at most a second old. Raises TigerExError where the exchange never
        answered."""
        now_s = self._clock.monotonic_s()
        if self._known is not None and now_s - self._asked_s < FRESH_S:
            return self._known
        self._asked_s = now_s  # others need not wait for this answer, nor ask once more
        try:
            return await self.read()
        except TigerExError:
            if self._known is None:
                raise
            return self._known

    async def read(self) -> Known:
        """All there is now."""
        markets = await call(self._upstream.markets.ListMarkets, markets_pb2.ListMarketsRequest())
        # Of two markets of the same assets the younger one has the name: a new tick or lot size is
        # a new market.
        ordered = sorted(markets.markets, key=lambda market: market.market_id)
        by_symbol = {symbol_of(market): market for market in ordered}
        self._known = Known(
            by_symbol,
            {market.symbol: name for name, market in by_symbol.items()},
        )
        return self._known

    async def market(self, symbol: str) -> types_pb2.Market:
        """The market of a symbol, as `known`; raises BinanceError for an unknown one."""
        market = (await self.known()).by_symbol.get(symbol)
        if market is None:
            raise refuse(-1121)
        return market

    async def find(self, name: str) -> tuple[types_pb2.Market | None, str]:
        """As `Known.find`, also of a market that was made since."""
        known = await self.known()
        if name not in known.symbol_of:
            known = await self.read()
        return known.find(name)
