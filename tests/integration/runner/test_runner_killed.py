"""Killed while bots trade: no order is doubled, no fill is lost, and somebody goes on."""

import asyncio
import random
from contextlib import suppress
from uuid import UUID

import pytest
from tests.support.bot_site import USER, BotSite, rid
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_platform.errors import NotFound, TigerExError
from tigerex_platform.ids import derive_request_id
from tigerex_services.bots.model import SHARDS, shard_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


async def trading_bot(site: BotSite, trades: int = 8) -> tuple[str, int]:
    bot_id = await site.create(site.grid())
    bot = await site.until_trades(bot_id, trades)
    return bot_id, bot.account_id


async def test_a_killed_runner_is_resumed_without_a_trace(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    seeded = random.Random(7)
    try:
        bot_id, account = await trading_bot(site)
        for _ in range(2):
            await asyncio.sleep(seeded.uniform(0.2, 4.0))
            site.runner.kill()
            before = (await site.bot(bot_id)).performance.trades
            site.runner.start()
            await site.until_trades(bot_id, before + 8)
        await site.want(bot_id, pb.DESIRED_STATE_STOPPED)
        await site.until_status(bot_id, pb.BOT_STATUS_STOPPED)
    finally:
        walk.cancel()
    await site.check_bot(bot_id, account)
    await site.check_empty(account)
    await site.verify()


async def test_a_bot_without_a_runner_is_stopped_and_its_fills_are_kept(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        bot_id, account = await trading_bot(site)
        site.runner.kill()
        await asyncio.sleep(2)  # its resting orders go on being filled
        await site.want(bot_id, pb.DESIRED_STATE_STOPPED)
        await site.until_status(bot_id, pb.BOT_STATUS_STOPPED)
        await site.check_empty(account)
        await site.check_bot(bot_id, account)
    finally:
        walk.cancel()
    await site.verify()


async def test_two_runners_share_and_one_takes_over(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        ids = [
            await site.create(site.grid(f"grid {i}", investment="1000"), request_id=request_id)
            for i, request_id in enumerate(requests_of_both_halves(3))
        ]
        accounts = {}
        for bot_id in ids:
            accounts[bot_id] = (await site.until_trades(bot_id, 2)).account_id
        second = site.new_runner("second")
        second.start()
        await second.serving()
        holders = {(await site.bot(bot_id)).runner for bot_id in ids}
        async with asyncio.timeout(40):
            while len(holders) < 2 or "" in holders:
                await asyncio.sleep(0.2)
                holders = {(await site.bot(bot_id)).runner for bot_id in ids}
        site.runner.kill()
        counts = {bot_id: (await site.bot(bot_id)).performance.trades for bot_id in ids}
        for bot_id in ids:
            await site.until_trades(bot_id, counts[bot_id] + 6)
        assert len({(await site.bot(bot_id)).runner for bot_id in ids}) == 1
        assert await second.stop() == 0  # gives its leases back
        assert {(await site.bot(bot_id)).runner for bot_id in ids} == {""}
        for bot_id in ids:
            await site.owner.DeleteBot(pb.DeleteBotRequest(request_id=rid(), bot_id=bot_id))
            await site.check_empty(accounts[bot_id])
    finally:
        walk.cancel()
    await site.verify()


async def test_a_deposed_runner_that_is_merely_asleep_cannot_trade(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        bot_id, account = await trading_bot(site)
        site.runner.pause()
        second = site.new_runner("second")
        second.start()
        before = (await site.bot(bot_id)).performance.trades
        await site.until_trades(bot_id, before + 8)
        site.runner.wake()
        before = (await site.bot(bot_id)).performance.trades
        await site.until_trades(bot_id, before + 20)
        await site.want(bot_id, pb.DESIRED_STATE_STOPPED)
        await site.until_status(bot_id, pb.BOT_STATUS_STOPPED)
        await site.check_bot(bot_id, account)
    finally:
        walk.cancel()
    await site.verify()


async def test_a_dedicated_bot_is_run_by_its_own_runner_only(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        spec = site.grid()
        spec.isolation = pb.ISOLATION_DEDICATED
        bot_id = await site.create(spec)
        shared_id, _ = await trading_bot(site, 1)
        assert (await site.bot(bot_id)).performance.trades == 0
        own = site.new_runner("own", "--bot", bot_id)
        own.start()
        bot = await site.until_trades(bot_id, 3)
        assert bot.runner not in ("", (await site.bot(shared_id)).runner)
    finally:
        walk.cancel()
    await site.verify()


async def test_everything_is_killed_at_once(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        bot_id, account = await trading_bot(site)
        for process in (site.exchange, site.bots, site.runner):
            process.kill()
        for process in (site.runner, site.bots, site.exchange):
            process.start()
        await site.exchange.serving()
        await site.bots.serving()
        before = (await site.bot(bot_id)).performance.trades
        await site.until_trades(bot_id, before + 8)
        await site.want(bot_id, pb.DESIRED_STATE_STOPPED)
        await site.until_status(bot_id, pb.BOT_STATUS_STOPPED)
        await site.check_empty(account)
        await site.check_bot(bot_id, account)
    finally:
        walk.cancel()
    await site.verify()


async def test_the_bots_service_killed_during_a_removal_goes_on_with_it(site: BotSite) -> None:
    walk = asyncio.create_task(site.walk())
    site.runner.start()
    seeded = random.Random(11)
    try:
        for _ in range(3):
            bot_id, account = await trading_bot(site, 1)
            request = pb.DeleteBotRequest(request_id=rid(), bot_id=bot_id)
            deleting = asyncio.create_task(site.owner.DeleteBot(request))
            await asyncio.sleep(seeded.uniform(0.0, 0.08))
            site.bots.kill()
            with suppress(TigerExError):  # unless it was quick enough
                await deleting
            site.bots.start()
            await site.bots.serving()
            await removed(site, bot_id)
            await site.check_empty(account)
    finally:
        walk.cancel()
    await site.verify()


def requests_of_both_halves(count: int) -> list[bytes]:
    """Requests of as many bots in the shards that the first runner keeps, and in the others."""
    shards = sorted(str(shard) for shard in range(SHARDS))
    halves: tuple[list[bytes], list[bytes]] = ([], [])
    while min(map(len, halves)) < count:
        request_id = rid()
        bot_id = UUID(bytes=derive_request_id("bot", USER, request_id), version=4)
        halves[shards.index(shard_of(bot_id, "shared")) >= SHARDS // 2].append(request_id)
    return halves[0][:count] + halves[1][:count]


async def removed(site: BotSite, bot_id: str) -> None:
    """Wait until the bot is gone; a request that did not arrive before the kill is made again."""
    async with asyncio.timeout(30):
        while True:
            try:
                await site.owner.DeleteBot(pb.DeleteBotRequest(request_id=rid(), bot_id=bot_id))
            except NotFound:
                return
            except TigerExError:
                await asyncio.sleep(0.1)
