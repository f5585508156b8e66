"""Assets, markets and their books, for everyone who may read."""

from tigerex_services.directory import Directory
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.instruments import AssetInfo, MarketInfo

DEPTH_MAX = 5_000  # levels a side

Levels = list[tuple[int, int]]


class MarketService:
    """Answers questions about markets."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def directory(self) -> Directory:
        """The committed names; raises Unavailable while this process does not lead."""
        return self._executor.leader.committed.directory

    def assets(self) -> list[AssetInfo]:
        return self.directory.assets()

    def markets(self) -> list[tuple[MarketInfo, int]]:
        """Markets with the ticks of their newest trade, 0 before the first."""
        committed = self._executor.leader.committed
        last = committed.orders.last_price
        return [(market, last.get(market.market_id, 0)) for market in committed.directory.markets()]

    def market(self, symbol: str) -> tuple[MarketInfo, int]:
        committed = self._executor.leader.committed
        market = committed.directory.market(symbol)
        return market, committed.orders.last_price.get(market.market_id, 0)

    async def book(self, symbol: str, depth: int) -> tuple[MarketInfo, Levels, Levels, int]:
        """The market, its bids and asks (ticks, lots), best first, and the seq they reflect."""
        checks.within("depth", depth, 0, DEPTH_MAX)
        market, _ = self.market(symbol)
        levels = depth or DEPTH_MAX
        (bids, asks), seq = await self._executor.leader.read(
            lambda core: core.depth(market.market_id, levels)
        )
        return market, bids, asks, seq
