"""What a directory knows of markets and assets, as arrays for compiled code."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tigerex_core.records import Rows
from tigerex_services.directory import Directory
from tigerex_services.instruments import AssetInfo, MarketInfo

TEXT_BYTES = 32  # of a symbol, or of an asset's code
Texts = npt.NDArray[np.uint8]  # one a row: its bytes, then zeros; the last byte is the length


class Market(IntEnum):
    """Columns of a market's row; the row's number is the market's id."""

    TICK = 0
    LOT = 1
    MAX_PRICE = 2
    MAX_QUANTITY = 3
    PRICE_SCALE = 4
    QUANTITY_SCALE = 5


class Tables:
    """Markets and assets by id; a text of length 0 is nobody's."""

    def __init__(self, markets: list[MarketInfo], assets: list[AssetInfo]) -> None:
        self.of = (markets, assets)
        market_rows = max((market.market_id for market in markets), default=0) + 1
        asset_rows = max((asset.asset_id for asset in assets), default=0) + 1
        self.markets: Rows = np.zeros((market_rows, len(Market)), np.int64)
        self.symbols: Texts = np.zeros((market_rows, TEXT_BYTES + 1), np.uint8)
        self.scales: Rows = np.zeros(asset_rows, np.int64)
        self.codes: Texts = np.zeros((asset_rows, TEXT_BYTES + 1), np.uint8)
        for market in markets:
            self.markets[market.market_id] = (
                market.tick, market.lot, market.max_price, market.max_quantity,
                market.quote.scale, market.base.scale,
            )  # fmt: skip
            _put(self.symbols[market.market_id], market.symbol)
        for asset in assets:
            self.scales[asset.asset_id] = asset.scale
            _put(self.codes[asset.asset_id], asset.code)


class CurrentTables:
    """The tables of a directory that changes now and then."""

    def __init__(self) -> None:
        self._tables = Tables([], [])

    def of(self, directory: Directory) -> Tables:
        known = directory.markets(), directory.assets()
        if self._tables.of != known:
            self._tables = Tables(*known)
        return self._tables


def _put(row: Texts, text: str) -> None:
    raw = text.encode("ascii")
    row[: len(raw)] = np.frombuffer(raw, np.uint8)
    row[TEXT_BYTES] = len(raw)
