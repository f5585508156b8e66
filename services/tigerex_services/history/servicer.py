"""gRPC translation of HistoryService."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from tigerex.exchange.v1 import types_pb2
from tigerex.history.v1 import history_pb2 as pb
from tigerex.history.v1 import history_pb2_grpc

from tigerex_platform.auth import current_principal
from tigerex_platform.grpc.encoded import Unary, add_service
from tigerex_services.history import messages
from tigerex_services.history.fold import KeptList, KeptOrder
from tigerex_services.history.service import HistoryService, span_of
from tigerex_services.order_messages import list_message
from tigerex_services.order_records import ListRecord

SERVICE = "tigerex.history.v1.HistoryService"

Context = grpc.aio.ServicerContext[Any, Any]


class HistoryServicer(history_pb2_grpc.HistoryServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: HistoryService) -> None:
        self._service = service

    async def ListOrders(
        self, request: pb.ListOrdersRequest, context: Context
    ) -> pb.ListOrdersResponse:
        span = span_of(request, "from_order_id")
        orders = await self._service.orders(
            current_principal(), request.account_id, request.market, span
        )
        directory = self._service.directory
        return pb.ListOrdersResponse(
            orders=[messages.kept_order_message(order, directory) for order in orders]
        )

    async def ListFills(
        self, request: pb.ListFillsRequest, context: Context
    ) -> pb.ListFillsResponse:
        span = span_of(request, "from_trade_id")
        fills = await self._service.fills(
            current_principal(), request.account_id, request.market, request.order_id, span
        )
        directory = self._service.directory
        return pb.ListFillsResponse(
            fills=[messages.account_fill_message(fill, directory) for fill in fills]
        )

    async def ListOrderLists(
        self, request: pb.ListOrderListsRequest, context: Context
    ) -> pb.ListOrderListsResponse:
        span = span_of(request, "from_list_id")
        lists = await self._service.order_lists(current_principal(), request.account_id, span)
        return pb.ListOrderListsResponse(lists=[self._list(*found) for found in lists])

    def _list(self, kept: KeptList, orders: list[KeptOrder]) -> types_pb2.OrderList:
        market = self._service.directory.market_by_id(kept.market)
        record = ListRecord(
            kept.list_id,
            kept.account,
            kept.market,
            kept.client_list_id,
            kept.limit_id,
            kept.stop_id,
            kept.created_ns,
        )
        return list_message(record, [order.record for order in orders], market)

    async def Follow(  # type: ignore[override]  # encoded, see below
        self, request: pb.FollowRequest, context: Context
    ) -> AsyncIterator[bytes]:
        account_id = request.account_id
        follower, seq = self._service.follow(current_principal(), account_id)
        try:
            yield pb.FollowResponse(live=pb.Live(seq=seq)).SerializeToString()
            async for event in follower:
                yield event
        finally:
            self._service.unfollow(account_id, follower)


def add_to_server(servicer: HistoryServicer, server: grpc.aio.Server) -> None:
    """As the generated function, but Follow's events are bytes, encoded once for everybody."""
    unary: dict[str, Unary] = {
        "ListOrders": (servicer.ListOrders, pb.ListOrdersRequest, pb.ListOrdersResponse),
        "ListFills": (servicer.ListFills, pb.ListFillsRequest, pb.ListFillsResponse),
        "ListOrderLists": (
            servicer.ListOrderLists,
            pb.ListOrderListsRequest,
            pb.ListOrderListsResponse,
        ),
    }
    add_service(server, SERVICE, unary, {"Follow": (servicer.Follow, pb.FollowRequest)})
