"""The market channels of the native socket: one upstream stream for each topic that somebody
listens to, fanned out to all who do."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from tigerex.exchange.v1 import markets_pb2

from tigerex_platform.telemetry import metrics
from tigerex_services.gateway import follow
from tigerex_services.gateway.books import Books, Changes
from tigerex_services.gateway.follow import Channel, Follower
from tigerex_services.gateway.translate import market as translate
from tigerex_services.gateway.upstream import Upstream, call
from tigerex_services.gateway.websocket.feeds import Feed, Feeds
from tigerex_services.gateway.websocket.messages import Topic, data
from tigerex_services.gateway.websocket.outbox import Sink

TOPICS_MAX = 2_000

Show = Callable[[Any], BaseModel]
# Beside them there is `changes`, which the followed books tell.
CHANNELS: Mapping[tuple[str, str | None], tuple[Channel[Any], Show]] = {
    ("trades", None): (follow.TRADES, translate.trade),
    ("top", None): (follow.TOP, translate.top),
    ("book", None): (follow.DEPTH, translate.book),
    ("candles", "1s"): (follow.CANDLES_1S, translate.candle),
    ("candles", "1m"): (follow.CANDLES_1M, translate.candle),
}


class _Feed:
    """Tells its sinks what is new in one topic; a state also to who comes later."""

    def __init__(self, topic: Topic, *, is_state: bool) -> None:
        self._topic = topic
        self._is_state = is_state
        self._newest = b""
        self.sinks: set[Sink] = set()

    def add(self, sink: Sink) -> None:
        self.sinks.add(sink)
        if self._is_state and self._newest:
            sink.offer(self._newest)

    def _publish(self, body: BaseModel) -> None:
        self._newest = data(self._topic, body)
        for sink in self.sinks:
            sink.offer(self._newest)
        metrics.GATEWAY_WEBSOCKET_MESSAGES.add(len(self.sinks), {"channel": self._topic.channel})


class _ChannelFeed(_Feed):
    def __init__(self, upstream: Upstream, topic: Topic) -> None:
        channel, show = CHANNELS[topic.channel, topic.interval]
        super().__init__(topic, is_state=channel.is_state)
        self._follower = Follower(
            upstream, channel, topic.market, lambda event: self._publish(show(event))
        )

    def end(self) -> None:
        self._follower.end()


class _ChangesFeed(_Feed):
    def __init__(self, books: Books, topic: Topic) -> None:
        super().__init__(topic, is_state=False)
        self._books = books
        books.listen(topic.market, self._tell)

    def end(self) -> None:
        self._books.leave(self._topic.market, self._tell)

    def _tell(self, changes: Changes) -> None:
        self._publish(translate.changes(changes))


class MarketHub(Feeds[Topic, Sink]):
    """Sends a topic's messages from the subscription on."""

    def __init__(self, upstream: Upstream, books: Books, *, topics_max: int = TOPICS_MAX) -> None:
        super().__init__(
            self._make, most=topics_max, full=f"{topics_max} topics are followed here already"
        )
        self._upstream = upstream
        self._books = books

    def _make(self, topic: Topic) -> Feed[Sink]:
        if topic.channel == "changes":
            return _ChangesFeed(self._books, topic)
        return _ChannelFeed(self._upstream, topic)

    async def check(self, topic: Topic) -> None:
        """Raises NotFound for an unknown market, Unavailable where that cannot be known."""
        if topic not in self:
            await call(
                self._upstream.markets.GetMarket,
                markets_pb2.GetMarketRequest(symbol=topic.market),
            )
