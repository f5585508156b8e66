"""What a handler gets: the parts it works with, the parameters, and who calls."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import redis.asyncio as aioredis

from tigerex_platform.auth import KeyStore, Table
from tigerex_platform.clock import Clock
from tigerex_platform.ids import derive_request_id
from tigerex_services.gateway.account_ids import AccountIds
from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.binance.auth import Signatures
from tigerex_services.gateway.binance.limits import OrderCounts, Weights
from tigerex_services.gateway.binance.listen_keys import ListenKeys
from tigerex_services.gateway.binance.parameters import Values
from tigerex_services.gateway.binance.symbols import Symbols
from tigerex_services.gateway.binance.user_feeds import UserFeeds
from tigerex_services.gateway.binance.ws_state import SocketState
from tigerex_services.gateway.books import Books
from tigerex_services.gateway.upstream import Upstream, call

if TYPE_CHECKING:
    import grpc.aio

ACCOUNT = "main"  # the account that spot orders trade for

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class Parts:
    """Put together once, by main."""

    upstream: Upstream
    account_ids: AccountIds
    symbols: Symbols
    signatures: Signatures
    weights: Weights
    order_counts: OrderCounts
    listen_keys: ListenKeys
    user_feeds: UserFeeds
    clock: Clock
    books: Books

    @classmethod
    def over(
        cls,
        upstream: Upstream,
        account_ids: AccountIds,
        books: Books,
        keys: KeyStore,
        table: Table,
        redis: aioredis.Redis,
        clock: Clock,
    ) -> "Parts":
        symbols = Symbols(upstream, clock)
        return cls(
            upstream=upstream,
            account_ids=account_ids,
            symbols=symbols,
            signatures=Signatures(keys, table, clock),
            weights=Weights(clock),
            order_counts=OrderCounts(clock),
            listen_keys=ListenKeys(redis),
            user_feeds=UserFeeds(upstream, symbols, clock),
            clock=clock,
            books=books,
        )


@dataclass(frozen=True, slots=True)
class PublicCall:
    """A request that anybody may make; `socket` where it came over one."""

    parts: Parts
    values: Values
    socket: SocketState | None = None

    @property
    def upstream(self) -> Upstream:
        return self.parts.upstream

    @property
    def on_socket(self) -> SocketState:
        """The socket of a method that only sockets have."""
        if self.socket is None:
            raise TypeError("this method is for sockets")
        return self.socket


@dataclass(frozen=True, slots=True)
class UserCall(PublicCall):
    """A request of a user, who proved to be one."""

    caller: Caller = field(kw_only=True)

    async def account_id(self) -> int:
        """The account that the caller trades for."""
        return await self.parts.account_ids.find(self.caller.user, ACCOUNT)

    def request_id(self, number: int = 0) -> bytes:
        """16 bytes, the same whenever the same signed request comes; a request that does several
        things numbers them."""
        return derive_request_id(
            "gateway", "binance", self.caller.key, self.caller.signature, str(number)
        )

    async def ask(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request
    ) -> Response:
        """What the exchange answers the caller."""
        return await call(method, request, user=self.caller.user)

    async def change(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        *,
        begun: bool = False,
    ) -> Response:
        """A command of the caller, refused where the receive window passes before its turn.
        `begun`: it goes on with what an earlier one of this request began, however late it is.
        """
        until_ms = 0 if begun else self.caller.valid_until_ms
        return await call(method, request, user=self.caller.user, valid_until_ms=until_ms)
