"""Orders: who may place and cancel, and what an owner sees of them."""

import asyncio
from collections.abc import Callable, Sequence

from tigerex_platform.auth import Principal
from tigerex_platform.errors import NotFound, TigerExError
from tigerex_services.directory import Directory
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.sequencer import Answer, Part
from tigerex_services.exchange.orders import ListRecord, OrderRecord
from tigerex_services.exchange.refusals import find_refusal
from tigerex_services.exchange.service.cancels import cancel_in_parts
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.ownership import own_account

Result = Answer | tuple[int, TigerExError]


class TradingService:
    """Decides about order commands and order queries."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def committed(self) -> Committed:
        """The committed state; raises Unavailable while this process does not lead."""
        return self._executor.leader.committed

    @property
    def directory(self) -> Directory:
        return self.committed.directory

    def check_account(self, principal: Principal, account_id: int) -> None:
        """Raises PermissionDenied or NotFound unless the caller may use the account."""
        own_account(principal, account_id, self.directory)

    async def submit(self, command: bytes) -> Answer:
        """The answer to one order command; raises its refusal."""
        return await self._executor.execute(command)

    def enqueue(self, commands: Sequence[bytes]) -> "asyncio.Future[list[Part]]":
        """Queue command rows at once, all or none; raises Unavailable."""
        return self._executor.enqueue(commands)

    async def result(self, part: Part) -> Result:
        """What became of the one command of a part; a refusal comes with its seq."""
        [answer] = await self._executor.answers([part])
        error = find_refusal(answer.events, self.directory)
        return answer if error is None else (answer.seq, error)

    async def cancel_all(
        self, request_id: bytes, row_of: Callable[[bytes], bytes]
    ) -> tuple[list[int], int, int]:
        """See `cancel_in_parts`."""
        return await cancel_in_parts(self._executor, request_id, row_of)

    async def find_order(
        self, principal: Principal, account_id: int, order_id: int, client_order_id: str
    ) -> OrderRecord:
        """An open or recently closed order of the account; raises NotFound."""
        self.check_account(principal, account_id)
        orders = self.committed.orders
        order = (
            orders.find(order_id) if order_id else orders.find_by_name(account_id, client_order_id)
        )
        if order is None or order.account != account_id:
            raise NotFound("open or recently closed order", order_id or client_order_id)
        return order

    async def open_orders(
        self, principal: Principal, account_id: int, symbol: str
    ) -> tuple[list[OrderRecord], int]:
        """The account's open orders, oldest first, and the committed seq that they reflect."""
        self.check_account(principal, account_id)
        market_id = self.directory.market(symbol).market_id if symbol else 0
        leader = self._executor.leader
        orders = leader.committed.orders.open_of(account_id)
        wanted = [order for order in orders if market_id in (0, order.market)]
        return wanted, leader.committed_seq

    def find_list(
        self, principal: Principal, account_id: int, list_id: int, client_list_id: str
    ) -> tuple[ListRecord, list[OrderRecord]]:
        """A list with an open or recently closed order, and those of its orders; raises
        NotFound.
        """
        self.check_account(principal, account_id)
        orders = self.committed.orders
        found = (
            orders.find_list(list_id)
            if list_id
            else orders.find_list_by_name(account_id, client_list_id)
        )
        if found is None or found.account != account_id:
            raise NotFound("open or recently closed list", list_id or client_list_id)
        legs = (orders.find(found.limit_id), orders.find(found.stop_id))
        return found, [order for order in legs if order is not None]
