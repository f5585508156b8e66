"""History beside a real exchange, whatever is killed, and asked by whoever may ask."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import psycopg
import pytest
from tests.support.market_site import SYMBOL, MarketSite
from tests.support.postgres import Database
from tests.support.redis import RedisServer
from tests.support.tokens import TokenIssuer
from tigerex.exchange.v1 import trading_pb2, types_pb2
from tigerex.history.v1 import history_pb2 as pb

from tigerex_platform.database import conninfo
from tigerex_platform.errors import InvalidField, NotFound, PermissionDenied, from_rpc_error
from tigerex_platform.ids import new_request_id

pytestmark = pytest.mark.integration

WAIT_S = 30.0
ADA, BOB = (("x-tigerex-user", "ada"),), (("x-tigerex-user", "bob"),)


@pytest.fixture
async def site(
    tmp_path: Path, database: Database, redis_server: RedisServer, issuer: TokenIssuer
) -> AsyncIterator[MarketSite]:
    site = MarketSite(tmp_path, database, redis_server, issuer)
    try:
        await site.start()
        site.history.start()
        yield site
    finally:
        await site.close()


class Traders:
    """Ada and Bob, who trade with each other."""

    def __init__(self, site: MarketSite, ada: int, bob: int) -> None:
        self.site, self.ada, self.bob = site, ada, bob
        self.trading = site.trading()

    @classmethod
    async def fund(cls, site: MarketSite) -> "Traders":
        ada, bob = [await site.fund(user, BTC="10", USDT="1000000") for user in ("ada", "bob")]
        return cls(site, ada, bob)

    async def place(self, account: int, side: str, **terms: str | int) -> types_pb2.Order:
        request = trading_pb2.PlaceOrderRequest(
            request_id=new_request_id(),
            account_id=account,
            market=SYMBOL,
            side=types_pb2.Side.Value(f"SIDE_{side}"),
            **{"type": types_pb2.ORDER_TYPE_LIMIT, "quantity": "0.01", **terms},
        )
        return (await self.trading.PlaceOrder(request)).order

    async def trade(self, rounds: int) -> None:
        """Ada rests, Bob takes half; every third of hers is canceled."""
        for number in range(rounds):
            order = await self.place(self.ada, "SELL", price=str(60_000 + number))
            await self.place(self.bob, "BUY", price=str(60_000 + number), quantity="0.005")
            if number % 3 == 0:
                await self.trading.CancelOrder(
                    trading_pb2.CancelOrderRequest(
                        request_id=new_request_id(), account_id=self.ada, order_id=order.order_id
                    )
                )

    async def truth(self, orders: list[types_pb2.Order]) -> list[types_pb2.Order]:
        """What the exchange itself says of these orders."""
        found = []
        for order in orders:
            request = trading_pb2.GetOrderRequest(
                account_id=order.account_id, order_id=order.order_id
            )
            found.append((await self.trading.GetOrder(request)).order)
        return found

    async def orders(self) -> list[types_pb2.Order]:
        request = pb.ListOrdersRequest(account_id=self.ada, market=SYMBOL, limit=1_000)
        answer = await self.site.history_of_users().ListOrders(request, metadata=ADA)
        return list(answer.orders)

    async def fills(self) -> list[pb.AccountFill]:
        request = pb.ListFillsRequest(account_id=self.ada, market=SYMBOL, limit=1_000)
        answer = await self.site.history_of_users().ListFills(request, metadata=ADA)
        return list(answer.fills)

    async def settled(self, orders: int, fills: int) -> None:
        """History has so many of Ada's orders and fills, and they are as the exchange says."""
        async with asyncio.timeout(WAIT_S):
            while (len(await self.orders()), len(await self.fills())) != (orders, fills):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            while (found := await self.orders()) != await self.truth(found):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        trades = [fill.fill.trade_id for fill in await self.fills()]
        assert trades == list(range(1, fills + 1))
        assert [order.order_id for order in found] == sorted(order.order_id for order in found)


async def test_killed_history_has_no_gap_and_no_double(
    site: MarketSite, redis_server: RedisServer
) -> None:
    await site.history.serving()
    traders = await Traders.fund(site)
    await traders.trade(6)
    await traders.settled(6, 6)
    site.history.kill()
    await traders.trade(4)
    redis_server.wipe()
    site.history.start()
    await site.history.serving()
    await traders.settled(10, 10)
    await traders.trade(3)
    assert await site.history.stop() == 0, site.history.text()
    site.exchange.kill()
    site.exchange.start()
    await site.exchange.serving()
    site.history.start()
    await site.history.serving()
    await traders.trade(2)
    await traders.settled(15, 15)
    await site.verify()


