"""The services behind the gateway: one deadline on every call, one translation of their errors."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc.aio
from tigerex.bots.v1.bots_pb2_grpc import BotServiceStub
from tigerex.exchange.v1.accounts_pb2_grpc import AccountServiceStub
from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceStub
from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceStub
from tigerex.history.v1.history_pb2_grpc import HistoryServiceStub
from tigerex.marketdata.v1.marketdata_pb2_grpc import MarketDataServiceStub

from tigerex_platform.errors import TigerExError, Unavailable, from_rpc_error
from tigerex_platform.retry import backoff_s

if TYPE_CHECKING:
    from tigerex.bots.v1.bots_pb2_grpc import BotServiceAsyncStub
    from tigerex.exchange.v1.accounts_pb2_grpc import AccountServiceAsyncStub
    from tigerex.exchange.v1.markets_pb2_grpc import MarketServiceAsyncStub
    from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceAsyncStub
    from tigerex.history.v1.history_pb2_grpc import HistoryServiceAsyncStub
    from tigerex.marketdata.v1.marketdata_pb2_grpc import MarketDataServiceAsyncStub

logger = logging.getLogger(__name__)

CALL_DEADLINE_S = 5.0
# Stopping a bot cancels its orders and moves its money back before it answers.
STOP_DEADLINE_S = 15.0
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0
# A stream that lived this long was healthy: the next failure starts with the short delay again.
HEALTHY_S = 10.0
USER_METADATA = "x-tigerex-user"
VALID_UNTIL_METADATA = "x-tigerex-valid-until"

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
    valid_until_ms: int = 0,
    deadline_s: float = CALL_DEADLINE_S,
) -> Response:
    """One unary call, for `user` when one is named, else in the gateway's own name.

    With `valid_until_ms`, the end of a signed request's receive window, the exchange takes it in by
    then or refuses it. Raises the platform's TigerExError that the service answered with.
    """
    metadata = [(USER_METADATA, user)] if user else []
    if valid_until_ms:
        metadata.append((VALID_UNTIL_METADATA, str(valid_until_ms)))
    try:
        return await method(request, timeout=deadline_s, metadata=tuple(metadata))
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error


async def keep_following(
    name: str, follow: Callable[[], Awaitable[None]], failed: Callable[[TigerExError], None]
) -> None:
    """Calls `follow`, which follows a stream to its end, again and again until cancelled; `failed`
    is told each time why it ended."""
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started_s = loop.time()
        try:
            await follow()
            reason: TigerExError = Unavailable("the stream was ended by the server")
        except grpc.aio.AioRpcError as error:
            reason = from_rpc_error(error)
        except TigerExError as error:
            reason = error
        except Exception:  # one event that makes no sense must not end a stream in silence
            logger.exception("%s", name)
            reason = Unavailable("the stream told something that makes no sense")
        failed(reason)
        failures = 0 if loop.time() - started_s > HEALTHY_S else failures + 1
        logger.info("%s: %s; connecting again", name, reason)
        await asyncio.sleep(backoff_s(failures, RETRY_FIRST_S, RETRY_MAX_S))
