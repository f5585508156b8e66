"""A tenant's exchange and bots service as the operator sees them: the contract, in memory.

The real ones are met in the end-to-end tests; here their answers can be chosen.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from tigerex.bots.v1 import bots_pb2, bots_pb2_grpc
from tigerex.exchange.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    markets_pb2,
    markets_pb2_grpc,
    types_pb2,
)


@dataclass
class TenantServices(
    admin_pb2_grpc.AdminServiceServicer,
    markets_pb2_grpc.MarketServiceServicer,
    bots_pb2_grpc.BotServiceServicer,
):
    """What was asked, and what is there because of it."""

    assets: dict[str, int] = field(default_factory=dict)
    markets: dict[str, types_pb2.Market] = field(default_factory=dict)
    fees: list[tuple[str, str]] = field(default_factory=list)
    discount: types_pb2.FeeDiscount = field(default_factory=types_pb2.FeeDiscount)
    credits: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    keys: dict[bytes, str] = field(default_factory=dict)
    bots: dict[str, bots_pb2.Bot] = field(default_factory=dict)
    open_orders: int = 0
    calls: list[str] = field(default_factory=list)
    address: str = ""

    async def ListAssets(self, request: Any, context: Any) -> Any:  # noqa: N802
        items = [types_pb2.Asset(code=code, scale=scale) for code, scale in self.assets.items()]
        return markets_pb2.ListAssetsResponse(assets=items, fee_discount=self.discount)

    async def GetMarket(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.symbol not in self.markets:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no market {request.symbol}")
        return markets_pb2.GetMarketResponse(market=self.markets[request.symbol])

    async def EnsureAsset(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("EnsureAsset")
        self.assets[request.asset.code] = request.asset.scale
        return admin_pb2.EnsureAssetResponse(asset=request.asset)

    async def SetFeeTier(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("SetFeeTier")
        self.fees.append((request.maker_fee, request.taker_fee))
        return admin_pb2.SetFeeTierResponse()

    async def EnsureUser(self, request: Any, context: Any) -> Any:  # noqa: N802
        account = types_pb2.Account(account_id=7, user_id=1, user=request.name, name="main")
        return admin_pb2.EnsureUserResponse(user_id=1, main_account=account)

    async def Deposit(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("Deposit")
        self.credits.setdefault(request.request_id, (request.asset, request.amount))
        return admin_pb2.DepositResponse(seq=1)

    async def CreateApiKey(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("CreateApiKey")
        key = self.keys.setdefault(request.request_id, f"key-{len(self.keys)}")
        return admin_pb2.CreateApiKeyResponse(key=key, secret=f"{key}-secret")

    async def EnsureMarket(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("EnsureMarket")
        market = self.markets.setdefault(request.market.symbol, request.market)
        market.market_id = market.market_id or len(self.markets)
        return admin_pb2.EnsureMarketResponse(market=market)

    async def SetMarketState(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("SetMarketState")
        self.markets[request.symbol].state = request.state
        return admin_pb2.SetMarketStateResponse(market=self.markets[request.symbol])

    async def SetMarketLimits(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("SetMarketLimits")
        self.markets[request.symbol].limits.MergeFrom(request.limits)
        return admin_pb2.SetMarketLimitsResponse(market=self.markets[request.symbol])

    async def CancelMarketOrders(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("CancelMarketOrders")
        canceled = min(self.open_orders, 256)
        self.open_orders -= canceled
        return admin_pb2.CancelMarketOrdersResponse(canceled=canceled, remaining=self.open_orders)

    async def SetFeeDiscount(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("SetFeeDiscount")
        self.discount = request.fee_discount
        return admin_pb2.SetFeeDiscountResponse(fee_discount=self.discount)

    async def ApplyBot(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("ApplyBot")
        if request.spec.market not in self.markets:
            text = f"there is no market {request.spec.market}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
        bot = self.bots.setdefault(request.bot_id, bots_pb2.Bot(bot_id=request.bot_id))
        bot.spec.CopyFrom(request.spec)
        bot.managed = True
        bot.generation = bot.observed_generation = request.generation
        bot.status = {
            bots_pb2.DESIRED_STATE_PAUSED: bots_pb2.BOT_STATUS_PAUSED,
            bots_pb2.DESIRED_STATE_STOPPED: bots_pb2.BOT_STATUS_STOPPED,
        }.get(request.spec.desired_state, bots_pb2.BOT_STATUS_RUNNING)
        bot.performance.profit_loss = bot.performance.profit_loss or "0"
        return bots_pb2.ApplyBotResponse(bot=bot)

    async def DeleteBot(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append("DeleteBot")
        self.bots.pop(request.bot_id, None)
        return bots_pb2.DeleteBotResponse()

    async def ListBots(self, request: Any, context: Any) -> Any:  # noqa: N802
        return bots_pb2.ListBotsResponse(bots=list(self.bots.values()))


@asynccontextmanager
async def tenant_services() -> AsyncIterator[TenantServices]:
    """Serves on a port of its own until the block ends."""
    server, services = grpc.aio.server(), TenantServices()
    admin_pb2_grpc.add_AdminServiceServicer_to_server(services, server)
    markets_pb2_grpc.add_MarketServiceServicer_to_server(services, server)
    bots_pb2_grpc.add_BotServiceServicer_to_server(services, server)
    services.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield services
    finally:
        await server.stop(0)
