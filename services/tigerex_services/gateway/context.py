"""What every route reaches through its request: put together once, by main."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from tigerex_services.gateway.account_ids import AccountIds
from tigerex_services.gateway.auth import Authenticator
from tigerex_services.gateway.binance.calls import Parts as BinanceParts
from tigerex_services.gateway.binance.streams.feeds import StreamFeeds
from tigerex_services.gateway.books import Books
from tigerex_services.gateway.readiness import Readiness
from tigerex_services.gateway.upstream import Upstream
from tigerex_services.gateway.websocket.bots import BotFeeds
from tigerex_services.gateway.websocket.hub import MarketHub


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway."""

    upstream: Upstream
    account_ids: AccountIds
    authenticator: Authenticator
    readiness: Readiness
    market_hub: MarketHub
    bot_feeds: BotFeeds
    books: Books
    binance: BinanceParts
    stream_feeds: StreamFeeds


def gateway_of(connection: HTTPConnection) -> Gateway:
    gateway = connection.app.state.gateway
    if not isinstance(gateway, Gateway):
        raise TypeError("the application was not made by create_app")
    return gateway


async def _gateway(connection: HTTPConnection) -> Gateway:
    """Not a plain function: the framework would call that in a thread of its own."""
    return gateway_of(connection)


GatewayDep = Annotated[Gateway, Depends(_gateway)]
