"""The ASGI application: routes and what surrounds them."""

import re

from fastapi import FastAPI

from tigerex_services.gateway import openapi, problem
from tigerex_services.gateway.binance import rest, ws_api
from tigerex_services.gateway.binance.streams import endpoint as streams
from tigerex_services.gateway.body_limit import BodyLimitMiddleware
from tigerex_services.gateway.context import Gateway
from tigerex_services.gateway.middleware import EdgeMiddleware
from tigerex_services.gateway.routes import (
    accounts,
    bot_control,
    bots,
    clock,
    docs,
    health,
    history,
    market,
    orders,
    page,
)
from tigerex_services.gateway.websocket import endpoint

# Tried in turn: what is asked for most comes first.
ROUTED = (
    rest,
    market,
    clock,
    bots,
    bot_control,
    accounts,
    orders,
    history,
    health,
    docs,
    endpoint,
    ws_api,
    streams,
    page,
)
# Probes, and reads that are answered from memory: a span would cost more than the answer.
UNTRACED = re.compile(
    r"/healthz|/readyz|/api/v3/(ping|time|depth|ticker/(bookTicker|price))"
    r"|/api/v1/(time|markets/[^/]+/(book|top))"
)


def create_app(gateway: Gateway) -> FastAPI:
    """The application over the parts of a gateway."""
    app = FastAPI(
        title=openapi.TITLE,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would not carry the signature of its target
        # Spans come from the framework; the one metric is ours, and logs have one setup.
        telemetry={
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "exclude": lambda scope: UNTRACED.fullmatch(scope["path"]) is not None,
        },
    )
    app.state.gateway = gateway
    for module in ROUTED:
        app.include_router(module.router)
    problem.install(app)
    openapi.install(app)
    # The last one added is the outermost: it names the request that the others speak of.
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(EdgeMiddleware)
    return app
