"""Bots as a runner holds them, without the services that assign them."""

from uuid import UUID

from tigerex.bots.v1 import bots_pb2, runner_pb2

from tigerex_core.records import MarketState
from tigerex_services.instruments import AssetInfo, MarketInfo
from tigerex_services.runner.bot import RunningBot

MARKET_ID = 3
MARKET = MarketInfo(
    MARKET_ID, "base-quote", AssetInfo(1, "BASE", 5), AssetInfo(2, "QUOTE", 3), 100, 1_000,
    100_000, 1_000_000, 0, MarketState.OPEN,
)  # fmt: skip
ASSETS = {9: AssetInfo(9, "TGX", 2)}


def assignment(account: int, *, start_seq: int = 1, epoch: int = 1) -> runner_pb2.Assignment:
    """A grid from 10.0 to 14.0 with five levels and an investment of 100."""
    grid = bots_pb2.SpotGridConfig(lower_price="10", upper_price="14", levels=5, investment="100")
    spec = bots_pb2.BotSpec(market="base-quote", config=bots_pb2.BotConfig(spot_grid=grid))
    bot = bots_pb2.Bot(bot_id=str(UUID(int=account << 80)), spec=spec, account_id=account)
    return runner_pb2.Assignment(bot=bot, epoch=epoch, start_seq=start_seq)


def running_bot(account: int, *, start_seq: int = 1, epoch: int = 1) -> RunningBot:
    return RunningBot(
        assignment(account, start_seq=start_seq, epoch=epoch), MARKET, ASSETS.__getitem__
    )
