"""What the caller's accounts did."""

from typing import Annotated

from fastapi import APIRouter, Query
from tigerex.history.v1 import history_pb2 as pb

from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.context import GatewayDep
from tigerex_services.gateway.models import history as model
from tigerex_services.gateway.openapi import SIGNED
from tigerex_services.gateway.problem import problems
from tigerex_services.gateway.signed import HISTORY, signed
from tigerex_services.gateway.translate import accounts, history
from tigerex_services.gateway.translate.values import NANOS_PER_MILLI
from tigerex_services.gateway.upstream import call

router = APIRouter(prefix="/api/v1/history", tags=["History"])

READ_PROBLEMS = problems(400, 401, 403, 404, 503, 504)


@router.get(
    "/orders", summary="Orders of any status", responses=READ_PROBLEMS, openapi_extra=SIGNED
)
async def list_orders(
    caller: Annotated[Caller, signed(HISTORY, "ListOrders")],
    query: Annotated[model.HistoryQuery, Query()],
    gateway: GatewayDep,
) -> model.PastOrders:
    """Orders of one account in one market: from an id or a time on, else the newest. What just
    happened is in it a moment later."""
    answer = await call(
        gateway.upstream.history.ListOrders,
        pb.ListOrdersRequest(
            account_id=await gateway.account_ids.find(caller.user, query.account),
            market=query.market,
            from_order_id=query.from_id,
            start_ns=query.start_ms * NANOS_PER_MILLI,
            end_ns=query.end_ms * NANOS_PER_MILLI,
            limit=query.limit,
        ),
        user=caller.user,
    )
    return model.PastOrders(orders=[accounts.order(row) for row in answer.orders])


@router.get("/fills", summary="Fills", responses=READ_PROBLEMS, openapi_extra=SIGNED)
async def list_fills(
    caller: Annotated[Caller, signed(HISTORY, "ListFills")],
    query: Annotated[model.FillsQuery, Query()],
    gateway: GatewayDep,
) -> model.PastFills:
    """What one account traded in one market: from a trade's id or a time on, else the newest."""
    answer = await call(
        gateway.upstream.history.ListFills,
        pb.ListFillsRequest(
            account_id=await gateway.account_ids.find(caller.user, query.account),
            market=query.market,
            order_id=query.order_id,
            from_trade_id=query.from_id,
            start_ns=query.start_ms * NANOS_PER_MILLI,
            end_ns=query.end_ms * NANOS_PER_MILLI,
            limit=query.limit,
        ),
        user=caller.user,
    )
    return model.PastFills(fills=[history.fill(row) for row in answer.fills])
