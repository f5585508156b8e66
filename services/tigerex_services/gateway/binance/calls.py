"""What a handler gets: the parts it works with, the parameters, and who calls."""

from dataclasses import dataclass

from tigerex_platform.auth import KeyStore, Table
from tigerex_platform.clock import Clock
from tigerex_platform.ids import derive_request_id
from tigerex_services.gateway.account_ids import AccountIds
from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.binance.auth import Signatures
from tigerex_services.gateway.binance.limits import Weights
from tigerex_services.gateway.binance.parameters import Values
from tigerex_services.gateway.binance.symbols import Symbols
from tigerex_services.gateway.books import Books
from tigerex_services.gateway.upstream import Upstream

ACCOUNT = "main"  # the account that spot orders trade for


@dataclass(frozen=True, slots=True)
class Parts:
    """Put together once, by main."""

    upstream: Upstream
    account_ids: AccountIds
    symbols: Symbols
    signatures: Signatures
    weights: Weights
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
        clock: Clock,
    ) -> "Parts":
        return cls(
            upstream=upstream,
            account_ids=account_ids,
            symbols=Symbols(upstream, clock),
            signatures=Signatures(keys, table, clock),
            weights=Weights(clock),
            clock=clock,
            books=books,
        )


@dataclass(frozen=True, slots=True)
class PublicCall:
    """A request that anybody may make."""

    parts: Parts
    values: Values

    @property
    def upstream(self) -> Upstream:
        return self.parts.upstream


@dataclass(frozen=True, slots=True)
class UserCall(PublicCall):
    """A request that a user signed."""

    caller: Caller

    async def account_id(self) -> int:
        """The account that the caller trades for."""
        return await self.parts.account_ids.find(self.caller.user, ACCOUNT)

    def request_id(self, number: int = 0) -> bytes:
        """16 bytes, the same whenever the same signed request comes; a request that does several
        things numbers them."""
        return derive_request_id(
            "gateway", "binance", self.caller.key, self.caller.signature, str(number)
        )
