"""Where the events of a stream come from: followed upstream, read from a followed book at a steady
pace, or asked for at a steady pace. One source for each stream, however many sockets listen."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.errors import TigerExError
from tigerex_platform.telemetry import metrics
from tigerex_services.gateway import follow
from tigerex_services.gateway.binance import market
from tigerex_services.gateway.binance.calls import Parts, PublicCall
from tigerex_services.gateway.binance.depth import best_levels
from tigerex_services.gateway.binance.errors import BinanceError
from tigerex_services.gateway.binance.orders import Json, millis
from tigerex_services.gateway.binance.streams import events
from tigerex_services.gateway.binance.streams.events import Event, Payload
from tigerex_services.gateway.binance.streams.names import DAY, WINDOW_MINUTES, Kind, Stream
from tigerex_services.gateway.binance.streams.tickers import Tickers
from tigerex_services.gateway.books import Changes
from tigerex_services.gateway.follow import Channel, Follower
from tigerex_services.gateway.translate.market import INTERVAL_NUMBERS
from tigerex_services.gateway.upstream import call
from tigerex_services.gateway.websocket.feeds import Feed, Feeds

logger = logging.getLogger(__name__)

STREAMS_MAX = 5_000
KLINE_MS = 2_000
SECONDS_KLINE_MS = 1_000
MISSED_KLINES_MAX = 1_000


_INTERVALS = {str(name): number for name, number in INTERVAL_NUMBERS.items()}


class StreamSink(Protocol):
    """Takes events without ever blocking."""

    def offer(self, event: Event) -> None: ...


class _Feed:
    """Tells its sinks."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.sinks: set[StreamSink] = set()

    def add(self, sink: StreamSink) -> None:
        self.sinks.add(sink)

    def _tell(self, payload: Payload) -> None:
        event = Event(self._stream.name, payload)
        for sink in self.sinks:
            sink.offer(event)
        metrics.GATEWAY_WEBSOCKET_MESSAGES.add(
            len(self.sinks), {"channel": self._stream.kind.name.lower()}
        )


class _Followed(_Feed):
    """Each event of an upstream channel, at once."""

    def __init__(
        self,
        parts: Parts,
        stream: Stream,
        channel: Channel[Any],
        show: Callable[[str, Any], Json],
    ) -> None:
        super().__init__(stream)
        self._follower = Follower(
            parts.upstream,
            channel,
            stream.market,
            lambda event: self._tell(show(stream.symbol, event)),
        )

    def end(self) -> None:
        self._follower.end()


class _Paced(_Feed, ABC):
    """What is to be told is made every so often; nothing is told where nothing changed."""

    def __init__(self, parts: Parts, stream: Stream, every_ms: int) -> None:
        super().__init__(stream)
        self._parts = parts
        self._every_s = every_ms / 1_000
        self._task = asyncio.create_task(self._run(), name=f"stream {stream.name}")

    def end(self) -> None:
        self._task.cancel()

    @abstractmethod
    async def _next(self) -> list[Payload]:
        """What is new since the last time, oldest first."""

    async def _run(self) -> None:
        while True:
            try:
                for payload in await self._next():
                    self._tell(payload)
            except (TigerExError, BinanceError) as error:
                logger.info("stream %s: %s; asking again", self._stream.name, error)
            except Exception:  # one answer that makes no sense must not end the stream in silence
                logger.exception("stream %s: asking again", self._stream.name)
            await asyncio.sleep(self._every_s)

    def _now_ms(self) -> int:
        return millis(self._parts.clock.now_ns())


class _Klines(_Paced):
    """The current candle as it changes, and each one once more when it is closed."""

    def __init__(self, parts: Parts, stream: Stream) -> None:
        super().__init__(parts, stream, SECONDS_KLINE_MS if stream.detail == "1s" else KLINE_MS)
        self._told: dict[int, pb.Candle] = {}  # by open time, those not told as closed

    async def _next(self) -> list[Payload]:
        answer = await call(
            self._parts.upstream.market_data.ListCandles,
            pb.ListCandlesRequest(
                market=self._stream.market,
                interval=_INTERVALS[self._stream.detail],
                start_ns=min(self._told, default=0),
                limit=MISSED_KLINES_MAX if self._told else 1,
                with_empty=True,
            ),
        )
        now_ms = self._now_ms()
        news = [each for each in answer.candles if each != self._told.get(each.open_time_ns)]
        if answer.candles:
            # The newest one also where it is closed: the next begins there.
            newest = answer.candles[-1]
            self._told = {each.open_time_ns: each for each in answer.candles if not each.closed}
            self._told[newest.open_time_ns] = newest
        return [
            events.kline(self._stream.symbol, self._stream.detail, now_ms, candle)
            for candle in news
        ]


