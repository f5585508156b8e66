"""One line of a recorded Binance WebSocket capture: receive time in ns, a space, the JSON as sent.

Combined streams wrap a message as {"stream": …, "data": …}; raw ones do not. Spot's bookTicker has
no event type, futures' has. Other messages (depth, snapshots) are of no interest and pass by.
https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from dataclasses import dataclass

import orjson

from tigerex_core.records import Side
from tigerex_platform.errors import InvalidField
from tigerex_services.decimals import to_units
from tigerex_services.feed.steps import DECIMALS

BOOK_TICKER = "bookTicker"
TRADE = "trade"
QUOTE_KEYS = frozenset("bBaA")
TIME_NS_DIGITS_MAX = 19  # int64


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask; prices and quantities in 1e-8."""

    time_ns: int
    symbol: str
    bid_e8: int
    bid_quantity_e8: int
    ask_e8: int
    ask_quantity_e8: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade with the side of its taker; price and quantity in 1e-8."""

    time_ns: int
    symbol: str
    price_e8: int
    quantity_e8: int
    taker_side: Side


@dataclass(frozen=True, slots=True)
class Other:
    """A message that a replay has no use for."""

    time_ns: int


Message = Quote | Trade | Other


class CorruptLineError(ValueError):
    """The line is not what a capture has; `reason` is one of few words, good for counting."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def parse_line(line: bytes) -> Message:
    """The message of one line, with or without its newline. Raises CorruptLineError."""
    stamp, _, text = line.strip().partition(b" ")
    if not stamp.isdigit() or len(stamp) > TIME_NS_DIGITS_MAX:
        raise CorruptLineError("time", f"{stamp[:40]!r} is not a time in nanoseconds")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CorruptLineError("json", str(error)) from None
    if not isinstance(message, dict):
        raise CorruptLineError("json", "not an object")
    data = message.get("data", message)
    if not isinstance(data, dict):
        raise CorruptLineError("json", "data is not an object")
    return _message(int(stamp), data)


def _message(time_ns: int, data: dict[str, object]) -> Message:
    kind = data.get("e", BOOK_TICKER if data.keys() >= QUOTE_KEYS else "")
    try:
        if kind == BOOK_TICKER:
            return _quote(time_ns, data)
        if kind == TRADE:
            return _trade(time_ns, data)
    except KeyError as error:
        raise CorruptLineError("field", f"{kind} without {error}") from None
    except InvalidField as error:
        raise CorruptLineError("field", error.message) from None
    return Other(time_ns)


def _quote(time_ns: int, data: dict[str, object]) -> Quote:
    quote = Quote(
        time_ns,
        str(data["s"]),
        _e8(data, "b"),
        _e8(data, "B"),
        _e8(data, "a"),
        _e8(data, "A"),
    )
    if quote.bid_e8 >= quote.ask_e8:
        raise CorruptLineError("crossed", f"bid {data['b']} is not below ask {data['a']}")
    return quote


def _trade(time_ns: int, data: dict[str, object]) -> Trade:
    maker_buys = data["m"]
    if not isinstance(maker_buys, bool):
        raise CorruptLineError("field", f"m is {maker_buys!r}; allowed: true or false")
    side = Side.SELL if maker_buys else Side.BUY
    return Trade(time_ns, str(data["s"]), _e8(data, "p"), _e8(data, "q"), side)


def _e8(data: dict[str, object], key: str) -> int:
    return to_units(str(data[key]), DECIMALS, key)