async def test_a_follower_is_told_what_happens_in_order(site: MarketSite) -> None:
    await site.history.serving()
    traders = await Traders.fund(site)
    await traders.trade(1)
    await traders.settled(1, 1)
    stub = site.history_of_users()
    stream = stub.Follow(pb.FollowRequest(account_id=traders.ada), metadata=ADA)
    live = (await stream.read()).live
    assert live.seq > 0
    resting = await traders.place(traders.ada, "SELL", price="61000", client_order_id="mine")
    await traders.place(traders.bob, "BUY", price="61000", quantity="0.004")
    await traders.trading.CancelOrder(
        trading_pb2.CancelOrderRequest(
            request_id=new_request_id(), account_id=traders.ada, order_id=resting.order_id
        )
    )
    oco = await traders.trading.PlaceOco(
        trading_pb2.PlaceOcoRequest(
            request_id=new_request_id(),
            account_id=traders.ada,
            market=SYMBOL,
            side=types_pb2.SIDE_SELL,
            quantity="0.01",
            limit=trading_pb2.OcoLimit(price="62000"),
            stop=trading_pb2.OcoStop(stop_price="50000"),
            client_list_id="pair",
        )
    )
    await traders.place(traders.bob, "BUY", price="62000")
    await site.fund("ada", USDT="7.5")
    updates: list[pb.AccountUpdate] = []
    async with asyncio.timeout(WAIT_S):
        while not updates or not updates[-1].HasField("balance"):
            updates.append((await stream.read()).update)
    stream.cancel()
    assert min(update.seq for update in updates) > live.seq
    assert [update.seq for update in updates] == sorted(update.seq for update in updates)
    told = [
        (pb.Execution.Name(u.order.execution).removeprefix("EXECUTION_"), u.order.order.order_id)
        if u.HasField("order")
        else u.WhichOneof("change")
        for u in updates
    ]
    limit, stop = (order.order_id for order in oco.list.orders)
    assert told[:6] == [
        ("NEW", resting.order_id),
        ("TRADE", resting.order_id),
        ("CANCELED", resting.order_id),
        ("NEW", limit),
        ("NEW", stop),
        "list",
    ]
    assert sorted(map(str, told[6:])) == sorted(
        map(str, [("TRADE", limit), ("CANCELED", stop), "list", "balance"])
    )
    new, traded, canceled = (update.order for update in updates[:3])
    assert new.order == resting, "as the answer to the order told it"
    assert updates[0].changed_assets == ["BTC"]
    assert traded.order.status == types_pb2.ORDER_STATUS_PARTIALLY_FILLED
    fill = traded.fill
    assert (fill.fill.price, fill.fill.quantity, fill.notional) == ("61000", "0.004", "244")
    assert (fill.fill.maker, fill.side, fill.order_id) == (True, 2, resting.order_id)
    assert updates[1].changed_assets == ["BTC", "USDT"]
    assert canceled.order == (await traders.truth([resting]))[0]
    begun, done = (update.list.list for update in updates if update.HasField("list"))
    assert begun == oco.list
    assert done.status == types_pb2.ORDER_LIST_STATUS_ALL_DONE
    assert list(done.orders) == await traders.truth(list(oco.list.orders))
    assert (updates[-1].balance.asset, updates[-1].balance.amount) == ("USDT", "7.5")
    request = pb.ListOrderListsRequest(account_id=traders.ada)
    lists = (await stub.ListOrderLists(request, metadata=ADA)).lists
    assert list(lists) == [done]


async def test_what_is_not_the_callers_is_refused(site: MarketSite) -> None:
    await site.history.serving()
    traders = await Traders.fund(site)
    await traders.trade(1)
    await traders.settled(1, 1)
    stub = site.history_of_users()
    asked = [
        (stub.ListOrders, pb.ListOrdersRequest(account_id=traders.ada, market=SYMBOL)),
        (stub.ListFills, pb.ListFillsRequest(account_id=traders.ada, market=SYMBOL)),
        (stub.ListOrderLists, pb.ListOrderListsRequest(account_id=traders.ada)),
    ]
    for method, request in asked:
        for metadata in (BOB, ()):  # a foreign user, and the gateway in its own name
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await method(request, metadata=metadata)
            assert isinstance(from_rpc_error(refused.value), PermissionDenied)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Follow(pb.FollowRequest(account_id=traders.ada), metadata=BOB).read()
    assert isinstance(from_rpc_error(refused.value), PermissionDenied)
    for error, fields in (
        (NotFound, {"market": "no-such"}),
        (InvalidField, {"market": SYMBOL, "limit": 1_001}),
        (InvalidField, {"market": SYMBOL, "limit": -1}),
        (InvalidField, {"market": SYMBOL, "from_order_id": -1}),
        (InvalidField, {"market": SYMBOL, "start_ns": 5, "end_ns": 5}),
    ):
        request = pb.ListOrdersRequest(account_id=traders.ada, **fields)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListOrders(request, metadata=ADA)
        assert isinstance(from_rpc_error(refused.value), error), fields


async def test_rows_of_another_journal_are_rebuilt(
    site: MarketSite, database: Database, issuer: TokenIssuer
) -> None:
    await site.history.serving()
    traders = await Traders.fund(site)
    await traders.trade(3)
    await traders.settled(3, 3)
    assert await site.history.stop() == 0
    settings = issuer.settings(
        "history",
        database_url=database.url_of("history"),
        database_password_file=database.role_password_file("history"),
    )
    with psycopg.connect(conninfo(settings)) as connection:
        connection.execute("UPDATE folded SET last_seq = 1000000")
    site.history.start()
    await site.history.serving()
    await traders.settled(3, 3)
    assert "rebuilding from the journal" in site.history.text()
