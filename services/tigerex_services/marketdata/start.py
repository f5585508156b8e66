"""Where a process of market data begins: what is stored, and books as the exchange has them now."""

from typing import Any, Protocol

from tigerex.exchange.v1 import markets_pb2, types_pb2

from tigerex_services.instruments import MarketInfo
from tigerex_services.marketdata.book import Book, Levels
from tigerex_services.marketdata.fold import Fold
from tigerex_services.marketdata.storage import Storage
from tigerex_services.projection import Journal, kept_progress


class Markets(Protocol):
    """The part of MarketServiceStub that is needed."""

    def ListAssets(self, request: markets_pb2.ListAssetsRequest, /) -> Any: ...  # noqa: N802, ANN401
    def ListMarkets(self, request: markets_pb2.ListMarketsRequest, /) -> Any: ...  # noqa: N802, ANN401
    def GetBook(self, request: markets_pb2.GetBookRequest, /) -> Any: ...  # noqa: N802, ANN401


async def load_fold(storage: Storage, markets: Markets, journal: Journal) -> Fold:
    """The fold as of the last stored seq, with books that may be ahead of it."""
    seq, time_ns = await kept_progress(storage, journal)
    fold = Fold(seq, time_ns)
    assets = await markets.ListAssets(markets_pb2.ListAssetsRequest())
    listed = await markets.ListMarkets(markets_pb2.ListMarketsRequest())
    fold.directory.load(assets.assets, listed.markets)
    for market in fold.directory.markets():
        fold.books[market.market_id] = await load_book(markets, market, time_ns)
    for candle in await storage.newest_candles():
        fold.put_candle(candle)
    fold.counted = await storage.counted()
    fold.last_quantity = await storage.last_quantities()
    return fold


async def load_book(markets: Markets, market: MarketInfo, time_ns: int) -> Book:
    """The exchange's book of a market; `time_ns` until an event tells a newer time."""
    answer = await markets.GetBook(markets_pb2.GetBookRequest(symbol=market.symbol))
    return Book(answer.seq, time_ns, _levels(answer.bids, market), _levels(answer.asks, market))


def _levels(levels: "list[types_pb2.BookLevel]", market: MarketInfo) -> Levels:
    return [
        (market.price_to_ticks(level.price), market.quantity_to_lots(level.quantity))
        for level in levels
    ]
