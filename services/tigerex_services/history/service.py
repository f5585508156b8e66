"""What may be asked, and where the answer comes from: the tables, and what waits to be in them."""

from collections.abc import Sequence
from typing import Any

from tigerex_platform.auth import Principal
from tigerex_platform.errors import InvalidField
from tigerex_services.directory import Directory
from tigerex_services.history.fold import Fold, KeptFill, KeptList, KeptOrder
from tigerex_services.history.hub import Hub
from tigerex_services.history.pending import Pending
from tigerex_services.history.queries import INT64_MAX, Queries, Span
from tigerex_services.ownership import own_account
from tigerex_services.subscriber import Subscriber

LIMIT = 500
LIMIT_MAX = 1_000


class HistoryService:
    """Answers from committed data only; callers that are limited to a user get their own.

    What waits is looked at before the tables: what is stored while a query runs is found twice
    rather than never.
    """

    def __init__(self, fold: Fold, pending: Pending, queries: Queries, hub: Hub) -> None:
        self._fold = fold
        self._pending = pending
        self._queries = queries
        self._hub = hub

    @property
    def directory(self) -> Directory:
        return self._fold.directory

    async def orders(
        self, caller: Principal, account_id: int, symbol: str, span: Span
    ) -> Sequence[KeptOrder]:
        """Oldest first. Raises PermissionDenied or NotFound."""
        own_account(caller, account_id, self.directory)
        market = self.directory.market(symbol).market_id
        waiting = self._pending.orders(account_id)
        stored = await self._queries.orders(account_id, market, span)
        found = {order.record.order_id: order for order in stored}
        found |= {
            order_id: order
            for order_id, order in waiting.items()
            if order.record.market == market and span.has(order_id, order.record.created_ns)
        }
        return span.cut([found[order_id] for order_id in sorted(found)])

    async def fills(
        self, caller: Principal, account_id: int, symbol: str, order_id: int, span: Span
    ) -> Sequence[KeptFill]:
        """Of one order, or (0) of all; oldest first. Raises PermissionDenied or NotFound."""
        own_account(caller, account_id, self.directory)
        _not_negative("order_id", order_id)
        market = self.directory.market(symbol).market_id
        waiting = [
            fill
            for fill in self._pending.fills(account_id)
            if fill.record.market == market
            and order_id in (0, fill.record.order_id)
            and span.has(fill.record.trade_id, fill.record.time_ns)
        ]
        stored = await self._queries.fills(account_id, market, order_id, span)
        found = {(f.record.trade_id, f.record.maker): f for f in (*stored, *waiting)}
        return span.cut([found[key] for key in sorted(found)])

    async def order_lists(
        self, caller: Principal, account_id: int, span: Span
    ) -> Sequence[tuple[KeptList, list[KeptOrder]]]:
        """With their orders; oldest first. Raises PermissionDenied or NotFound."""
        own_account(caller, account_id, self.directory)
        orders = self._pending.orders(account_id)
        waiting = self._pending.lists(account_id)
        found = {kept.list_id: kept for kept in await self._queries.lists(account_id, span)}
        found |= {i: kept for i, kept in waiting.items() if span.has(i, kept.created_ns)}
        lists = span.cut([found[list_id] for list_id in sorted(found)])
        stored = await self._orders_of(account_id, lists)
        orders = {order.record.order_id: order for order in stored} | orders
        return [
            (kept, [orders[i] for i in (kept.limit_id, kept.stop_id) if i in orders])
            for kept in lists
        ]

    def follow(self, caller: Principal, account_id: int) -> tuple[Subscriber, int]:
        """A new follower of an account, and the seq after which it is told everything. Raises
        PermissionDenied, NotFound, or RateLimited when there are too many."""
        own_account(caller, account_id, self.directory)
        return self._hub.add(account_id), self._fold.seq

    def unfollow(self, account_id: int, follower: Subscriber) -> None:
        self._hub.remove(account_id, follower)

    async def _orders_of(self, account_id: int, lists: Sequence[KeptList]) -> list[KeptOrder]:
        if not lists:
            return []
        return await self._queries.orders_of_lists(
            account_id,
            {kept.market for kept in lists},
            [order_id for kept in lists for order_id in (kept.limit_id, kept.stop_id)],
            min(kept.created_ns for kept in lists),
        )


def span_of(request: Any, id_field: str) -> Span:  # noqa: ANN401 - three requests have these fields
    """What a request asks for; raises InvalidField."""
    fields = (id_field, "start_ns", "end_ns", "limit")
    from_id, start_ns, end_ns, limit = (getattr(request, field) for field in fields)
    for field, value in zip(fields, (from_id, start_ns, end_ns, limit), strict=True):
        _not_negative(field, value)
    if limit > LIMIT_MAX:
        raise InvalidField("limit", limit, f"1 to {LIMIT_MAX}, or 0 for {LIMIT}")
    if end_ns and end_ns <= start_ns:
        raise InvalidField("end_ns", end_ns, "later than start_ns")
    return Span(from_id, start_ns, end_ns or INT64_MAX, limit or LIMIT)


def _not_negative(field: str, value: int) -> None:
    if value < 0:
        raise InvalidField(field, value, "0 or more")
