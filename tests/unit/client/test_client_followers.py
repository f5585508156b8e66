"""Streams made whole: whatever a socket loses, the consumer gets everything once and in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_client import (
    BotChanged,
    BotRemoved,
    BotTraded,
    Candle,
    ConsumerTooSlow,
    GapTooLarge,
    Trade,
)
from tigerex_client.calls import Call
from tigerex_client.models.bots import Bot, BotEvent, Bots, BotTrade, DcaConfig, Performance
from tigerex_client.parsing import UnixNs
from tigerex_client.stream import followers, frames
from tigerex_client.stream import link as link_module
from tigerex_client.stream.followers import BotsFollower, CandlesFollower, TradesFollower
from tigerex_client.stream.link import Link
from tigerex_client.stream.subscription import Subscription

pytestmark = pytest.mark.unit

ONE = Decimal(1)
NS_PER_S = 1_000_000_000


def trade(trade_id: int) -> Trade:
    return Trade("btc-usdt", trade_id, ONE, ONE, "buy", UnixNs(trade_id))


def query_of(call: Call[Any]) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(call.target).query))


@dataclass
class Market:
    """Answers calls as the exchange does, from its trades so far."""

    trades: list[Trade] = field(default_factory=list)

    async def ask(self, call: Call[Any]) -> Sequence[Trade]:
        query = query_of(call)
        before = int(query["before"]) or 2**63
        older = [each for each in self.trades if each.trade_id < before]
        return older[::-1][: int(query["limit"])]


def subscription(follower: Any, waiting_max: int = 1_000) -> Subscription[Any]:
    topic: frames.Topic[Any] = frames.Topic("trades", lambda item: item, "btc-usdt")
    return Subscription(topic, follower, lambda _: None, waiting_max)


def waiting(found: Subscription[Any]) -> list[Any]:
    return list(found._waiting)


# A connection: trades while nobody is connected, then while the repair runs, then live; the socket
# loses some of those (an exchange's hub skips what came before it began).
TOLD = st.lists(st.booleans(), max_size=9)
CONNECTIONS = st.lists(st.tuples(st.integers(0, 9), TOLD, TOLD), min_size=1, max_size=6)


@given(CONNECTIONS)
async def test_every_trade_comes_once_and_in_order(
    connections: list[tuple[int, list[bool], list[bool]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(followers, "PAGE_ROWS", 3)
        patch.setattr(link_module, "REPAIR_PAUSE_S", 0)
        market = Market()
        found = subscription(TradesFollower("btc-usdt"))

        async def happen(told: list[bool], link: Link | None = None) -> None:
            for is_told in told:
                market.trades.append(trade(len(market.trades) + 1))
                if link is not None and is_told and not link.receive(market.trades[-1]):
                    await link.repair(market.ask)

        for away, repairing, live in connections:
            await happen([False] * away)
            link = Link(found)
            await happen(repairing, link)
            await link.repair(market.ask)
            await happen(live, link)
        # The newest may have been lost with nothing after it to tell: the next repair brings it.
        await Link(found).repair(market.ask)
        ids = [each.trade_id for each in waiting(found)]
        away, repairing, _ = connections[0]
        newest_at_first = away + len(repairing)
        first = away + repairing.index(True) + 1 if True in repairing else newest_at_first + 1
        assert ids == list(range(first, len(market.trades) + 1))


async def test_trades_that_are_not_kept_any_more_end_the_subscription() -> None:
    market = Market([trade(1)])
    found = subscription(TradesFollower("btc-usdt"))
    await Link(found).repair(market.ask)
    market.trades = [trade(5)]
    await Link(found).repair(market.ask)
    with pytest.raises(GapTooLarge):
        await anext(found)


async def test_a_slow_consumer_is_told_after_what_it_could_have_read() -> None:
    found = subscription(TradesFollower("btc-usdt"), waiting_max=3)
    market = Market()
    link = Link(found)
    await link.repair(market.ask)
    for n in range(1, 9):
        link.receive(trade(n))
    assert [(await anext(found)).trade_id for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ConsumerTooSlow):
        await anext(found)


def candle(second: int, trades: int, *, closed: bool) -> Candle:
    opens = UnixNs(second * NS_PER_S)
    return Candle("btc-usdt", "1s", opens, ONE, ONE, ONE, ONE, ONE, ONE, trades, closed)


async def test_missed_candles_are_fetched_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "PAGE_ROWS", 2)
    kept = [candle(second, 1, closed=True) for second in range(1, 8)] + [candle(8, 1, closed=False)]

    async def ask(call: Call[Any]) -> list[Candle]:
        query = query_of(call)
        start, end = int(query["start_ms"]), int(query["end_ms"]) or 2**62
        inside = [each for each in kept if start <= each.open_time_ns // 1_000_000 < end]
        return inside[-2:]

    found = subscription(CandlesFollower("btc-usdt", "1s"))
    link = Link(found)
    await link.repair(ask)
    link.receive(candle(2, 1, closed=False))
    link = Link(found)
    link.receive(candle(8, 1, closed=False))
    await link.repair(ask)
    assert waiting(found) == [candle(2, 1, closed=False), *kept[1:]]


def bot(trades: int, name: str = "a") -> Bot:
    done = Performance(ONE, ONE, ONE, trades, None, None, None, None)
    return Bot(
        name, name, "dca", "btc-usdt", DcaConfig(ONE, 1, 1), "main", "shared", "running", None,
        "running", False, 1, 1, done, None, None, None, None,
    )  # fmt: skip


def bot_trade(trade_id: int) -> BotTrade:
    return BotTrade(trade_id, 1, "btc-usdt", "buy", ONE, ONE, ONE, "BTC", ONE, None)


@pytest.mark.parametrize("seen", [True, False])
async def test_bots_are_made_whole_with_their_trades(seen: bool) -> None:
    found = subscription(BotsFollower())
    trades = [bot_trade(n) for n in (3, 5, 8, 9)]

    async def ask(call: Call[Any]) -> Any:
        if "/list" in call.target:
            return Bots((bot(4),), None)
        before = int(query_of(call)["before"]) or 100
        return [each for each in trades[::-1] if each.trade_id < before]

    link = Link(found)
    await link.repair(ask)
    begin: list[BotEvent] = [BotChanged(bot(1)), BotChanged(bot(7, "gone"))]
    if seen:
        begin = [BotTraded("a", trades[0]), *begin]
    for event in begin:
        link.receive(event)
    link = Link(found)
    link.receive(BotTraded("a", trades[3]))  # told by the socket and by the repair: once
    await link.repair(ask)
    assert waiting(found) == [
        *begin,
        BotRemoved("gone"),
        *[BotTraded("a", each) for each in trades[1:]],
        BotChanged(bot(4)),
    ]
