"""Services behind a gateway under test: real gRPC servers that keep what they were asked.

They answer from what a test puts into them, so that what the gateway sends on, and what it makes of
answers and errors, can be seen exactly.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2_grpc
from tigerex.bots.v1 import bots_pb2, bots_pb2_grpc
from tigerex.exchange.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    markets_pb2,
    markets_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
)
from tigerex.history.v1 import history_pb2, history_pb2_grpc
from tigerex.marketdata.v1 import marketdata_pb2, marketdata_pb2_grpc

from tigerex_platform.errors import NotFound, TigerExError, to_rpc_status

MARKET = types_pb2.Market(
    symbol="btc-usdt",
    base_asset="BTC",
    quote_asset="USDT",
    tick_size="0.01",
    lot_size="0.00001",
    max_price="1000000",
    max_quantity="1000",
    min_notional="5",
    state=types_pb2.MARKET_STATE_OPEN,
    market_id=1,
    limits=types_pb2.MarketLimits(
        min_price="0.01",
        min_quantity="0.00001",
        min_notional="5",
        max_notional="0",
        max_orders=200,
        max_position="0",
        bid_multiplier_up="1.2",
        breaker_move="0.1",
        breaker_window_ns=60_000_000_000,
        self_trade_mode=types_pb2.SELF_TRADE_MODE_EXPIRE_TAKER,
    ),
)
BOT_ID = "5f0c7a52-33f0-4ab0-9c7b-5c2d9f0c8f11"


@dataclass(frozen=True)
class Call:
    method: str
    request: Message
    user: str
    valid_until_ms: int = 0


@dataclass
class Follow:
    """One call of Follow: what it is told, and whether it still listens. An error ends it."""

    user: str
    account_id: int
    queue: "asyncio.Queue[history_pb2.AccountUpdate | TigerExError]" = field(
        default_factory=asyncio.Queue
    )
    open: bool = True

    def tell(self, update: history_pb2.AccountUpdate) -> None:
        self.queue.put_nowait(update)

    def end(self, error: TigerExError) -> None:
        self.queue.put_nowait(error)


@dataclass
class Upstreams:
    """What the services were asked, and what they answer."""

    calls: list[Call] = field(default_factory=list)
    answers: dict[str, Message] = field(default_factory=dict)
    errors: dict[str, TigerExError] = field(default_factory=dict)
    streams: list[asyncio.Queue[marketdata_pb2.SubscribeResponse | None]] = field(
        default_factory=list
    )
    follows: list["Follow"] = field(default_factory=list)
    follow_seq: int = 10  # after which a follower is told

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    async def answer(
        self,
        method: str,
        request: Message,
        context: grpc.aio.ServicerContext,
        default: Message,
        error: TigerExError | None = None,
    ) -> Message:
        """The answer that a test asks for, else the default; `error`, else the test's, if any."""
        metadata = dict(context.invocation_metadata() or ())
        user = str(metadata.get("x-tigerex-user", ""))
        until_ms = int(metadata.get("x-tigerex-valid-until", 0))
        self.calls.append(Call(method, request, user, until_ms))
        error = error or self.errors.get(method)
        if error is not None:
            await _abort(context, error)
        return self.answers.get(method, default)


async def _abort(context: grpc.aio.ServicerContext, error: TigerExError) -> None:
    status = to_rpc_status(error)
    await context.abort(
        next(c for c in grpc.StatusCode if c.value[0] == status.code),
        status.message,
        (("grpc-status-details-bin", status.SerializeToString()),),
    )


def _servicer(base: type, upstreams: Upstreams, defaults: dict[str, Message]) -> object:
    """A servicer that answers every method of its service from `upstreams`."""

    def method(name: str, default: Message):
        async def handle(self, request, context):
            error = None
            if name in ("GetMarket", "GetDepth") and not _known(request):
                error = NotFound("market", getattr(request, "symbol", ""))
            return await upstreams.answer(name, request, context, default, error)

        return handle

    bodies = {name: method(name, default) for name, default in defaults.items()}
    if base is marketdata_pb2_grpc.MarketDataServiceServicer:
        bodies["Subscribe"] = _subscribe(upstreams)
    if base is history_pb2_grpc.HistoryServiceServicer:
        bodies["Follow"] = _follow(upstreams)
    return type(base.__name__, (base,), bodies)()


