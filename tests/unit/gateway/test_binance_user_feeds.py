"""User data: one upstream stream for all who listen, every event once, and no silent end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.gateway_upstreams import Follow, Upstreams, order, serving
from tigerex.exchange.v1 import accounts_pb2, types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import PermissionDenied, RateLimited, TigerExError, Unavailable
from tigerex_services.gateway.binance import user_feeds
from tigerex_services.gateway.binance.symbols import Symbols
from tigerex_services.gateway.binance.user_feeds import UserFeeds
from tigerex_services.gateway.upstream import Upstream

pytestmark = pytest.mark.unit

WAIT_S = 5.0
ACCOUNT = 5


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@dataclass(eq=False)
class Listener:
    """Keeps what it is told."""

    events: list[dict[str, Any]] = field(default_factory=list)
    is_terminated: bool = False

    def offer(self, event: bytes) -> None:
        assert not self.is_terminated
        self.events.append(json.loads(event))

    def terminated(self) -> None:
        self.is_terminated = True

    def seqs(self) -> list[int]:
        """Of the executions that it was told."""
        return [event["I"] for event in self.events if event["e"] == "executionReport"]

    def kinds(self) -> list[str]:
        return [event["e"] for event in self.events]


def update(seq: int, *assets: str) -> pb.AccountUpdate:
    change = pb.OrderChange(execution=pb.EXECUTION_NEW, order=order())
    return pb.AccountUpdate(
        account_id=ACCOUNT, seq=seq, time_ns=seq * 10**6, order=change, changed_assets=assets
    )


@dataclass
class World:
    upstreams: Upstreams
    feeds: UserFeeds

    async def attach(self, user: str = "ann") -> Listener:
        listener = Listener()
        await self.feeds.attach(user, ACCOUNT, listener)
        return listener

    async def follow(self, number: int) -> Follow:
        """The upstream stream of that number, from 0."""
        await until(lambda: len(self.upstreams.follows) > number)
        return self.upstreams.follows[number]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(user_feeds, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(user_feeds, "RETRY_MAX_S", 0.005)
    async with serving() as (upstreams, channel):
        upstream = Upstream.over(
            exchange=channel, bots=channel, market_data=channel, history=channel
        )
        clock = ManualClock()
        feeds = UserFeeds(upstream, Symbols(upstream, clock), clock, accounts_max=2)
        yield World(upstreams, feeds)
        feeds.close()


async def test_all_who_listen_share_one_stream(world: World) -> None:
    first, second = await world.attach(), await world.attach()
    follow = await world.follow(0)
    assert (follow.user, follow.account_id) == ("ann", ACCOUNT)
    for seq in (11, 12, 12, 13):
        follow.tell(update(seq))
    await until(lambda: len(second.events) == 4)
    assert first.seqs() == second.seqs() == [11, 12, 12, 13]
    assert len(world.upstreams.follows) == 1
    world.feeds.detach("ann", first)
    follow.tell(update(14))
    await until(lambda: second.seqs()[-1] == 14)
    assert first.seqs()[-1] == 13
    world.feeds.detach("ann", second)
    await until(lambda: not follow.open)
    third = await world.attach()
    (await world.follow(1)).tell(update(20))
    await until(lambda: third.seqs() == [20])


async def test_users_are_apart_and_bounded(world: World) -> None:
    ann, bob = await world.attach("ann"), await world.attach("bob")
    (await world.follow(1)).tell(update(11))
    await until(bob.seqs)
    assert ann.events == []
    with pytest.raises(Unavailable, match="2 users"):
        await world.attach("eve")


@pytest.mark.parametrize(
    "error",
    [Unavailable("gone"), RateLimited(code="TOO_SLOW"), Unavailable(code="SUBSCRIPTION_ENDED")],
    ids=lambda error: error.code,
)
async def test_a_broken_stream_is_told_and_may_be_listened_to_again(
    world: World, error: TigerExError
) -> None:
    first, second = await world.attach(), await world.attach()
    follow = await world.follow(0)
    follow.tell(update(11))
    follow.end(error)
    await until(lambda: first.is_terminated and second.is_terminated)
    assert first.kinds() == ["executionReport", "eventStreamTerminated"]
    again = await world.attach()
    (await world.follow(1)).tell(update(12))
    await until(lambda: again.seqs() == [12])


async def test_an_update_that_makes_no_sense_ends_the_stream(world: World) -> None:
    listener = await world.attach()
    nonsense = update(11)
    nonsense.order.execution = 99  # type: ignore[assignment]
    (await world.follow(0)).tell(nonsense)
    await until(lambda: listener.is_terminated)
    assert listener.kinds() == ["eventStreamTerminated"]


async def test_upstream_that_comes_back_soon_is_waited_for(world: World) -> None:
    world.upstreams.errors["Follow"] = Unavailable()
    attaching = asyncio.create_task(world.attach())
    await asyncio.sleep(0)
    del world.upstreams.errors["Follow"]
    listener = await attaching
    (await world.follow(0)).tell(update(11))
    await until(lambda: listener.seqs() == [11])


@pytest.mark.parametrize("error", [Unavailable(), PermissionDenied("no")], ids=str)
async def test_who_cannot_listen_is_told_so(world: World, error: TigerExError) -> None:
    world.upstreams.errors["Follow"] = error
    with pytest.raises(type(error)):
        await world.attach()
    del world.upstreams.errors["Follow"]
    await world.attach()


async def test_who_gives_up_while_waiting_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_feeds, "RETRY_FIRST_S", 100.0)
    monkeypatch.setattr(user_feeds, "RETRY_MAX_S", 100.0)
    world.upstreams.errors["Follow"] = Unavailable()
    attaching = asyncio.create_task(world.attach())
    await asyncio.sleep(0.05)
    attaching.cancel()
    await asyncio.wait([attaching])
    assert world.feeds._feeds == {}


async def test_streams_change_over_without_a_gap(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tell what is new; every change is heard once, in order."""
    monkeypatch.setattr(user_feeds, "CHANGE_OVER_S", 0.01)
    world.upstreams.follow_seq = 10
    listener = await world.attach()
    old = await world.follow(0)
    old.tell(update(11))
    await until(listener.seqs)
    world.upstreams.follow_seq = 13
    new = await world.follow(1)
    for seq in (12, 13, 13):
        old.tell(update(seq))  # from before the new one's beginning
    for seq in (14, 14, 15):
        new.tell(update(seq))
    await asyncio.sleep(0.05)
    assert listener.seqs() == [11, 12, 13, 13]
    for seq in (14, 14, 15):
        old.tell(update(seq))
    await until(lambda: len(listener.seqs()) == 7)
    assert listener.seqs() == [11, 12, 13, 13, 14, 14, 15]
    await until(lambda: not old.open)
    assert not listener.is_terminated


