"""The markets that bots trade in by symbol, and the assets that their fees may be paid in."""

from typing import TYPE_CHECKING

from tigerex.exchange.v1 import markets_pb2 as pb

from tigerex_core.records import Event, EventKind, Rows
from tigerex_services.directory import Directory
from tigerex_services.instruments import AssetInfo, MarketInfo

if TYPE_CHECKING:
    from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceAsyncStub


class Markets:
    """A market's increments never change, so each is asked for once."""

    def __init__(self, lister: "MarketServiceAsyncStub") -> None:
        self._lister = lister
        self._directory = Directory()

    async def find(self, symbol: str) -> MarketInfo:
        """The market; raises NotFound."""
        if self._directory.find_market(symbol) is None:
            assets = await self._lister.ListAssets(pb.ListAssetsRequest())
            markets = await self._lister.ListMarkets(pb.ListMarketsRequest())
            self._directory.load(assets=assets.assets, markets=markets.markets)
        return self._directory.market(symbol)

    def asset(self, asset_id: int) -> AssetInfo:
        """An asset of the exchange, as of the last batch; raises KeyError for another."""
        return self._directory.asset_by_id(asset_id)

    def apply(self, events: Rows) -> None:
        """Learn of the assets that a batch creates."""
        created = events[:, Event.KIND] == EventKind.ASSET_CREATED
        if created.any():
            self._directory.apply(events[created])
