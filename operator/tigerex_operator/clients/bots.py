"""What the operator asks of a tenant's bots service."""

from dataclasses import dataclass

import grpc.aio
from tigerex.bots.v1 import bots_pb2, bots_pb2_grpc

from tigerex_operator.models.tradingbot import TradingBotSpec
from tigerex_platform.errors import from_rpc_error
from tigerex_platform.ids import derive_request_id

PAGE_SIZE = 500
# 200,000 bots: far beyond what one bots service holds.
PAGES_MAX = 400

SPACINGS = {
    "arithmetic": bots_pb2.GRID_SPACING_ARITHMETIC,
    "geometric": bots_pb2.GRID_SPACING_GEOMETRIC,
}
ISOLATIONS = {"shared": bots_pb2.ISOLATION_SHARED, "dedicated": bots_pb2.ISOLATION_DEDICATED}
DESIRED_STATES = {
    "Running": bots_pb2.DESIRED_STATE_RUNNING,
    "Paused": bots_pb2.DESIRED_STATE_PAUSED,
    "Stopped": bots_pb2.DESIRED_STATE_STOPPED,
}
PHASES = {
    bots_pb2.BOT_STATUS_CREATED: "Pending",
    bots_pb2.BOT_STATUS_STARTING: "Starting",
    bots_pb2.BOT_STATUS_RUNNING: "Running",
    bots_pb2.BOT_STATUS_PAUSED: "Paused",
    bots_pb2.BOT_STATUS_STOPPED: "Stopped",
    bots_pb2.BOT_STATUS_COMPLETED: "Completed",
    bots_pb2.BOT_STATUS_FAILED: "Failed",
}


@dataclass(frozen=True, slots=True)
class BotView:
    """A bot as the bots service has it. Amounts are decimal strings in quote asset."""

    bot_id: str
    phase: str
    reason: str
    generation: int
    observed_generation: int
    trades: int
    profit_loss: str
    total_value: str
    runner: str

    def same_phase(self, other: "BotView | None") -> bool:
        """Whether nothing but figures differs: those may wait, the rest may not."""
        return other is not None and (
            (self.phase, self.reason, self.generation, self.observed_generation)
            == (other.phase, other.reason, other.generation, other.observed_generation)
        )


class BotsClient:
    """Calls of one tenant's bots service. Raises TigerExError."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._bots = bots_pb2_grpc.BotServiceStub(channel)

    async def apply(self, bot_id: str, generation: int, spec: bots_pb2.BotSpec) -> BotView:
        """The bot becomes what the resource says; repeating it changes nothing."""
        request = bots_pb2.ApplyBotRequest(bot_id=bot_id, generation=generation, spec=spec)
        try:
            answer = await self._bots.ApplyBot(request)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return _view(answer.bot)

    async def delete(self, bot_id: str) -> None:
        """Cancels its orders, returns its money, removes it. What is not there is deleted."""
        request = bots_pb2.DeleteBotRequest(
            request_id=derive_request_id("operator", "delete-bot", bot_id),
            bot_id=bot_id,
            managed=True,
        )
        try:
            await self._bots.DeleteBot(request)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def list_managed(self) -> dict[str, BotView]:
        """All bots that are made by resources, by id: one call for every PAGE_SIZE bots."""
        views: dict[str, BotView] = {}
        token = ""
        for _ in range(PAGES_MAX):
            request = bots_pb2.ListBotsRequest(page_size=PAGE_SIZE, page_token=token)
            try:
                answer = await self._bots.ListBots(request)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
            views |= {bot.bot_id: _view(bot) for bot in answer.bots if bot.managed}
            token = answer.next_page_token
            if not token:
                break
        return views


def build_bot_spec(name: str, spec: TradingBotSpec, user: str, account: str) -> bots_pb2.BotSpec:
    """A resource's spec as the bots service understands it."""
    return bots_pb2.BotSpec(
        name=name,
        market=spec.market,
        config=_config(spec),
        isolation=ISOLATIONS[spec.isolation],
        user=user,
        account=account,
        desired_state=DESIRED_STATES[spec.state],
    )


def _config(spec: TradingBotSpec) -> bots_pb2.BotConfig:
    if spec.spot_grid is not None:
        grid = spec.spot_grid
        return bots_pb2.BotConfig(
            spot_grid=bots_pb2.SpotGridConfig(
                lower_price=grid.lower_price,
                upper_price=grid.upper_price,
                levels=grid.levels,
                spacing=SPACINGS[grid.spacing],
                investment=grid.investment,
            )
        )
    if spec.dca is None:
        raise ValueError("a TradingBot has either spotGrid or dca; its schema sees to it")
    return bots_pb2.BotConfig(
        dca=bots_pb2.DcaConfig(
            amount=spec.dca.amount,
            interval_seconds=spec.dca.interval_seconds,
            max_purchases=spec.dca.max_purchases,
            max_price=spec.dca.max_price or "",
        )
    )


def _view(bot: bots_pb2.Bot) -> BotView:
    return BotView(
        bot_id=bot.bot_id,
        phase=PHASES.get(bot.status, "Pending"),
        reason=bot.status_reason,
        generation=bot.generation,
        observed_generation=bot.observed_generation,
        trades=bot.performance.trades,
        profit_loss=bot.performance.profit_loss,
        total_value=bot.performance.total_value,
        runner=bot.runner,
    )
