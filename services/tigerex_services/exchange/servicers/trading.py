"""gRPC translation of TradingService."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import grpc
from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import trading_pb2_grpc

from tigerex_platform.auth import Principal, current_principal
from tigerex_platform.errors import InvalidField, TigerExError
from tigerex_platform.grpc.limiter import Limiter
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.ownership import own_account, own_request_id
from tigerex_services.exchange.service.trading import TradingService
from tigerex_services.exchange.servicers import order_messages, order_rows
from tigerex_services.exchange.servicers.stream import CommandStream, Finish, OpenStreams

BATCH_COMMANDS_MAX = 256
SUBMIT_STREAM = "/tigerex.exchange.v1.TradingService/SubmitStream"

Context = grpc.aio.ServicerContext[Any, Any]
OrderCommand = (
    pb.PlaceOrderRequest | pb.PlaceOcoRequest | pb.CancelOrderRequest | pb.AmendOrderRequest
)


class TradingServicer(trading_pb2_grpc.TradingServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: TradingService, limits: Limiter) -> None:
        self._service = service
        self._limits = limits
        self._streams = OpenStreams()

    async def PlaceOrder(
        self, request: pb.PlaceOrderRequest, context: Context
    ) -> pb.PlaceOrderResponse:
        row = command_row(request, current_principal(), self._service.committed)
        answer = await self._service.submit(row)
        return order_messages.placed(answer, self._service.committed.directory)

    async def PlaceOco(self, request: pb.PlaceOcoRequest, context: Context) -> pb.PlaceOcoResponse:
        row = command_row(request, current_principal(), self._service.committed)
        answer = await self._service.submit(row)
        return order_messages.oco_placed(answer, self._service.committed.directory)

    async def CancelOrder(
        self, request: pb.CancelOrderRequest, context: Context
    ) -> pb.CancelOrderResponse:
        row = command_row(request, current_principal(), self._service.committed)
        answer = await self._service.submit(row)
        return order_messages.canceled(answer, self._service.committed)

    async def AmendOrder(
        self, request: pb.AmendOrderRequest, context: Context
    ) -> pb.AmendOrderResponse:
        row = command_row(request, current_principal(), self._service.committed)
        answer = await self._service.submit(row)
        return order_messages.amended(answer, self._service.committed)

    async def CancelAll(
        self, request: pb.CancelAllRequest, context: Context
    ) -> pb.CancelAllResponse:
        principal, directory = current_principal(), self._service.directory
        own_account(principal, request.account_id, directory)
        order_ids, remaining, seq = await self._service.cancel_all(
            own_request_id(principal, request.request_id),
            lambda request_id: order_rows.cancel_all_row(request_id, request, directory),
        )
        return pb.CancelAllResponse(order_ids=order_ids, remaining=remaining, seq=seq)

    async def SubmitBatch(
        self, request: pb.SubmitBatchRequest, context: Context
    ) -> pb.SubmitBatchResponse:
        return pb.SubmitBatchResponse(results=await self._begin(request)())

    async def SubmitStream(
        self, requests: AsyncIterator[pb.SubmitStreamRequest | TigerExError], context: Context
    ) -> AsyncGenerator[pb.SubmitStreamResponse, None]:
        principal = current_principal()

        def begin(request: pb.SubmitStreamRequest) -> Finish:
            self._limits.admit(principal, SUBMIT_STREAM, request)
            return self._begin(request)

        with self._streams.one_more(principal):
            async with aclosing(CommandStream(begin).answers(requests)) as answers:
                async for answer in answers:
                    yield answer

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> pb.GetOrderResponse:
        _check_id("order_id", request.order_id, request.client_order_id)
        order = await self._service.find_order(
            current_principal(),
            request.account_id,
            request.order_id,
            checks.client_order_id(request.client_order_id),
        )
        return pb.GetOrderResponse(order=order_messages.known_order(order, self._service.committed))

    async def GetOrderList(
        self, request: pb.GetOrderListRequest, context: Context
    ) -> pb.GetOrderListResponse:
        _check_id("list_id", request.list_id, request.client_list_id)
        found, orders = self._service.find_list(
            current_principal(),
            request.account_id,
            request.list_id,
            checks.client_order_id(request.client_list_id, "client_list_id"),
        )
        market = self._service.directory.market_by_id(found.market)
        return pb.GetOrderListResponse(list=order_messages.list_message(found, orders, market))

    async def ListOpenOrders(
        self, request: pb.ListOpenOrdersRequest, context: Context
    ) -> pb.ListOpenOrdersResponse:
        orders, seq = await self._service.open_orders(
            current_principal(), request.account_id, request.market
        )
        committed = self._service.committed
        messages = [order_messages.known_order(order, committed) for order in orders]
        return pb.ListOpenOrdersResponse(orders=messages, seq=seq)

    def _begin(self, request: pb.SubmitBatchRequest | pb.SubmitStreamRequest) -> Finish:
        """Queue a request's commands; what is given waits for their results."""
        rows = batch_rows(request.commands, current_principal(), self._service.committed)
        finish = self._service.begin(rows)

        async def results() -> list[pb.BatchResult]:
            found = await finish()
            committed = self._service.committed
            return [order_messages.batch_result(each, committed) for each in found]

        return results


def command_row(request: OrderCommand, principal: Principal, committed: Committed) -> bytes:
    """The row of one order command of the caller; raises what is wrong with it."""
    request_id = own_request_id(principal, request.request_id)
    own_account(principal, request.account_id, committed.directory)
    if isinstance(request, pb.PlaceOrderRequest):
        return order_rows.place_row(request_id, request, committed.directory)
    if isinstance(request, pb.CancelOrderRequest):
        return order_rows.cancel_row(request_id, request, committed.directory)
    if isinstance(request, pb.AmendOrderRequest):
        return order_rows.amend_row(request_id, request, committed)
    return order_rows.oco_row(request_id, request, committed.directory)


def batch_rows(
    commands: Sequence[pb.BatchCommand], principal: Principal, committed: Committed
) -> list[bytes | TigerExError]:
    """Each command's row, or why there is none: a refusal is an item's result.

    Raises what is wrong with the batch as a whole, or passes by itself.
    """
    if len(commands) > BATCH_COMMANDS_MAX:
        raise InvalidField(
            "commands", len(commands), f"at most {BATCH_COMMANDS_MAX} in one request"
        )
    return [_row_or_error(command, principal, committed) for command in commands]


def _row_or_error(
    command: pb.BatchCommand, principal: Principal, committed: Committed
) -> bytes | TigerExError:
    name = command.WhichOneof("command")
    if name is None:
        return InvalidField("command", "nothing", "place, cancel, amend or oco")
    try:
        return command_row(getattr(command, name), principal, committed)
    except TigerExError as error:
        if error.retryable:
            raise  # not this command's fault: the whole call can be repeated
        return error


def _check_id(field: str, number: int, name: str) -> None:
    if number < 0 or not (number or name):
        raise InvalidField(field, number, f"an id, or client_{field}")
