"""Orders: who may place and cancel, and what an owner sees of them."""

from collections.abc import Sequence

from tigerex_platform.auth import Principal
from tigerex_platform.errors import NotFound, TigerExError
from tigerex_services.directory import Directory
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.orders import OrderRecord
from tigerex_services.exchange.refusals import find_refusal
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.ownership import own_account


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

    async def submit_all(
        self, commands: Sequence[bytes | TigerExError]
    ) -> list[Answer | tuple[int, TigerExError]]:
        """Answers in order; a refusal comes with its seq, 0 when the core never saw it."""
        rows = [command for command in commands if isinstance(command, bytes)]
        answers = iter(await self._executor.execute_all(rows) if rows else [])
        results: list[Answer | tuple[int, TigerExError]] = []
        for command in commands:
            if isinstance(command, TigerExError):
                results.append((0, command))
                continue
            answer = next(answers)
            error = find_refusal(answer.events)
            results.append(answer if error is None else (answer.seq, error))
        return results

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