def _known(request: Message) -> bool:
    return (getattr(request, "symbol", "") or getattr(request, "market", "")) == MARKET.symbol


def _subscribe(upstreams: Upstreams):
    async def subscribe(self, request, context):
        upstreams.calls.append(Call("Subscribe", request, ""))
        await context.send_initial_metadata(())
        queue: asyncio.Queue[marketdata_pb2.SubscribeResponse | None] = asyncio.Queue()
        upstreams.streams.append(queue)
        while (event := await queue.get()) is not None:
            yield event

    return subscribe


def _follow(upstreams: Upstreams):
    async def follow(self, request, context):
        if "Follow" in upstreams.errors:
            await _abort(context, upstreams.errors["Follow"])
        metadata = dict(context.invocation_metadata() or ())
        made = Follow(str(metadata.get("x-tigerex-user", "")), request.account_id)
        upstreams.follows.append(made)
        try:
            live = history_pb2.Live(seq=upstreams.follow_seq)
            yield history_pb2.FollowResponse(live=live)
            while True:
                told = await made.queue.get()
                if isinstance(told, TigerExError):
                    await _abort(context, told)
                yield history_pb2.FollowResponse(update=told)
        finally:
            made.open = False

    return follow


def bot(**changes: object) -> bots_pb2.Bot:
    message = bots_pb2.Bot(
        bot_id=BOT_ID,
        spec=bots_pb2.BotSpec(
            name="my-grid",
            market="btc-usdt",
            config=bots_pb2.BotConfig(
                spot_grid=bots_pb2.SpotGridConfig(
                    lower_price="59000",
                    upper_price="61000",
                    levels=21,
                    spacing=bots_pb2.GRID_SPACING_ARITHMETIC,
                    investment="1000",
                )
            ),
            isolation=bots_pb2.ISOLATION_SHARED,
            user="ann",
        ),
        status=bots_pb2.BOT_STATUS_CREATED,
        generation=1,
        performance=bots_pb2.BotPerformance(total_value="1000", profit_loss="-1.5", roi="-0.0015"),
    )
    message.MergeFrom(bots_pb2.Bot(**changes))
    return message


def order() -> types_pb2.Order:
    return types_pb2.Order(
        order_id=7,
        account_id=5,
        market="btc-usdt",
        side=types_pb2.SIDE_BUY,
        type=types_pb2.ORDER_TYPE_LIMIT,
        time_in_force=types_pb2.TIME_IN_FORCE_GTC,
        price="60000.00",
        quantity="0.00100",
        filled_quantity="0",
        filled_notional="0",
        status=types_pb2.ORDER_STATUS_NEW,
        created_ns=1_700_000_000_123_456_789,
    )


