"""A real server and real clients over a real socket: every way in, and every way to be refused."""

import asyncio
import time
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.support.tokens import TokenIssuer
from tigerex.exchange.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    markets_pb2,
    markets_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
)
from tigerex.marketdata.v1 import marketdata_pb2, marketdata_pb2_grpc

from tigerex_platform import errors
from tigerex_platform.auth import ApiKey, current_principal
from tigerex_platform.auth.hmac_signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signed_headers,
)
from tigerex_platform.errors import from_rpc_error
from tigerex_platform.grpc import calls
from tigerex_platform.grpc.client import acting_for, channel, signed_channel
from tigerex_platform.grpc.options import MESSAGE_BYTES_MAX
from tigerex_platform.grpc.server import GrpcServer
from tigerex_platform.settings import Settings
from tigerex_services.permissions import TABLE

pytestmark = pytest.mark.integration

PLACE = "/tigerex.exchange.v1.TradingService/PlaceOrder"
SECRET = "the secret of a test"
KEYS = {
    "trader": ApiKey("trader", "ann", 7, frozenset({"read", "trade"}), SECRET),
    "reader": ApiKey("reader", "bob", 8, frozenset({"read"}), SECRET),
}


class Keys:
    async def lookup(self, key: str) -> ApiKey | None:
        return KEYS.get(key)


class Trading(trading_pb2_grpc.TradingServiceServicer):
    """Answers who called, or does what the client order id says."""

    def __init__(self) -> None:
        self.calls = 0

    async def PlaceOrder(self, request, context):  # noqa: N802
        self.calls += 1
        match request.client_order_id:
            case "refuse":
                raise errors.Refused("INSUFFICIENT_BALANCE", "5 USDT are needed", field="quantity")
            case "crash":
                raise KeyError("password=hunter2 in a stack trace")
            case "database":
                raise psycopg.OperationalError("server closed the connection")
            case "sleep":
                await asyncio.sleep(60)
            case "flaky" if self.calls < 3:
                raise errors.Unavailable("standing by")
            case "abort":
                await context.abort(grpc.StatusCode.OUT_OF_RANGE, "by hand")
        caller = current_principal()
        order = types_pb2.Order(
            client_order_id=f"{caller.kind}:{caller.name}:{caller.user}", account_id=caller.user_id
        )
        return trading_pb2.PlaceOrderResponse(order=order, seq=self.calls)

    async def ListOpenOrders(self, request, context):  # noqa: N802
        order = types_pb2.Order(client_order_id="x" * (MESSAGE_BYTES_MAX + 1))
        return trading_pb2.ListOpenOrdersResponse(orders=[order])


class MarketData(marketdata_pb2_grpc.MarketDataServiceServicer):
    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def Subscribe(self, request, context):  # noqa: N802
        try:
            for n in range(3):
                name = current_principal().name
                trade = marketdata_pb2.Trade(market=name, trade_id=n)
                yield marketdata_pb2.SubscribeResponse(trade=trade)
            if "slow" in request.markets:
                raise errors.RateLimited("too slow", code="TOO_SLOW")
            await asyncio.Event().wait()
        finally:
            self.ended.set()


class Admin(admin_pb2_grpc.AdminServiceServicer):
    pass


class Markets(markets_pb2_grpc.MarketServiceServicer):
    async def GetMarket(self, request, context):  # noqa: N802
        raise errors.NotFound("market", request.symbol)


@pytest.fixture
def trading() -> Trading:
    return Trading()


@pytest.fixture
def market_data() -> MarketData:
    return MarketData()


@pytest.fixture
async def server(
    issuer: TokenIssuer, trading: Trading, market_data: MarketData
) -> AsyncIterator[GrpcServer]:
    servicers = [
        (
            trading_pb2_grpc.add_TradingServiceServicer_to_server,
            trading,
            "tigerex.exchange.v1.TradingService",
        ),
        (
            admin_pb2_grpc.add_AdminServiceServicer_to_server,
            Admin(),
            "tigerex.exchange.v1.AdminService",
        ),
        (
            markets_pb2_grpc.add_MarketServiceServicer_to_server,
            Markets(),
            "tigerex.exchange.v1.MarketService",
        ),
        (
            marketdata_pb2_grpc.add_MarketDataServiceServicer_to_server,
            market_data,
            "tigerex.marketdata.v1.MarketDataService",
        ),
    ]
    async with GrpcServer(issuer.settings("exchange"), TABLE, Keys(), servicers) as running:
        yield running


