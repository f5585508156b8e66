"""gRPC translation of TradingService."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any

import grpc
from tigerex.exchange.v1 import trading_pb2 as pb
from tigerex.exchange.v1 import trading_pb2_grpc

from tigerex_core.records import Command, Rows
from tigerex_platform.auth import Principal, current_principal
from tigerex_platform.errors import InvalidField, NotFound, PermissionDenied, TigerExError
from tigerex_platform.grpc.calls import raw_requests
from tigerex_platform.grpc.limiter import Limiter
from tigerex_services.directory import Directory
from tigerex_services.exchange.commands import join_id, split_id
from tigerex_services.exchange.host.committed import Committed
from tigerex_services.exchange.host.measure import translating
from tigerex_services.exchange.host.sequencer import Part
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.limits import SUBMIT_BATCH, SUBMIT_STREAM
from tigerex_services.exchange.service.ownership import own_request_id
from tigerex_services.exchange.service.trading import TradingService
from tigerex_services.exchange.servicers import order_messages, order_rows
from tigerex_services.exchange.servicers.stream import CommandStream, Finish, OpenStreams
from tigerex_services.exchange.wire.batch import (
    BATCH,
    BATCH_COMMANDS_MAX,
    STREAM,
    Batch,
    ResultWriter,
    Shape,
    read_batch,
    write_results,
)
from tigerex_services.exchange.wire.tables import CurrentTables
from tigerex_services.order_messages import list_message
from tigerex_services.ownership import own_account

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
        self._tables = CurrentTables()
        self._writer = ResultWriter()

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

    @raw_requests
    async def SubmitBatch(  # type: ignore[override]
        self, request: bytes, context: Context
    ) -> bytes:
        batch = self._read(request, BATCH)
        self._limits.admit(current_principal(), SUBMIT_BATCH, batch)
        return await self._begin(batch, BATCH)()

    @raw_requests
    async def SubmitStream(  # type: ignore[override]
        self, requests: AsyncIterator[bytes], context: Context
    ) -> AsyncGenerator[bytes, None]:
        principal = current_principal()

        def begin(batch: Batch) -> Finish:
            self._limits.admit(principal, SUBMIT_STREAM, batch)
            return self._begin(batch, STREAM)

        batches = (self._read_or_error(request) async for request in requests)
        with self._streams.one_more(principal):
            async with aclosing(CommandStream(begin).answers(batches)) as answers:
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
        return pb.GetOrderListResponse(list=list_message(found, orders, market))

    async def ListOpenOrders(
        self, request: pb.ListOpenOrdersRequest, context: Context
    ) -> pb.ListOpenOrdersResponse:
        orders, seq = await self._service.open_orders(
            current_principal(), request.account_id, request.market
        )
        committed = self._service.committed
        messages = [order_messages.known_order(order, committed) for order in orders]
        return pb.ListOpenOrdersResponse(orders=messages, seq=seq)

    def _read(self, request: bytes, shape: Shape) -> Batch:
        with translating():
            return read_batch(request, shape, self._tables.of(self._service.directory))

    def _read_or_error(self, request: bytes) -> Batch | TigerExError:
        try:
            return self._read(request, STREAM)
        except InvalidField as error:
            return error

    def _begin(self, batch: Batch, shape: Shape) -> Finish:
        """Queue a request's commands; what is given waits for their results."""
        rows, refusals = batch_rows(batch, current_principal(), self._service.committed)
        queued = self._service.enqueue(rows)
        refused = {
            place: order_messages.batch_result((0, error), self._service.committed)
            for place, error in refusals.items()
        }

        async def slow(part: Part) -> pb.BatchResult:
            result = await self._service.result(part)
            return order_messages.batch_result(result, self._service.committed)

        async def results() -> bytes:
            parts = await queued
            tables = self._tables.of(self._service.directory)
            with translating():
                return await write_results(
                    self._writer, parts, refused, shape.results_field, tables, slow
                )

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
    batch: Batch, principal: Principal, committed: Committed
) -> tuple[list[bytes], dict[int, TigerExError]]:
    """The rows of a request's commands, and by their place those that have none: a refusal is an
    item's result.

    Raises what is wrong with the batch as a whole, or passes by itself.
    """
    if batch.count > BATCH_COMMANDS_MAX:
        raise InvalidField("commands", batch.count, f"at most {BATCH_COMMANDS_MAX} in one request")
    accounts = batch.rows[:, Command.ACCOUNT]
    foreign = _foreign(set(accounts.tolist()), principal, committed.directory)
    if not batch.messages and not foreign and not principal.limited_to_user:
        return [batch.rows.tobytes()], {}
    rows: list[bytes] = []
    refusals: dict[int, TigerExError] = {}
    for place, row in enumerate(batch.rows):
        if place in batch.messages:
            made = _row_or_error(batch.messages[place], principal, committed)
        else:
            made = foreign.get(int(row[Command.ACCOUNT])) or _own_row(row, principal)
        if isinstance(made, bytes):
            rows.append(made)
        else:
            refusals[place] = made
    return rows, refusals


def _foreign(
    accounts: Iterable[int], principal: Principal, directory: Directory
) -> dict[int, TigerExError]:
    """Those accounts that the caller may not use, and why."""
    errors: dict[int, TigerExError] = {}
    for account_id in accounts:
        try:
            own_account(principal, account_id, directory)
        except (PermissionDenied, NotFound) as error:
            errors[account_id] = error
    return errors


def _own_row(row: Rows, principal: Principal) -> bytes:
    """A row that was read from the wire, under the request id that the core knows it by."""
    high, low = int(row[Command.REQUEST_HI]), int(row[Command.REQUEST_LO])
    request_id = own_request_id(principal, join_id(high, low))
    row[Command.REQUEST_HI], row[Command.REQUEST_LO] = split_id(request_id)
    return row.tobytes()


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
