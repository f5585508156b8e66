"""Subscriptions over a real connection: who reads nothing is ended, the others are not."""

import asyncio

import grpc
import pytest
from tests.support.market_core import MarketCore
from tests.support.tokens import TokenIssuer
from tigerex.marketdata.v1 import marketdata_pb2 as pb
from tigerex.marketdata.v1 import marketdata_pb2_grpc

from tigerex_core.records import Side
from tigerex_platform.clock import ManualClock
from tigerex_platform.errors import from_rpc_error
from tigerex_platform.grpc.client import channel
from tigerex_platform.grpc.server import GrpcServer
from tigerex_services.marketdata.fold import Fold
from tigerex_services.marketdata.hub import QUEUE_EVENTS_MAX, Hub
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.publisher import Publisher
from tigerex_services.marketdata.service import MarketDataService
from tigerex_services.marketdata.servicer import SERVICE, MarketDataServicer, add_to_server
from tigerex_services.marketdata.storage import Storage
from tigerex_services.permissions import TABLE

pytestmark = pytest.mark.integration

TRADES_A_BATCH = 100


async def test_a_slow_subscriber_is_ended_and_the_others_go_on(
    issuer: TokenIssuer, storage: Storage
) -> None:
    world, fold, hub = MarketCore(), Fold(), Hub()
    for batch in world.batches:
        fold.apply(batch)
    publisher = Publisher(fold, hub)
    service = MarketDataService(fold, Pending(), storage, hub, ManualClock())
    servicer = (add_to_server, MarketDataServicer(service), SERVICE)
    async with (
        GrpcServer(issuer.settings("marketdata"), TABLE, None, [servicer]) as server,
        channel(issuer.settings("gateway"), server.address) as slow_channel,
        channel(issuer.settings("gateway"), server.address) as quick_channel,
    ):
        slow, quick = (
            marketdata_pb2_grpc.MarketDataServiceStub(opened).Subscribe(
                pb.SubscribeRequest(markets=["btc-usdt"], channels=[wanted])
            )
            for opened, wanted in (
                (slow_channel, pb.CHANNEL_TRADES),
                (quick_channel, pb.CHANNEL_TOP),
            )
        )
        await slow.initial_metadata()
        await quick.initial_metadata()
        # In one go: the connection's own buffers, which are large, cannot take any of it.
        for _ in range(QUEUE_EVENTS_MAX // TRADES_A_BATCH + 1):
            orders = []
            for _ in range(TRADES_A_BATCH):
                orders.append(world.order(world.house.maker, Side.SELL, 100, 1))
                orders.append(world.order(world.house.taker, Side.BUY, 100, 1, ioc=True))
            world.apply(*orders)
            publisher.publish(fold.apply(world.batches[-1]))
        async with asyncio.timeout(10):
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                async for _ in slow:
                    pass
        assert ended.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert from_rpc_error(ended.value).code == "SLOW_SUBSCRIBER"
        world.apply(world.order(world.house.maker, Side.BUY, 90, 7))
        publisher.publish(fold.apply(world.batches[-1]))
        async with asyncio.timeout(10):
            event = await quick.read()
            while not event.top.HasField("bid"):
                event = await quick.read()
        assert (event.top.bid.price, event.top.bid.quantity) == ("0.9", "0.00007")
        quick.cancel()
        async with asyncio.timeout(10):
            while len(hub):  # noqa: ASYNC110 - the server notices the cancellation by itself
                await asyncio.sleep(0.05)
    world.check_sound()