class _AveragePrice(_Paced):
    def __init__(self, parts: Parts, stream: Stream) -> None:
        super().__init__(parts, stream, stream.speed_ms)
        self._last = ""

    async def _next(self) -> list[Payload]:
        found = await market.average_price(PublicCall(self._parts, {"symbol": self._stream.symbol}))
        if found["price"] == self._last:
            return []
        self._last = found["price"]
        payload = events.average_price(
            self._stream.symbol, self._now_ms(), found["mins"], self._last, found["closeTime"]
        )
        return [payload]


class _Tickers(_Paced):
    """Statistics of a window: of one market, or of all whose statistics changed."""

    def __init__(
        self, parts: Parts, stream: Stream, tickers: Tickers, show: Callable[[Json, int], Json]
    ) -> None:
        super().__init__(parts, stream, stream.speed_ms)
        self._tickers = tickers
        self._show = show
        self._last: dict[str, Json] = {}

    async def _next(self) -> list[Payload]:
        found = await self._tickers.read(WINDOW_MINUTES[self._stream.detail or DAY])
        symbol = self._stream.symbol
        wanted = [found[symbol]] if symbol else found.values()
        news = [each for each in wanted if each != self._last.get(each["symbol"])]
        self._last = {each["symbol"]: each for each in wanted}
        now_ms = self._now_ms()
        shown = [self._show(each, now_ms) for each in news]
        if symbol:
            return list(shown)
        return [shown] if shown else []


class _Depth(_Paced):
    """All changes of the book since the last event, as one."""

    def __init__(self, parts: Parts, stream: Stream) -> None:
        self._waiting: list[Changes] = []
        parts.books.listen(stream.market, self._changed)
        super().__init__(parts, stream, stream.speed_ms)

    def _changed(self, changes: Changes) -> None:
        self._waiting.append(changes)

    def end(self) -> None:
        super().end()
        self._parts.books.leave(self._stream.market, self._changed)

    async def _next(self) -> list[Payload]:
        if not self._waiting:
            return []
        changes = self._waiting[:]
        self._waiting.clear()
        newest = changes[-1]
        # Later levels take the place of earlier ones at the same price.
        payload = events.depth_update(
            self._stream.symbol,
            millis(newest.time_ns),
            changes[0].first_seq,
            newest.last_seq,
            list({level[0]: level for each in changes for level in each.bids}.values()),
            list({level[0]: level for each in changes for level in each.asks}.values()),
        )
        return [payload]


class _PartialDepth(_Paced):
    """The best levels, when anything in the book changed."""

    def __init__(self, parts: Parts, stream: Stream) -> None:
        super().__init__(parts, stream, stream.speed_ms)
        self._seq = 0

    async def _next(self) -> list[Payload]:
        book = await self._parts.books.read(self._stream.market)
        if book.seq == self._seq:
            return []
        self._seq = book.seq
        return [best_levels(book, int(self._stream.detail))]


class StreamFeeds(Feeds[Stream, StreamSink]):
    """Streams that somebody listens to."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(
            self._make, most=STREAMS_MAX, full=f"{STREAMS_MAX} streams are open here already"
        )
        self._parts = parts
        self._tickers = Tickers(parts)

    def _make(self, stream: Stream) -> Feed[StreamSink]:
        parts = self._parts
        match stream.kind:
            case Kind.TRADE:
                return _Followed(parts, stream, follow.TRADES, events.trade)
            case Kind.AGGREGATE_TRADE:
                show = events.aggregate_trade
                return _Followed(parts, stream, follow.AGGREGATE_TRADES, show)
            case Kind.BOOK_TICKER:
                return _Followed(parts, stream, follow.TOP, events.book_ticker)
            case Kind.KLINE:
                return _Klines(parts, stream)
            case Kind.AVERAGE_PRICE:
                return _AveragePrice(parts, stream)
            case Kind.DEPTH:
                return _Depth(parts, stream)
            case Kind.PARTIAL_DEPTH:
                return _PartialDepth(parts, stream)
            case Kind.MINI_TICKER:
                return _Tickers(parts, stream, self._tickers, events.mini_ticker)
            case Kind.TICKER:
                return _Tickers(parts, stream, self._tickers, events.ticker)
            case Kind.WINDOW_TICKER:
                kind = f"{stream.detail}Ticker"
                return _Tickers(
                    parts,
                    stream,
                    self._tickers,
                    lambda found, now_ms: events.window_ticker(found, now_ms, kind),
                )
