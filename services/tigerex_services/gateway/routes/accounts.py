"""The caller's accounts and balances."""

import asyncio
from typing import Annotated

from fastapi import APIRouter
from tigerex.exchange.v1 import accounts_pb2 as pb
from tigerex.exchange.v1 import types_pb2

from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.context import GatewayDep
from tigerex_services.gateway.models import accounts as model
from tigerex_services.gateway.openapi import SIGNED
from tigerex_services.gateway.problem import problems
from tigerex_services.gateway.signed import ACCOUNTS, signed
from tigerex_services.gateway.translate import accounts as translate
from tigerex_services.gateway.upstream import call

router = APIRouter(prefix="/api/v1/accounts", tags=["Accounts"])

CONCURRENT_CALLS_MAX = 8


@router.get(
    "",
    summary="Your accounts and balances",
    responses=problems(401, 403, 503, 504),
    openapi_extra=SIGNED,
)
async def list_accounts(
    caller: Annotated[Caller, signed(ACCOUNTS, "ListAccounts")], gateway: GatewayDep
) -> model.Accounts:
    """Every account of the caller, the bots' included, with what is available and held."""
    answer = await call(
        gateway.upstream.accounts.ListAccounts, pb.ListAccountsRequest(), user=caller.user
    )
    slots = asyncio.Semaphore(CONCURRENT_CALLS_MAX)

    async def with_balances(account: types_pb2.Account) -> model.Account:
        async with slots:
            balances = await call(
                gateway.upstream.accounts.GetBalances,
                pb.GetBalancesRequest(account_id=account.account_id),
                user=caller.user,
            )
        return translate.account(account, balances.balances)

    accounts = await asyncio.gather(*(with_balances(row) for row in answer.accounts))
    return model.Accounts(accounts=list(accounts))
