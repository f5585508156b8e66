"""One upstream stream for each market topic that somebody listens to, fanned out to all who do."""

import asyncio
import logging

import grpc.aio
from tigerex.exchange.v1 import markets_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.errors import TigerExError
from tigerex_platform.retry import backoff_s
from tigerex_platform.telemetry import metrics
from tigerex_services.gateway.books import Books, Changes
from tigerex_services.gateway.translate import market as translate
from tigerex_services.gateway.upstream import Upstream, call
from tigerex_services.gateway.websocket.channels import Position, Row, channel_of
from tigerex_services.gateway.websocket.feeds import Feeds
from tigerex_services.gateway.websocket.messages import Topic, data
from tigerex_services.gateway.websocket.outbox import Sink

logger = logging.getLogger(__name__)

TOPICS_MAX = 2_000
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0
# A stream that lived this long was healthy: the next failure starts with the short delay again.
HEALTHY_S = 10.0


class _Feed:
    """Follows one topic upstream and tells its sinks what is new, in order, once."""

    def __init__(self, upstream: Upstream, topic: Topic) -> None:
        self._upstream = upstream
        self._topic = topic
        self._channel = channel_of(topic)
        self._position: Position | None = None
        self._newest = b""
        self.sinks: set[Sink] = set()
        self.task = asyncio.create_task(self._run(), name=f"feed {topic.name}")

    def add(self, sink: Sink) -> None:
        self.sinks.add(sink)
        if self._channel.is_state and self._newest:
            sink.offer(self._newest)

    def end(self) -> None:
        self.task.cancel()

    async def _run(self) -> None:
        failures = 0
        while True:
            started_s = asyncio.get_running_loop().time()
            try:
                await self._follow()
                reason = "ended by the server"
            except grpc.aio.AioRpcError as error:
                reason = error.code().name
            except TigerExError as error:
                reason = error.code
            except Exception:  # one event that makes no sense must not end the stream in silence
                logger.exception("stream %s", self._topic.name)
                reason = "an event that makes no sense"
            healthy = asyncio.get_running_loop().time() - started_s > HEALTHY_S
            failures = 0 if healthy else failures + 1
            logger.info("stream %s: %s; connecting again", self._topic.name, reason)
            await asyncio.sleep(backoff_s(failures, RETRY_FIRST_S, RETRY_MAX_S))

    async def _follow(self) -> None:
        """Opens the stream, fetches what it may have missed before, then passes events on."""
        stream = self._upstream.market_data.Subscribe(
            pb.SubscribeRequest(markets=[self._topic.market], channels=[self._channel.number])
        )
        try:
            rows = await self._channel.recent(self._upstream, self._topic.market)
            if self._position is None and not self._channel.is_state:
                self._skip(rows)
            for row in rows:
                self._publish(row)
            async for event in stream:
                self._publish(self._channel.read(event))
        finally:
            stream.cancel()

    def _skip(self, rows: list[Row]) -> None:
        """Occurrences from before the first subscription are nobody's news."""
        if rows:
            self._position = rows[-1][0]

    def _publish(self, row: Row) -> None:
        position, body = row
        if self._position is not None and position <= self._position:
            return
        self._position = position
        self._newest = data(self._topic, body)
        for sink in self.sinks:
            sink.offer(self._newest)
        metrics.GATEWAY_WEBSOCKET_MESSAGES.add(len(self.sinks), {"channel": self._topic.channel})


class _ChangesFeed:
    """Tells every change of a followed book."""

    def __init__(self, books: Books, topic: Topic) -> None:
        self._books = books
        self._topic = topic
        self.sinks: set[Sink] = set()
        books.listen(topic.market, self._tell)

    def add(self, sink: Sink) -> None:
        self.sinks.add(sink)

    def end(self) -> None:
        self._books.leave(self._topic.market, self._tell)

    def _tell(self, changes: Changes) -> None:
        frame = data(self._topic, translate.changes(changes))
        for sink in self.sinks:
            sink.offer(frame)
        metrics.GATEWAY_WEBSOCKET_MESSAGES.add(len(self.sinks), {"channel": self._topic.channel})


class MarketHub(Feeds[Topic, _Feed | _ChangesFeed]):
    """Sends a topic's messages from the subscription on."""

    def __init__(self, upstream: Upstream, books: Books, *, topics_max: int = TOPICS_MAX) -> None:
        super().__init__(
            lambda topic: (
                _ChangesFeed(books, topic) if topic.channel == "changes" else _Feed(upstream, topic)
            ),
            most=topics_max,
            full=f"{topics_max} topics are followed here already",
        )
        self._upstream = upstream

    @property
    def listeners(self) -> int:
        """Subscriptions of all sockets together."""
        return sum(len(feed.sinks) for feed in self)

    async def check(self, topic: Topic) -> None:
        """Raises NotFound for an unknown market, Unavailable where that cannot be known."""
        if topic not in self:
            await call(
                self._upstream.markets.GetMarket,
                markets_pb2.GetMarketRequest(symbol=topic.market),
            )