@pytest.fixture
async def bare(server: GrpcServer) -> AsyncIterator[grpc.aio.Channel]:
    """A channel that adds nothing."""
    async with grpc.aio.insecure_channel(server.address) as opened:
        yield opened


def internal(issuer: TokenIssuer, server: GrpcServer, role: str) -> grpc.aio.Channel:
    return channel(issuer.settings(role), server.address)


def external(server: GrpcServer, key: str = "trader", secret: str = SECRET) -> grpc.aio.Channel:
    return signed_channel(server.address, key, secret)


async def place(opened: grpc.aio.Channel, what: str = "", **options: object):
    stub = trading_pb2_grpc.TradingServiceStub(opened)
    return await stub.PlaceOrder(trading_pb2.PlaceOrderRequest(client_order_id=what), **options)


async def refused(call) -> errors.TigerExError:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return from_rpc_error(failed.value)


# Who calls


async def test_an_internal_caller_is_known_by_its_role(
    issuer: TokenIssuer, server: GrpcServer
) -> None:
    async with internal(issuer, server, "runner") as opened:
        assert (await place(opened)).order.client_order_id == "internal:runner:"


async def test_the_gateway_acts_for_a_user(issuer: TokenIssuer, server: GrpcServer) -> None:
    async with internal(issuer, server, "gateway") as opened:
        answer = await place(opened, metadata=acting_for("ann"))
        assert answer.order.client_order_id == "internal:gateway:ann"
        error = await refused(place(opened))
        assert isinstance(error, errors.PermissionDenied)
        assert "x-tigerex-user" in error.message


async def test_no_other_role_acts_for_a_user(issuer: TokenIssuer, server: GrpcServer) -> None:
    async with internal(issuer, server, "runner") as opened:
        error = await refused(place(opened, metadata=acting_for("ann")))
        assert isinstance(error, errors.PermissionDenied)


async def test_an_external_caller_is_known_by_its_key(server: GrpcServer) -> None:
    async with external(server) as opened:
        for _ in range(3):
            order = (await place(opened)).order
            assert (order.client_order_id, order.account_id) == ("external:trader:ann", 7)


async def test_permissions_of_a_key(server: GrpcServer) -> None:
    async with external(server, "reader") as opened:
        error = await refused(place(opened))
        assert (type(error), error.code) == (errors.PermissionDenied, "MISSING_PERMISSION")
        assert "'trade'" in error.message


async def test_admin_calls_are_not_for_keys_or_the_gateway(
    issuer: TokenIssuer, server: GrpcServer
) -> None:
    for opened in (external(server), internal(issuer, server, "gateway")):
        async with opened:
            stub = admin_pb2_grpc.AdminServiceStub(opened)
            error = await refused(stub.Deposit(admin_pb2.DepositRequest()))
            assert isinstance(error, errors.PermissionDenied)


async def test_nobody_is_refused(bare: grpc.aio.Channel) -> None:
    error = await refused(place(bare))
    assert isinstance(error, errors.Unauthenticated)
    assert "authorization" in error.message


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": ["tigerex:other"]}, "audience"),
        ({"exp": 1_000_000_000, "nbf": None}, "expired"),
        ({"sub": "system:serviceaccount:other:runner"}, "tenant"),
    ],
)
async def test_tokens_that_are_refused(
    bare: grpc.aio.Channel, issuer: TokenIssuer, claims: dict[str, object], why: str
) -> None:
    bearer = f"Bearer {issuer.token('runner', **claims)}"
    error = await refused(place(bare, metadata=(("authorization", bearer),)))
    assert (type(error), error.code) == (errors.Unauthenticated, "INVALID_TOKEN")
    assert why in error.message
    assert error.field == "authorization"


