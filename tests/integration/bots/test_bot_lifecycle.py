"""The life of a bot against real processes: funded, trading, paused, stopped, removed."""

import asyncio

import pytest
from tests.support.bot_site import BotSite, rid
from tigerex.bots.v1 import bots_pb2 as pb

from tigerex_platform.errors import Conflict, InvalidField, NotFound

pytestmark = pytest.mark.integration


async def test_a_grid_starts_trades_pauses_resumes_stops_and_is_removed(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        bot_id = await site.create(site.grid())
        bot = await site.until_trades(bot_id, 10)
        assert bot.status == pb.BOT_STATUS_RUNNING
        assert bot.runner
        account = bot.account_id

        await site.want(bot_id, pb.DESIRED_STATE_PAUSED)
        await site.until_status(bot_id, pb.BOT_STATUS_PAUSED)
        await asyncio.sleep(0.5)
        trades = (await site.bot(bot_id)).performance.trades
        await asyncio.sleep(1)
        assert (await site.bot(bot_id)).performance.trades == trades

        await site.want(bot_id, pb.DESIRED_STATE_RUNNING)
        await site.until_trades(bot_id, trades + 5)

        await site.want(bot_id, pb.DESIRED_STATE_STOPPED)
        await site.until_status(bot_id, pb.BOT_STATUS_STOPPED)
        await site.check_empty(account)
        await site.check_bot(bot_id, account)

        # Once more, from where the money is.
        await site.want(bot_id, pb.DESIRED_STATE_RUNNING)
        before = (await site.bot(bot_id)).performance.trades
        await site.until_trades(bot_id, before + 5)
        await site.owner.DeleteBot(pb.DeleteBotRequest(request_id=rid(), bot_id=bot_id))
        with pytest.raises(NotFound):
            await site.bot(bot_id)
        await site.check_empty(account)
    finally:
        walk.cancel()
    await site.verify()


async def test_a_dca_bot_completes_and_gives_back_what_it_bought(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        bot_id = await site.create(site.dca())
        bot = await site.until_status(bot_id, pb.BOT_STATUS_COMPLETED)
        assert bot.performance.trades >= 3
        await site.check_empty(bot.account_id)
        await site.check_bot(bot_id, bot.account_id)
        assert float((await site.balances(site.main))["BTC"][0]) > 0
    finally:
        walk.cancel()
    await site.verify()


async def test_another_configuration_is_a_new_run(site: BotSite) -> None:
    site.runner.start()
    walk = asyncio.create_task(site.walk())
    try:
        bot_id = await site.create(site.grid())
        bot = await site.until_trades(bot_id, 2)
        spec = site.grid(levels=11, investment="8000")
        await site.owner.UpdateBot(pb.UpdateBotRequest(request_id=rid(), bot_id=bot_id, spec=spec))
        await site.until(
            bot_id, lambda now: now.started_at.ToNanoseconds() > bot.started_at.ToNanoseconds()
        )
        bot = await site.until_trades(bot_id, bot.performance.trades + 5)
        assert (bot.generation, bot.observed_generation) == (2, 2)
        assert 7_000 < float(bot.performance.total_value) < 9_000
        await site.want(bot_id, pb.DESIRED_STATE_STOPPED)
        await site.until_status(bot_id, pb.BOT_STATUS_STOPPED)
        await site.check_empty(bot.account_id)
        points = await site.owner.ListBotPerformance(pb.ListBotPerformanceRequest(bot_id=bot_id))
        assert points.points
    finally:
        walk.cancel()
    await site.verify()


async def test_what_a_resource_manages_is_not_changed_otherwise(site: BotSite) -> None:
    bot_id = "6a1b5a2e-7a68-4c7e-9a44-0f7f3f6a1c11"
    spec = site.grid()
    spec.user = "demo"
    spec.desired_state = pb.DESIRED_STATE_STOPPED
    request = pb.ApplyBotRequest(bot_id=bot_id, generation=1, spec=spec)
    first = (await site.operator.ApplyBot(request)).bot
    assert first.managed
    again = (await site.operator.ApplyBot(request)).bot
    assert again.generation == first.generation == 1
    for call in (
        site.owner.DeleteBot(pb.DeleteBotRequest(request_id=rid(), bot_id=bot_id)),
        site.want(bot_id, pb.DESIRED_STATE_RUNNING),
        site.owner.UpdateBot(pb.UpdateBotRequest(request_id=rid(), bot_id=bot_id, spec=spec)),
    ):
        with pytest.raises(Conflict) as caught:
            await call
        assert caught.value.code == "MANAGED_BY_RESOURCE"
    with pytest.raises(NotFound):
        await site.stranger.GetBot(pb.GetBotRequest(bot_id=bot_id))
    spec.config.spot_grid.levels = 9
    changed = await site.operator.ApplyBot(
        pb.ApplyBotRequest(bot_id=bot_id, generation=2, spec=spec)
    )
    assert changed.bot.spec.config.spot_grid.levels == 9
    for _ in range(2):
        await site.operator.DeleteBot(
            pb.DeleteBotRequest(request_id=rid(), bot_id=bot_id, managed=True)
        )


WRONG: list[tuple[str, dict[str, object]]] = [
    ("spec.name", {"name": ""}),
    ("spec.market", {"market": "btc-eur"}),
    ("spec.account", {"account": "savings"}),
    ("spec.config.spot_grid.levels", {"levels": 1}),
    ("spec.config.spot_grid.upper_price", {"upper_price": "59700"}),
    ("spec.config.spot_grid.lower_price", {"lower_price": "59700.001"}),
    ("spec.config.spot_grid.investment", {"investment": "0.123456789"}),
    ("spec.config.spot_grid.investment", {"investment": "1"}),
]


async def test_bad_input_is_refused_naming_the_field(site: BotSite) -> None:
    for field, change in WRONG:
        outer = {name: change[name] for name in ("name", "market", "account") if name in change}
        spec = site.grid(**{k: v for k, v in change.items() if k not in outer})
        for name, value in outer.items():
            setattr(spec, name, value)
        with pytest.raises(InvalidField) as caught:
            await site.create(spec)
        assert caught.value.field == field
        assert caught.value.allowed
    assert not (await site.owner.ListBots(pb.ListBotsRequest())).bots


async def test_the_same_request_makes_one_bot(site: BotSite) -> None:
    request = pb.CreateBotRequest(request_id=rid(), spec=site.dca())
    first = (await site.owner.CreateBot(request)).bot
    assert (await site.owner.CreateBot(request)).bot.bot_id == first.bot_id
    request.spec.config.dca.amount = "60"
    with pytest.raises(Conflict):
        await site.owner.CreateBot(request)
    assert len((await site.owner.ListBots(pb.ListBotsRequest())).bots) == 1


async def test_a_bot_waits_for_money_and_says_so(site: BotSite) -> None:
    bot_id = await site.create(site.grid(investment="150000"))
    bot = await site.until(bot_id, lambda bot: "INSUFFICIENT" in bot.status_reason)
    assert bot.status == pb.BOT_STATUS_STARTING
    await site.fund("demo", "60000")
    await site.until(bot_id, lambda bot: bot.status_reason == "waiting for a runner")
    await site.want(bot_id, pb.DESIRED_STATE_STOPPED)
    bot = await site.until_status(bot_id, pb.BOT_STATUS_STOPPED)
    await site.check_empty(bot.account_id)
    assert (await site.balances(site.main))["USDT"] == ("160000", "0")
    await site.verify()
