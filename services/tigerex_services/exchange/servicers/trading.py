"""gRPC translation of TradingService."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import trading_pb2_grpc

from tigerex_core.records import Event, EventKind
from tigerex_platform.auth import Principal, current_principal
from tigerex_platform.errors import InvalidField, TigerExError
from tigerex_platform.grpc.limiter import Limiter
from tigerex_services.directory import Directory
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.ownership import own_account, own_request_id
from tigerex_services.exchange.service.trading import TradingService
from tigerex_services.exchange.servicers import translate
from tigerex_services.exchange.servicers.stream import CommandStream, Finish, OpenStreams

BATCH_COMMANDS_MAX = 256
SUBMIT_STREAM = "/tigerex.exchange.v1.TradingService/SubmitStream"

Context = grpc.aio.ServicerContext[Any, Any]


class TradingServicer(trading_pb2_grpc.TradingServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: TradingService, limits: Limiter) -> None:
        self._service = service
        self._limits = limits
        self._streams = OpenStreams()

    async def PlaceOrder(
        self, request: pb.PlaceOrderRequest, context: Context
    ) -> pb.PlaceOrderResponse:
        row = self._place_row(request, current_principal(), self._service.directory)
        answer = await self._service.submit(row)
        return translate.placed(answer, self._service.directory)

    async def CancelOrder(
        self, request: pb.CancelOrderRequest, context: Context
    ) -> pb.CancelOrderResponse:
        row = self._cancel_row(request, current_principal(), self._service.directory)
        answer = await self._service.submit(row)
        return canceled(answer, self._service.committed)

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

    def _begin(self, request: pb.SubmitBatchRequest | pb.SubmitStreamRequest) -> Finish:
        """Queue a request's commands; what is given waits for their results."""
        if len(request.commands) > BATCH_COMMANDS_MAX:
            raise InvalidField(
                "commands", len(request.commands), f"at most {BATCH_COMMANDS_MAX} in one request"
            )
        principal, directory = current_principal(), self._service.directory
        finish = self._service.begin(
            [self._row_or_error(command, principal, directory) for command in request.commands]
        )

        async def results() -> list[pb.BatchResult]:
            found = await finish()
            committed = self._service.committed
            return [batch_result(each, committed) for each in found]

        return results

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> pb.GetOrderResponse:
        if request.order_id < 0 or not (request.order_id or request.client_order_id):
            raise InvalidField("order_id", request.order_id, "an order id, or a client_order_id")
        order = await self._service.find_order(
            current_principal(),
            request.account_id,
            request.order_id,
            checks.client_order_id(request.client_order_id),
        )
        market = self._service.directory.market_by_id(order.market)
        return pb.GetOrderResponse(order=translate.order_message(order, market))

    async def ListOpenOrders(
        self, request: pb.ListOpenOrdersRequest, context: Context
    ) -> pb.ListOpenOrdersResponse:
        orders, seq = await self._service.open_orders(
            current_principal(), request.account_id, request.market
        )
        directory = self._service.directory
        messages = [
            translate.order_message(order, directory.market_by_id(order.market)) for order in orders
        ]
        return pb.ListOpenOrdersResponse(orders=messages, seq=seq)

    def _place_row(
        self, request: pb.PlaceOrderRequest, principal: Principal, directory: Directory
    ) -> bytes:
        request_id = own_request_id(principal, request.request_id)
        own_account(principal, request.account_id, directory)
        return translate.place_row(request_id, request, directory)

    def _cancel_row(
        self, request: pb.CancelOrderRequest, principal: Principal, directory: Directory
    ) -> bytes:
        request_id = own_request_id(principal, request.request_id)
        own_account(principal, request.account_id, directory)
        return translate.cancel_row(request_id, request, directory)

    def _row_or_error(
        self, command: pb.BatchCommand, principal: Principal, directory: Directory
    ) -> bytes | TigerExError:
        """One command's row, or why there is none: a refusal is an item's result."""
        try:
            match command.WhichOneof("command"):
                case "place":
                    return self._place_row(command.place, principal, directory)
                case "cancel":
                    return self._cancel_row(command.cancel, principal, directory)
                case _:
                    return InvalidField("command", "nothing", "place or cancel")
        except TigerExError as error:
            if error.retryable:
                raise  # not this command's fault: the whole call can be repeated
            return error


def batch_result(result: Answer | tuple[int, TigerExError], committed: Committed) -> pb.BatchResult:
    """The message of one command's answer."""
    if isinstance(result, tuple):
        seq, error = result
        return pb.BatchResult(
            refused=pb.Refusal(reason=error.code, message=error.message, field=error.field, seq=seq)
        )
    if result.events[0][Event.KIND] == EventKind.ORDER_CANCELED:
        return pb.BatchResult(canceled=canceled(result, committed))
    return pb.BatchResult(placed=translate.placed(result, committed.directory))


def canceled(answer: Answer, committed: Committed) -> pb.CancelOrderResponse:
    """The message of a cancel's answer, with what is remembered of the order."""
    order_id = answer.event(EventKind.ORDER_CANCELED)[Event.ORDER_ID]
    return translate.canceled(answer, committed.directory, committed.orders.find(order_id))
