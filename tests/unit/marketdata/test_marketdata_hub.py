"""Subscribers: bounded, told what they asked for, ended when they are slow."""

import asyncio

import pytest

from tigerex_platform.errors import RateLimited
from tigerex_services.marketdata.hub import QUEUE_EVENTS_MAX, SUBSCRIBERS_MAX, Hub
from tigerex_services.subscriber import Subscriber

pytestmark = pytest.mark.unit

TRADES, TOP = (1, 1), (1, 2)


async def drain(subscriber: Subscriber) -> list[bytes]:
    return [event async for event in subscriber]


async def test_a_subscriber_gets_its_topics_in_order() -> None:
    hub = Hub()
    subscriber = hub.add([TRADES])
    assert hub.wants(TRADES)
    assert not hub.wants(TOP)
    for event in (b"1", b"2"):
        hub.publish(TRADES, event)
    hub.publish(TOP, b"no")
    hub.close()
    assert await drain(subscriber) == [b"1", b"2"]
    hub.remove(subscriber)
    assert not hub.wants(TRADES)
    assert len(hub) == 0


async def test_a_slow_subscriber_is_ended_and_the_others_go_on() -> None:
    hub = Hub()
    slow, quick = hub.add([TRADES]), hub.add([TRADES])
    received = aiter(quick)
    for number in range(QUEUE_EVENTS_MAX + 1):
        hub.publish(TRADES, b"%d" % number)
        assert await anext(received) == b"%d" % number
    with pytest.raises(RateLimited) as ended:
        await drain(slow)
    assert ended.value.code == "SLOW_SUBSCRIBER"


async def test_a_subscriber_that_waits_is_ended_too() -> None:
    hub = Hub()
    subscriber = hub.add([TRADES])
    reading = asyncio.create_task(drain(subscriber))
    await asyncio.sleep(0)
    for _ in range(QUEUE_EVENTS_MAX + 1):
        hub.publish(TRADES, b"event")
    with pytest.raises(RateLimited):
        await asyncio.wait_for(reading, 5)


async def test_the_number_of_subscribers_is_bounded() -> None:
    hub = Hub()
    for _ in range(SUBSCRIBERS_MAX):
        hub.add([TOP])
    with pytest.raises(RateLimited):
        hub.add([TOP])
