"""What is sent in each stream: field names, and how an event is framed once for all sockets."""

from collections.abc import Sequence

import orjson
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.gateway.binance import trades
from tigerex_services.gateway.binance.depth import levels
from tigerex_services.gateway.binance.orders import Json, decimal, millis
from tigerex_services.gateway.books import Level
from tigerex_services.gateway.websocket.frames import text_frame

Payload = Json | list[Json] | orjson.Fragment


class Event:
    """One event of a stream: framed when the first socket of a kind wants it, and not again."""

    __slots__ = ("_combined", "_raw", "_stream", "_text")

    def __init__(self, stream: str, payload: Payload) -> None:
        self._stream = stream
        self._text = orjson.dumps(payload)
        self._raw = b""
        self._combined = b""

    @property
    def raw(self) -> bytes:
        """The event by itself."""
        if not self._raw:
            self._raw = text_frame(self._text)
        return self._raw

    @property
    def combined(self) -> bytes:
        """With the name of its stream."""
        if not self._combined:
            head = b'{"stream":' + orjson.dumps(self._stream) + b',"data":'
            self._combined = text_frame(head + self._text + b"}")
        return self._combined


def trade(symbol: str, event: pb.Trade) -> Json:
    return {
        "e": "trade",
        "E": millis(event.time_ns),
        "s": symbol,
        "t": event.trade_id,
        "p": decimal(event.price),
        "q": decimal(event.quantity),
        "T": millis(event.time_ns),
        "m": event.taker_side == "sell",
        "M": True,
    }


def aggregate_trade(symbol: str, event: pb.AggregateTrade) -> Json:
    return {
        "e": "aggTrade",
        "E": millis(event.time_ns),
        "s": symbol,
        **trades.aggregate(event),
    }


def book_ticker(symbol: str, event: pb.TopOfBook) -> Json:
    return {
        "u": event.seq,
        "s": symbol,
        "b": decimal(event.bid.price),
        "B": decimal(event.bid.quantity),
        "a": decimal(event.ask.price),
        "A": decimal(event.ask.quantity),
    }


def kline(symbol: str, interval: str, now_ms: int, candle: pb.Candle) -> Json:
    last_id = candle.last_trade_id
    return {
        "e": "kline",
        "E": now_ms,
        "s": symbol,
        "k": {
            "t": millis(candle.open_time_ns),
            "T": millis(candle.end_time_ns) - 1,
            "s": symbol,
            "i": interval,
            "f": last_id - candle.trades + 1 if candle.trades else -1,
            "L": last_id if candle.trades else -1,
            "o": decimal(candle.open),
            "c": decimal(candle.close),
            "h": decimal(candle.high),
            "l": decimal(candle.low),
            "v": decimal(candle.volume),
            "n": candle.trades,
            "x": candle.closed,
            "q": decimal(candle.quote_volume),
            "V": decimal(candle.taker_buy_volume),
            "Q": decimal(candle.taker_buy_quote_volume),
            "B": "0",
        },
    }


def average_price(symbol: str, now_ms: int, minutes: int, price: str, trade_ms: int) -> Json:
    return {
        "e": "avgPrice",
        "E": now_ms,
        "s": symbol,
        "i": f"{minutes}m",
        "w": price,
        "T": trade_ms,
    }


def depth_update(
    symbol: str,
    time_ms: int,
    first_id: int,
    last_id: int,
    bids: Sequence[Level],
    asks: Sequence[Level],
) -> Json:
    return {
        "e": "depthUpdate",
        "E": time_ms,
        "s": symbol,
        "U": first_id,
        "u": last_id,
        "b": levels(bids),
        "a": levels(asks),
    }


def mini_ticker(ticker: Json, now_ms: int, kind: str = "24hrMiniTicker") -> Json:
    """Of the answer of `GET ticker/24hr`."""
    return {
        "e": kind,
        "E": now_ms,
        "s": ticker["symbol"],
        "c": ticker["lastPrice"],
        "o": ticker["openPrice"],
        "h": ticker["highPrice"],
        "l": ticker["lowPrice"],
        "v": ticker["volume"],
        "q": ticker["quoteVolume"],
    }


def window_ticker(ticker: Json, now_ms: int, kind: str) -> Json:
    """Of the answer of `GET ticker`: all of the small one, and what changed."""
    return mini_ticker(ticker, now_ms, kind) | {
        "p": ticker["priceChange"],
        "P": ticker["priceChangePercent"],
        "w": ticker["weightedAvgPrice"],
        "O": ticker["openTime"],
        "C": ticker["closeTime"],
        "F": ticker["firstId"],
        "L": ticker["lastId"],
        "n": ticker["count"],
    }


def ticker(found: Json, now_ms: int) -> Json:
    """Of the answer of `GET ticker/24hr`."""
    return window_ticker(found, now_ms, "24hrTicker") | {
        "x": found["prevClosePrice"],
        "Q": found["lastQty"],
        "b": found["bidPrice"],
        "B": found["bidQty"],
        "a": found["askPrice"],
        "A": found["askQty"],
    }