async def signed(
    bare: grpc.aio.Channel, *, at_ms: int | None = None, **changes: str
) -> errors.TigerExError | None:
    """Sends one request with hand-made headers, changed after they were made."""
    request = trading_pb2.PlaceOrderRequest(market="btc-usdt")
    now_ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    headers = signed_headers(
        "trader", SECRET, PLACE, request.SerializeToString(), timestamp_ms=now_ms
    )
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    stub = trading_pb2_grpc.TradingServiceStub(bare)
    try:
        await stub.PlaceOrder(request, metadata=tuple(headers.items()))
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error)
    return None


async def test_signatures(bare: grpc.aio.Channel, server: GrpcServer) -> None:
    now_ms = time.time_ns() // 1_000_000 + 50  # after the server's start, whatever the rounding
    assert await signed(bare, at_ms=now_ms) is None
    codes = [
        (await signed(bare, at_ms=now_ms), "REPLAYED_SIGNATURE", SIGNATURE_HEADER),
        (
            await signed(bare, x_tigerex_signature="0" * 64),
            "INVALID_SIGNATURE",
            SIGNATURE_HEADER,
        ),
        (await signed(bare, x_tigerex_key="nobody"), "INVALID_SIGNATURE", SIGNATURE_HEADER),
        (await signed(bare, at_ms=now_ms - 3_600_000), "TIMESTAMP_BEFORE_START", TIMESTAMP_HEADER),
        (
            await signed(bare, at_ms=now_ms + 60_000),
            "TIMESTAMP_OUTSIDE_WINDOW",
            TIMESTAMP_HEADER,
        ),
        (await signed(bare, authorization="Bearer x"), "UNAUTHENTICATED", ""),
        (await signed(bare, x_tigerex_user="bob"), "UNAUTHENTICATED", "x-tigerex-user"),
    ]
    for error, code, field in codes:
        assert isinstance(error, errors.Unauthenticated)
        assert (error.code, error.field) == (code, field)


async def test_without_a_key_store_keys_are_refused(issuer: TokenIssuer) -> None:
    async with (
        GrpcServer(
            issuer.settings("feed"),
            TABLE,
            None,
            [
                (
                    trading_pb2_grpc.add_TradingServiceServicer_to_server,
                    Trading(),
                    "tigerex.exchange.v1.TradingService",
                )
            ],
        ) as running,
        external(running) as opened,
    ):
        assert isinstance(await refused(place(opened)), errors.Unauthenticated)


# What goes wrong


async def test_a_typed_error_comes_back_as_itself(issuer: TokenIssuer, server: GrpcServer) -> None:
    async with internal(issuer, server, "runner") as opened:
        error = await refused(place(opened, "refuse"))
        assert isinstance(error, errors.Refused)
        assert (error.code, error.field) == ("INSUFFICIENT_BALANCE", "quantity")
        stub = markets_pb2_grpc.MarketServiceStub(opened)
        missing = await refused(stub.GetMarket(markets_pb2.GetMarketRequest(symbol="doge-usdt")))
        assert missing.metadata() == {"kind": "market", "name": "doge-usdt"}


