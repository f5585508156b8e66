"""Followers: told of their account, bounded, ended when they are slow."""

import asyncio

import pytest

from tigerex_platform.errors import RateLimited
from tigerex_services.history.hub import FOLLOWERS_MAX, QUEUE_EVENTS_MAX, Hub
from tigerex_services.subscriber import Subscriber

pytestmark = pytest.mark.unit

ADA, BOB = 4, 5


async def drain(follower: Subscriber) -> list[bytes]:
    return [event async for event in follower]


async def test_a_follower_is_told_of_its_account_in_order() -> None:
    hub = Hub()
    follower = hub.add(ADA)
    assert ADA in hub
    assert BOB not in hub
    for event in (b"1", b"2"):
        hub.publish(ADA, event)
    hub.publish(BOB, b"no")
    hub.close()
    assert await drain(follower) == [b"1", b"2"]
    hub.remove(ADA, follower)
    hub.remove(ADA, follower)
    assert ADA not in hub
    assert len(hub) == 0


async def test_a_slow_follower_is_ended_and_the_others_go_on() -> None:
    hub = Hub()
    slow, quick = hub.add(ADA), hub.add(ADA)
    received = aiter(quick)
    for number in range(QUEUE_EVENTS_MAX + 1):
        hub.publish(ADA, b"%d" % number)
        assert await anext(received) == b"%d" % number
    with pytest.raises(RateLimited) as ended:
        await drain(slow)
    assert ended.value.code == "SLOW_SUBSCRIBER"


async def test_a_follower_that_waits_is_ended_too() -> None:
    hub = Hub()
    reading = asyncio.create_task(drain(hub.add(ADA)))
    await asyncio.sleep(0)
    for _ in range(QUEUE_EVENTS_MAX + 1):
        hub.publish(ADA, b"event")
    with pytest.raises(RateLimited):
        await asyncio.wait_for(reading, 5)


async def test_the_number_of_followers_is_bounded() -> None:
    hub = Hub()
    for account in range(FOLLOWERS_MAX):
        hub.add(account)
    with pytest.raises(RateLimited) as refused:
        hub.add(ADA)
    assert refused.value.code == "TOO_MANY_SUBSCRIBERS"
