"""The account id behind a name that a caller uses; ids never change, so a cache is exact."""

from collections import OrderedDict

from tigerex.exchange.v1 import accounts_pb2

from tigerex_platform.errors import NotFound
from tigerex_services.gateway.upstream import Upstream, call

CACHED_ACCOUNTS_MAX = 10_000


class AccountIds:
    def __init__(self, upstream: Upstream, *, entries_max: int = CACHED_ACCOUNTS_MAX) -> None:
        self._upstream = upstream
        self._entries_max = entries_max
        self._ids: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def find(self, user: str, name: str) -> int:
        """Raises NotFound where the user has no account of that name."""
        known = self._ids.get((user, name))
        if known is not None:
            self._ids.move_to_end((user, name))
            return known
        answer = await call(
            self._upstream.accounts.ListAccounts, accounts_pb2.ListAccountsRequest(), user=user
        )
        for account in answer.accounts:
            if account.name == name:
                self._remember((user, name), account.account_id)
                return account.account_id
        raise NotFound("account", name)

    def _remember(self, owner: tuple[str, str], account_id: int) -> None:
        while len(self._ids) >= self._entries_max:
            self._ids.popitem(last=False)
        self._ids[owner] = account_id