def _defaults() -> dict[type, dict[str, Message]]:
    main = types_pb2.Account(account_id=5, user="ann", name="main", kind=1)
    return {
        markets_pb2_grpc.MarketServiceServicer: {
            "ListMarkets": markets_pb2.ListMarketsResponse(markets=[MARKET]),
            "GetMarket": markets_pb2.GetMarketResponse(market=MARKET),
        },
        accounts_pb2_grpc.AccountServiceServicer: {
            "ListAccounts": accounts_pb2.ListAccountsResponse(accounts=[main]),
            "GetBalances": accounts_pb2.GetBalancesResponse(
                balances=[types_pb2.Balance(asset="USDT", available="1000.5", held="0")], seq=9
            ),
            "GetFees": accounts_pb2.GetFeesResponse(maker_fee="0.001", taker_fee="0.0025", seq=9),
        },
        trading_pb2_grpc.TradingServiceServicer: {
            "PlaceOrder": trading_pb2.PlaceOrderResponse(
                order=order(), seq=12, time_ns=1_700_000_000_123_456_789
            ),
            "CancelOrder": trading_pb2.CancelOrderResponse(order=order(), seq=13, time_ns=1),
            "GetOrder": trading_pb2.GetOrderResponse(order=order()),
            "GetOrderList": trading_pb2.GetOrderListResponse(
                list=types_pb2.OrderList(list_id=3, market="btc-usdt", orders=[order()])
            ),
            "ListOpenOrders": trading_pb2.ListOpenOrdersResponse(orders=[order()], seq=12),
        },
        bots_pb2_grpc.BotServiceServicer: {
            "ListBotTypes": bots_pb2.ListBotTypesResponse(
                types=[bots_pb2.BotTypeInfo(name="spot-grid", description="A grid.")]
            ),
            "CreateBot": bots_pb2.CreateBotResponse(bot=bot()),
            "GetBot": bots_pb2.GetBotResponse(bot=bot()),
            "ListBots": bots_pb2.ListBotsResponse(bots=[bot()]),
            "UpdateBot": bots_pb2.UpdateBotResponse(bot=bot()),
            "DeleteBot": bots_pb2.DeleteBotResponse(),
            "SetDesiredState": bots_pb2.SetDesiredStateResponse(bot=bot()),
            "ListBotTrades": bots_pb2.ListBotTradesResponse(),
            "ListBotPerformance": bots_pb2.ListBotPerformanceResponse(),
        },
        history_pb2_grpc.HistoryServiceServicer: {
            "ListOrders": history_pb2.ListOrdersResponse(orders=[order()]),
            "ListFills": history_pb2.ListFillsResponse(),
            "ListOrderLists": history_pb2.ListOrderListsResponse(),
        },
        marketdata_pb2_grpc.MarketDataServiceServicer: {
            "ListTrades": marketdata_pb2.ListTradesResponse(),
            "ListAggregateTrades": marketdata_pb2.ListAggregateTradesResponse(),
            "ListCandles": marketdata_pb2.ListCandlesResponse(),
            "ListStatistics": marketdata_pb2.ListStatisticsResponse(),
            "GetTopOfBook": marketdata_pb2.GetTopOfBookResponse(
                top=marketdata_pb2.TopOfBook(market="btc-usdt", seq=3)
            ),
            "ListTopsOfBook": marketdata_pb2.ListTopsOfBookResponse(
                tops=[marketdata_pb2.TopOfBook(market="btc-usdt", seq=3)]
            ),
            "GetDepth": marketdata_pb2.GetDepthResponse(
                depth=marketdata_pb2.Depth(
                    market="btc-usdt",
                    bids=[marketdata_pb2.PriceLevel(price="59999.99", quantity="0.5")],
                    seq=3,
                    time_ns=1_700_000_000_000_000_000,
                )
            ),
        },
    }


_ADD = {
    markets_pb2_grpc.MarketServiceServicer: markets_pb2_grpc.add_MarketServiceServicer_to_server,
    accounts_pb2_grpc.AccountServiceServicer: (
        accounts_pb2_grpc.add_AccountServiceServicer_to_server
    ),
    trading_pb2_grpc.TradingServiceServicer: trading_pb2_grpc.add_TradingServiceServicer_to_server,
    bots_pb2_grpc.BotServiceServicer: bots_pb2_grpc.add_BotServiceServicer_to_server,
    history_pb2_grpc.HistoryServiceServicer: history_pb2_grpc.add_HistoryServiceServicer_to_server,
    marketdata_pb2_grpc.MarketDataServiceServicer: (
        marketdata_pb2_grpc.add_MarketDataServiceServicer_to_server
    ),
}


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Upstreams, grpc.aio.Channel]]:
    """All services on one port, and a channel to it."""
    upstreams = Upstreams()
    server = grpc.aio.server()
    for base, defaults in _defaults().items():
        _ADD[base](_servicer(base, upstreams, defaults), server)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield upstreams, channel
    finally:
        await server.stop(0)