async def test_a_stream_whose_time_is_over_is_followed_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_feeds, "CHANGE_OVER_S", 0.01)
    listener = await world.attach()
    old, new = await world.follow(0), await world.follow(1)
    new.tell(update(11))
    await asyncio.sleep(0.05)
    old.end(Unavailable(code="SUBSCRIPTION_ENDED"))
    await until(lambda: listener.seqs() == [11])
    assert not listener.is_terminated


async def test_positions_follow_changes(world: World) -> None:
    world.upstreams.answers["GetBalances"] = _balances(USDT=("900", "100"), BTC=("1", "0"))
    listener = await world.attach()
    (await world.follow(0)).tell(update(11, "USDT", "ETH"))
    await until(lambda: len(listener.events) == 2)
    position = listener.events[1]
    assert position["e"] == "outboundAccountPosition"
    assert position["u"] == 11
    assert position["B"] == [
        {"a": "USDT", "f": "900.00000000", "l": "100.00000000"},
        {"a": "ETH", "f": "0.00000000", "l": "0.00000000"},
    ]
    [asked] = world.upstreams.called("GetBalances")
    assert asked.user == "ann"


async def test_balances_that_cannot_be_read_end_the_stream(world: World) -> None:
    world.upstreams.errors["GetBalances"] = Unavailable()
    listener = await world.attach()
    (await world.follow(0)).tell(update(11, "USDT"))
    await until(lambda: listener.is_terminated)
    assert len(world.upstreams.called("GetBalances")) == user_feeds.ATTEMPTS_MAX


async def test_closing_says_goodbye(world: World) -> None:
    listener = await world.attach()
    world.feeds.close()
    assert listener.is_terminated
    assert listener.kinds() == ["eventStreamTerminated"]


def _balances(**rows: tuple[str, str]) -> Any:
    return accounts_pb2.GetBalancesResponse(
        balances=[
            types_pb2.Balance(asset=asset, available=available, held=held)
            for asset, (available, held) in rows.items()
        ]
    )