async def test_a_fault_of_ours_is_told_by_an_id_only(
    issuer: TokenIssuer, server: GrpcServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with internal(issuer, server, "runner") as opened:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await place(opened, "crash")
    error = from_rpc_error(failed.value)
    assert isinstance(error, errors.Internal)
    told = repr(failed.value) + str(failed.value.trailing_metadata())
    assert "KeyError" not in told
    assert "hunter2" not in told
    record = next(item for item in caplog.records if hasattr(item, "correlation_id"))
    assert record.correlation_id == error.correlation_id
    assert record.exc_info


async def test_a_store_that_is_away_is_temporary(issuer: TokenIssuer, server: GrpcServer) -> None:
    async with internal(issuer, server, "runner") as opened:
        assert isinstance(await refused(place(opened, "database")), errors.Unavailable)


async def test_an_abort_of_the_servicer_stands(issuer: TokenIssuer, server: GrpcServer) -> None:
    async with internal(issuer, server, "runner") as opened:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await place(opened, "abort")
        assert failed.value.code() is grpc.StatusCode.OUT_OF_RANGE


async def test_unknown_methods(bare: grpc.aio.Channel, issuer: TokenIssuer) -> None:
    method = bare.unary_unary("/tigerex.exchange.v1.TradingService/Steal")
    error = await refused(method(b""))
    assert (type(error), error.code) == (errors.Refused, "UNIMPLEMENTED")


async def test_garbage_is_an_invalid_request(bare: grpc.aio.Channel, issuer: TokenIssuer) -> None:
    method = bare.unary_unary(PLACE)
    metadata = (("authorization", f"Bearer {issuer.token('runner')}"),)
    error = await refused(method(b"\xff\xff\xff", metadata=metadata))
    assert isinstance(error, errors.InvalidField)
    assert error.field == "request"


async def test_large_messages_are_refused_both_ways(
    issuer: TokenIssuer, server: GrpcServer, bare: grpc.aio.Channel
) -> None:
    metadata = (("authorization", f"Bearer {issuer.token('runner')}"),)
    error = await refused(place(bare, "x" * (10 << 20), metadata=metadata))
    assert isinstance(error, errors.TooLarge)
    async with internal(issuer, server, "runner") as opened:
        stub = trading_pb2_grpc.TradingServiceStub(opened)
        answer = stub.ListOpenOrders(trading_pb2.ListOpenOrdersRequest())
        assert isinstance(await refused(answer), errors.TooLarge)


async def test_deadlines(
    issuer: TokenIssuer, server: GrpcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with internal(issuer, server, "runner") as opened:
        assert isinstance(
            await refused(place(opened, "sleep", timeout=0.2)), errors.DeadlineExceeded
        )
    # A caller that sets none gets the server's.
    monkeypatch.setattr(calls, "UNARY_DEADLINE_S_MAX", 0.2)
    async with grpc.aio.insecure_channel(server.address) as opened:
        metadata = (("authorization", f"Bearer {issuer.token('feed')}"),)
        error = await refused(place(opened, "sleep", metadata=metadata))
        assert isinstance(error, errors.DeadlineExceeded)


async def test_internal_calls_are_retried_while_the_server_stands_by(
    issuer: TokenIssuer, server: GrpcServer, trading: Trading
) -> None:
    async with internal(issuer, server, "runner") as opened:
        assert (await place(opened, "flaky")).seq == 3
    trading.calls = 0
    async with external(server) as opened:
        assert isinstance(await refused(place(opened, "flaky")), errors.Unavailable)
    assert trading.calls == 1


# Streams, health, life


async def test_a_subscription_and_its_end(
    server: GrpcServer, market_data: MarketData, issuer: TokenIssuer
) -> None:
    async with external(server, "reader") as opened:
        stub = marketdata_pb2_grpc.MarketDataServiceStub(opened)
        stream = stub.Subscribe(marketdata_pb2.SubscribeRequest())
        seen = [(await stream.read()).trade for _ in range(3)]
        assert [(trade.market, trade.trade_id) for trade in seen] == [
            ("reader", 0),
            ("reader", 1),
            ("reader", 2),
        ]
        stream.cancel()
        await asyncio.wait_for(market_data.ended.wait(), 5)
    async with internal(issuer, server, "gateway") as opened:
        stub = marketdata_pb2_grpc.MarketDataServiceStub(opened)
        stream = stub.Subscribe(marketdata_pb2.SubscribeRequest(markets=["slow"]))
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            async for _ in stream:
                pass
        error = from_rpc_error(failed.value)
        assert (type(error), error.code) == (errors.RateLimited, "TOO_SLOW")


async def test_a_subscription_needs_permission_too(bare: grpc.aio.Channel) -> None:
    stub = marketdata_pb2_grpc.MarketDataServiceStub(bare)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.Subscribe(marketdata_pb2.SubscribeRequest()).read()
    assert isinstance(from_rpc_error(failed.value), errors.Unauthenticated)


async def test_health_and_reflection_need_no_caller(
    server: GrpcServer, bare: grpc.aio.Channel
) -> None:
    stub = health_pb2_grpc.HealthStub(bare)
    request = health_pb2.HealthCheckRequest()
    assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
    await server.set_serving(False)
    assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    reflection = reflection_pb2_grpc.ServerReflectionStub(bare)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in reflection.ServerReflectionInfo(iter([asked])):
        names = {service.name for service in answer.list_services_response.service}
        assert "tigerex.exchange.v1.TradingService" in names


async def test_a_drain_lets_running_calls_end_and_takes_no_new_ones(
    issuer: TokenIssuer, trading: Trading
) -> None:
    gate = asyncio.Event()

    class Gated(Trading):
        async def PlaceOrder(self, request, context):  # noqa: N802
            await gate.wait()
            return await super().PlaceOrder(request, context)

    server = GrpcServer(
        issuer.settings("exchange"),
        TABLE,
        None,
        [
            (
                trading_pb2_grpc.add_TradingServiceServicer_to_server,
                Gated(),
                "tigerex.exchange.v1.TradingService",
            )
        ],
    )
    await server.start()
    async with internal(issuer, server, "runner") as opened:
        running = asyncio.create_task(place(opened))
        await asyncio.sleep(0.2)
        stopping = asyncio.create_task(server.stop(5))
        await asyncio.sleep(0.2)
        assert not stopping.done()
        gate.set()
        assert (await running).order.client_order_id == "internal:runner:"
        await asyncio.wait_for(stopping, 5)


async def test_a_drain_ends_subscriptions_at_once_so_that_they_move_on(
    server: GrpcServer, market_data: MarketData
) -> None:
    async with external(server, "reader") as opened:
        stub = marketdata_pb2_grpc.MarketDataServiceStub(opened)
        stream = stub.Subscribe(marketdata_pb2.SubscribeRequest())
        for _ in range(3):
            await stream.read()
        async with asyncio.timeout(5):
            await server.stop(10)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stream.read()
        error = from_rpc_error(failed.value)
        assert isinstance(error, errors.Unavailable)
        assert error.code == "SUBSCRIPTION_ENDED"
        assert market_data.ended.is_set()


async def test_calls_are_measured_by_method_and_status(
    issuer: TokenIssuer, server: GrpcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Recorder:
        def record(self, _seconds: float, labels: dict[str, str]) -> None:
            if labels["rpc.method"] == PLACE[1:]:
                seen.append(labels["rpc.response.status_code"])

    monkeypatch.setattr(calls.metrics, "RPC_SERVER_DURATION", Recorder())
    async with internal(issuer, server, "runner") as opened:
        await place(opened)
        for what in ("refuse", "abort", "crash"):
            await refused(place(opened, what))
    assert seen == ["OK", "FAILED_PRECONDITION", "OUT_OF_RANGE", "INTERNAL"]


async def test_two_servers_do_not_share_a_port(issuer: TokenIssuer, server: GrpcServer) -> None:
    settings = issuer.settings("bots", grpc_listen=server.address)
    second = GrpcServer(settings, TABLE)
    with pytest.raises(RuntimeError):
        await second.start()
    await second.stop(0)


def test_a_service_without_rules_is_refused(issuer: TokenIssuer) -> None:
    async def make(settings: Settings) -> None:
        GrpcServer(settings, {}, None, [(lambda *_: None, object(), SERVICE)])

    SERVICE = "tigerex.exchange.v1.TradingService"  # noqa: N806
    with pytest.raises(ValueError, match="no rule"):
        asyncio.run(make(issuer.settings("exchange")))


async def test_a_rotated_token_is_picked_up(
    issuer: TokenIssuer, server: GrpcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tigerex_platform.grpc.token_file.RECHECK_S", 0.0)
    settings = issuer.settings("runner")
    assert settings.token_file is not None
    settings.token_file.write_text(issuer.token("runner", aud=["tigerex:other"]))
    async with channel(settings, server.address) as opened:
        assert isinstance(await refused(place(opened)), errors.Unauthenticated)
        settings.token_file.write_text(issuer.token("runner"))
        assert (await place(opened)).order.client_order_id == "internal:runner:"
