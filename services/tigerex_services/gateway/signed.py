"""`signed(SERVICE, "Method")`: the dependency of a route that a user must sign."""

from typing import Any

from fastapi import Depends
from starlette.requests import Request

from tigerex_services.gateway.auth import READING_METHODS, Caller, Credentials, signed_method
from tigerex_services.gateway.context import GatewayDep

ACCOUNTS = "tigerex.exchange.v1.AccountService"
TRADING = "tigerex.exchange.v1.TradingService"
HISTORY = "tigerex.history.v1.HistoryService"
BOTS = "tigerex.bots.v1.BotService"


def signed(service: str, method: str) -> Any:  # noqa: ANN401 - what Depends returns
    """Verifies the request's signature and that its key may call this method of the contract."""
    rpc = f"/{service}/{method}"

    async def caller(request: Request, gateway: GatewayDep) -> Caller:
        return await gateway.authenticator.authenticate(
            Credentials(dict(request.headers)),
            signed_method=signed_method(request, request.method),
            body=await request.body(),
            rpc=rpc,
            mutating=request.method not in READING_METHODS,
        )

    return Depends(caller)
