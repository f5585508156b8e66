"""A user's own bots, followed while one of the user's sockets listens.

The bots service has no stream: its list is read once a second for each listening user, whatever
the number of sockets, and what changed is told.
"""

import asyncio
import logging
from typing import Literal

from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_platform.errors import TigerExError
from tigerex_platform.telemetry import metrics
from tigerex_services.gateway.models.bots import Bot, BotTrade
from tigerex_services.gateway.models.common import Answer
from tigerex_services.gateway.translate import bots as translate
from tigerex_services.gateway.upstream import Upstream, call
from tigerex_services.gateway.websocket.feeds import Feeds
from tigerex_services.gateway.websocket.messages import BOTS_TOPIC, data
from tigerex_services.gateway.websocket.outbox import Sink

logger = logging.getLogger(__name__)

POLL_S = 1.0
FOLLOWED_USERS_MAX = 500
BOTS_PAGE_SIZE = 500
PAGES_MAX = 4
TRADES_AT_ONCE_MAX = 500


class BotChanged(Answer):
    event: Literal["bot"] = "bot"
    bot: Bot


class BotRemoved(Answer):
    event: Literal["removed"] = "removed"
    bot_id: str


class BotTraded(Answer):
    event: Literal["trade"] = "trade"
    bot_id: str
    trade: BotTrade


class _UserFeed:
    def __init__(self, upstream: Upstream, user: str) -> None:
        self._upstream = upstream
        self._user = user
        self._bots: dict[str, pb.Bot] = {}
        self._last_trade: dict[str, int] = {}
        self.sinks: set[Sink] = set()
        self.task = asyncio.create_task(self._run(), name=f"bots of {user}")

    def add(self, sink: Sink) -> None:
        self.sinks.add(sink)
        for bot in self._bots.values():
            sink.offer(data(BOTS_TOPIC, BotChanged(bot=translate.bot(bot))))

    def end(self) -> None:
        self.task.cancel()

    async def _run(self) -> None:
        while True:
            try:
                await self._poll()
            except TigerExError as error:
                logger.info("bots of a user: %s; asking again", error.code)
            except Exception:  # one answer that makes no sense must not end the stream in silence
                logger.exception("bots of a user: asking again")
            await asyncio.sleep(POLL_S)

    async def _poll(self) -> None:
        found = {bot.bot_id: bot for bot in await self._list()}
        for bot_id in self._bots.keys() - found.keys():
            self._last_trade.pop(bot_id, None)
            self._tell(BotRemoved(bot_id=bot_id))
        for bot_id, bot in found.items():
            before = self._bots.get(bot_id)
            if before is not None and bot.performance.trades > before.performance.trades:
                await self._tell_trades(bot, bot.performance.trades - before.performance.trades)
            if before is None or _shown(before) != _shown(bot):
                self._tell(BotChanged(bot=translate.bot(bot)))
        self._bots = found

    async def _list(self) -> list[pb.Bot]:
        bots: list[pb.Bot] = []
        token = ""
        for _ in range(PAGES_MAX):
            page = await call(
                self._upstream.bots.ListBots,
                pb.ListBotsRequest(page_size=BOTS_PAGE_SIZE, page_token=token),
                user=self._user,
            )
            bots.extend(page.bots)
            token = page.next_page_token
            if not token:
                break
        return bots

    async def _tell_trades(self, bot: pb.Bot, count: int) -> None:
        """The newest `count` trades, oldest first, none twice."""
        page = await call(
            self._upstream.bots.ListBotTrades,
            pb.ListBotTradesRequest(bot_id=bot.bot_id, page_size=min(count, TRADES_AT_ONCE_MAX)),
            user=self._user,
        )
        last = self._last_trade.get(bot.bot_id, 0)
        for trade in reversed(page.trades):
            if trade.trade_id > last:
                self._last_trade[bot.bot_id] = trade.trade_id
                self._tell(BotTraded(bot_id=bot.bot_id, trade=translate.bot_trade(trade)))

    def _tell(self, body: BotChanged | BotRemoved | BotTraded) -> None:
        frame = data(BOTS_TOPIC, body)
        for sink in self.sinks:
            sink.offer(frame)
        metrics.GATEWAY_WEBSOCKET_MESSAGES.add(len(self.sinks), {"channel": BOTS_TOPIC.channel})


def _shown(bot: pb.Bot) -> tuple[object, ...]:
    """What is worth a message when it changes: the value of a running bot moves all the time."""
    return (
        bot.status,
        bot.status_reason,
        bot.generation,
        bot.observed_generation,
        bot.spec.name,
        bot.spec.desired_state,
        bot.performance.trades,
    )


class BotFeeds(Feeds[str, Sink]):
    """Tells all of a user's bots, then what changes."""

    def __init__(self, upstream: Upstream, *, users_max: int = FOLLOWED_USERS_MAX) -> None:
        super().__init__(
            lambda user: _UserFeed(upstream, user),
            most=users_max,
            full=f"bots of {users_max} users are followed here already",
        )
