"""What subscribers are told of each folded batch, encoded once."""

from collections.abc import Iterable

from google.protobuf.message import Message
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.marketdata import messages
from tigerex_services.marketdata.candles import Candle
from tigerex_services.marketdata.fold import Fold, Update
from tigerex_services.marketdata.hub import Hub

DEPTH_INTERVAL_S = 0.2
DEPTH_LEVELS = 20
# Candles that are told as they change, by their seconds.
CANDLE_CHANNEL = {
    1: (pb.CHANNEL_CANDLES_1S, pb.CANDLE_INTERVAL_1S),
    60: (pb.CHANNEL_CANDLES_1M, pb.CANDLE_INTERVAL_1M),
}

Best = tuple[tuple[int, int] | None, tuple[int, int] | None]


class Publisher:
    """Turns updates into events of the hub."""

    def __init__(self, fold: Fold, hub: Hub) -> None:
        self._fold = fold
        self._hub = hub
        self._best: dict[int, Best] = {}
        self._moved: set[int] = set()

    def publish(self, update: Update) -> None:
        """All of one batch at once, but depths, which wait for `publish_depths`."""
        for trade in update.trades:
            topic = (trade.market_id, int(pb.CHANNEL_TRADES))
            if self._hub.wants(topic):
                market = self._fold.directory.market_by_id(trade.market_id)
                self._send(topic, pb.SubscribeResponse(trade=messages.trade_message(trade, market)))
        for aggregate in update.aggregates:
            topic = (aggregate.market_id, int(pb.CHANNEL_AGGREGATE_TRADES))
            if self._hub.wants(topic):
                market = self._fold.directory.market_by_id(aggregate.market_id)
                message = messages.aggregate_message(aggregate, market)
                self._send(topic, pb.SubscribeResponse(aggregate_trade=message))
        self._publish_candles(update)
        self.publish_books(update.books)

    def publish_books(self, moved: set[int]) -> None:
        """Changes and tops of the books that moved."""
        self._publish_changes(moved)
        self._publish_tops(moved)
        self._moved |= moved

    def publish_depths(self) -> None:
        """The depth of each market whose book moved since the last time."""
        for market_id in self._moved:
            topic = (market_id, int(pb.CHANNEL_DEPTH))
            if self._hub.wants(topic):
                market = self._fold.directory.market_by_id(market_id)
                depth = messages.depth_message(self._fold.books[market_id], market, DEPTH_LEVELS)
                self._send(topic, pb.SubscribeResponse(depth=depth))
        self._moved.clear()

    def _publish_changes(self, moved: Iterable[int]) -> None:
        for market_id in moved:
            book = self._fold.books[market_id]
            changes = book.take_changes()
            topic = (market_id, int(pb.CHANNEL_CHANGES))
            if self._hub.wants(topic):
                market = self._fold.directory.market_by_id(market_id)
                message = messages.changes_message(changes, book, market)
                self._send(topic, pb.SubscribeResponse(changes=message))

    def _publish_tops(self, moved: Iterable[int]) -> None:
        for market_id in moved:
            book = self._fold.books[market_id]
            best = (book.bids.best(), book.asks.best())
            if best == self._best.get(market_id):
                continue
            self._best[market_id] = best
            topic = (market_id, int(pb.CHANNEL_TOP))
            if self._hub.wants(topic):
                market = self._fold.directory.market_by_id(market_id)
                self._send(topic, pb.SubscribeResponse(top=messages.top_message(book, market)))

    def _publish_candles(self, update: Update) -> None:
        """Each changed candle, and once more, closed, each that the time of the batch has ended."""
        for candle in update.candles.values():
            if not candle.closed(update.time_ns):
                self._publish_candle(candle, update.time_ns)
        for candle in update.finished:
            self._publish_candle(candle, update.time_ns)

    def _publish_candle(self, candle: Candle, time_ns: int) -> None:
        if candle.interval_s not in CANDLE_CHANNEL:
            return
        channel, interval = CANDLE_CHANNEL[candle.interval_s]
        topic = (candle.market_id, int(channel))
        if self._hub.wants(topic):
            market = self._fold.directory.market_by_id(candle.market_id)
            message = messages.candle_message(candle, market, interval, time_ns)
            self._send(topic, pb.SubscribeResponse(candle=message))

    def _send(self, topic: tuple[int, int], event: Message) -> None:
        self._hub.publish(topic, event.SerializeToString())
