"""Names of streams: `btcusdt@depth20@100ms` and what it stands for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from tigerex_services.gateway.binance.errors import BinanceError, refuse
from tigerex_services.gateway.binance.symbols import Symbols
from tigerex_services.gateway.translate.market import INTERVAL_NUMBERS

NAME_CHARS_MAX = 64
WINDOW_MINUTES: Mapping[str, int] = {"1h": 60, "4h": 240, "1d": 1_440}
DAY = "1d"
SPEEDS_MS: Mapping[str, int] = {"": 1_000, "@100ms": 100, "@1000ms": 1_000}


class Kind(Enum):
    """What a stream tells."""

    TRADE = auto()
    AGGREGATE_TRADE = auto()
    BOOK_TICKER = auto()
    KLINE = auto()
    AVERAGE_PRICE = auto()
    DEPTH = auto()
    PARTIAL_DEPTH = auto()
    MINI_TICKER = auto()
    TICKER = auto()
    WINDOW_TICKER = auto()


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: of a market, or of all ("") as an array."""

    name: str
    kind: Kind
    market: str = ""  # as it is called natively
    symbol: str = ""
    detail: str = ""  # interval of candles, window of a ticker, number of levels
    speed_ms: int = 1_000


_INTERVALS = "|".join(INTERVAL_NUMBERS)
_WINDOWS = "|".join(WINDOW_MINUTES)
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"trade()()", Kind.TRADE),
    (r"aggTrade()()", Kind.AGGREGATE_TRADE),
    (r"bookTicker()()", Kind.BOOK_TICKER),
    (rf"kline_({_INTERVALS})()", Kind.KLINE),
    (r"avgPrice()()", Kind.AVERAGE_PRICE),
    (r"depth()((?:@100ms|@1000ms)?)", Kind.DEPTH),
    (r"depth(5|10|20)((?:@100ms|@1000ms)?)", Kind.PARTIAL_DEPTH),
    (r"miniTicker()()", Kind.MINI_TICKER),
    (r"ticker()()", Kind.TICKER),
    (rf"ticker_({_WINDOWS})()", Kind.WINDOW_TICKER),
)
_OF_ALL = {Kind.MINI_TICKER, Kind.TICKER, Kind.WINDOW_TICKER}


async def parse(name: str, symbols: Symbols) -> Stream:
    """The stream of a name; raises BinanceError where there is none such."""
    if len(name) > NAME_CHARS_MAX:
        raise BinanceError(2, "Invalid request: a stream name is too long")
    if name.startswith("!"):
        rest, _, array = name[1:].partition("@")
        for pattern, kind in _KINDS:
            found = re.fullmatch(pattern, rest)
            if found and kind in _OF_ALL and array == "arr":
                return Stream(name, kind, detail=found[1])
        raise _unknown(name)
    symbol, _, rest = name.partition("@")
    for pattern, kind in _KINDS:
        found = re.fullmatch(pattern, rest)
        if found:
            market = await symbols.market(_upper(symbol))
            return Stream(name, kind, market.symbol, symbol.upper(), found[1], SPEEDS_MS[found[2]])
    raise _unknown(name)


def _upper(symbol: str) -> str:
    """Names have their symbol in lower case."""
    if symbol != symbol.lower():
        raise refuse(-1121)
    return symbol.upper()


def _unknown(name: str) -> BinanceError:
    return BinanceError(2, f"Invalid request: there is no stream {name!r}")
