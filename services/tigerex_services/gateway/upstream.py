"""The services behind the gateway: one deadline on every call, one translation of their errors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc.aio
from tigerex.bots.v1.bots_pb2_grpc import BotServiceStub
from tigerex.exchange.v1.accounts_pb2_grpc import AccountServiceStub
from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceStub
from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceStub
from tigerex.history.v1.history_pb2_grpc import HistoryServiceStub
from tigerex.marketdata.v1.marketdata_pb2_grpc import MarketDataServiceStub

from tigerex_platform.errors import from_rpc_error

if TYPE_CHECKING:
    from tigerex.bots.v1.bots_pb2_grpc import BotServiceAsyncStub
    from tigerex.exchange.v1.accounts_pb2_grpc import AccountServiceAsyncStub
    from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceAsyncStub
    from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceAsyncStub
    from tigerex.history.v1.history_pb2_grpc import HistoryServiceAsyncStub
    from tigerex.marketdata.v1.marketdata_pb2_grpc import MarketDataServiceAsyncStub

CALL_DEADLINE_S = 5.0
# Stopping a bot cancels its orders and moves its money back before it answers.
STOP_DEADLINE_S = 15.0
USER_METADATA = "x-tigerex-user"

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class Upstream:
    """Stubs of every service that the gateway speaks to."""

    bots: "BotServiceAsyncStub"
    accounts: "AccountServiceAsyncStub"
    markets: "MarketServiceAsyncStub"
    trading: "TradingServiceAsyncStub"
    market_data: "MarketDataServiceAsyncStub"
    history: "HistoryServiceAsyncStub"

    @classmethod
    def over(
        cls,
        *,
        exchange: grpc.aio.Channel,
        bots: grpc.aio.Channel,
        market_data: grpc.aio.Channel,
        history: grpc.aio.Channel,
    ) -> "Upstream":
        return cls(
            bots=BotServiceStub(bots),
            accounts=AccountServiceStub(exchange),
            markets=MarketServiceStub(exchange),
            trading=TradingServiceStub(exchange),
            market_data=MarketDataServiceStub(market_data),
            history=HistoryServiceStub(history),
        )


async def call(
    method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
    request: Request,
    *,
    user: str = "",
    deadline_s: float = CALL_DEADLINE_S,
) -> Response:
    """One unary call, for `user` when one is named, else in the gateway's own name.

    Raises the platform's TigerExError that the service answered with.
    """
    metadata = ((USER_METADATA, user),) if user else ()
    try:
        return await method(request, timeout=deadline_s, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
