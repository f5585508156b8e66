"""The caller's orders."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.context import GatewayDep
from tigerex_services.gateway.idempotency import request_id
from tigerex_services.gateway.models import accounts as model
from tigerex_services.gateway.models.common import INT64_MAX
from tigerex_services.gateway.openapi import SIGNED, SIGNED_MUTATION
from tigerex_services.gateway.problem import problems
from tigerex_services.gateway.signed import TRADING, signed
from tigerex_services.gateway.translate import accounts as translate
from tigerex_services.gateway.upstream import call

router = APIRouter(prefix="/api/v1/orders", tags=["Orders"])

OrderId = Annotated[int, Path(ge=1, le=INT64_MAX)]
READ_PROBLEMS = problems(400, 401, 403, 404, 503, 504)
CHANGE_PROBLEMS = problems(400, 401, 403, 404, 409, 413, 503, 504)


@router.post(
    "",
    status_code=201,
    summary="Place an order",
    responses=CHANGE_PROBLEMS,
    openapi_extra=SIGNED_MUTATION,
)
async def place(
    body: model.NewOrder,
    caller: Annotated[Caller, signed(TRADING, "PlaceOrder")],
    request: Request,
    gateway: GatewayDep,
) -> model.PlacedOrder:
    """Answered when the journal holds the order, with the fills it found at once."""
    account_id = await gateway.account_ids.find(caller.user, body.account)
    answer = await call(
        gateway.upstream.trading.PlaceOrder,
        translate.new_order(body, account_id=account_id, request_id=request_id(request, caller)),
        user=caller.user,
        valid_until_ms=caller.valid_until_ms,
    )
    return translate.placed(answer)


@router.get("", summary="Open orders", responses=READ_PROBLEMS, openapi_extra=SIGNED)
async def list_orders(
    caller: Annotated[Caller, signed(TRADING, "ListOpenOrders")],
    query: Annotated[model.OrdersQuery, Query()],
    gateway: GatewayDep,
) -> model.Orders:
    """Open orders of one account, of one market or of all."""
    account_id = await gateway.account_ids.find(caller.user, query.account)
    answer = await call(
        gateway.upstream.trading.ListOpenOrders,
        pb.ListOpenOrdersRequest(account_id=account_id, market=query.market or ""),
        user=caller.user,
    )
    return model.Orders(orders=[translate.order(row) for row in answer.orders], seq=answer.seq)


@router.get("/{order_id}", summary="One order", responses=READ_PROBLEMS, openapi_extra=SIGNED)
async def get_order(
    order_id: OrderId,
    caller: Annotated[Caller, signed(TRADING, "GetOrder")],
    query: Annotated[model.AccountQuery, Query()],
    gateway: GatewayDep,
) -> model.Order:
    """An order of one of the caller's accounts."""
    account_id = await gateway.account_ids.find(caller.user, query.account)
    answer = await call(
        gateway.upstream.trading.GetOrder,
        pb.GetOrderRequest(account_id=account_id, order_id=order_id),
        user=caller.user,
    )
    return translate.order(answer.order)


@router.delete(
    "/{order_id}",
    summary="Cancel an order",
    responses=CHANGE_PROBLEMS,
    openapi_extra=SIGNED_MUTATION,
)
async def cancel(
    order_id: OrderId,
    caller: Annotated[Caller, signed(TRADING, "CancelOrder")],
    query: Annotated[model.AccountQuery, Query()],
    request: Request,
    gateway: GatewayDep,
) -> model.CanceledOrder:
    """Takes the rest of the order off the book and releases what it held."""
    account_id = await gateway.account_ids.find(caller.user, query.account)
    answer = await call(
        gateway.upstream.trading.CancelOrder,
        pb.CancelOrderRequest(
            request_id=request_id(request, caller), account_id=account_id, order_id=order_id
        ),
        user=caller.user,
        valid_until_ms=caller.valid_until_ms,
    )
    return translate.canceled(answer)
