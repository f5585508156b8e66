"""Is the process alive, and should it be sent traffic."""

from typing import Literal

from fastapi import APIRouter, Response

from tigerex_services.gateway.context import GatewayDep
from tigerex_services.gateway.models.common import Answer

router = APIRouter(tags=["Health"])


class Health(Answer):
    status: Literal["ok", "not-ready"]
    reason: str


@router.get("/healthz", summary="Alive")
async def healthz() -> Health:
    """Answers as long as the process runs its loop."""
    return Health(status="ok", reason="alive")


@router.get(
    "/readyz",
    summary="Ready for traffic",
    responses={503: {"description": "Starting or shutting down", "model": Health}},
)
async def readyz(response: Response, gateway: GatewayDep) -> Health:
    """Ready once the exchange answered, until shutdown begins."""
    ready = gateway.readiness.ready
    response.status_code = 200 if ready else 503
    return Health(status="ok" if ready else "not-ready", reason=gateway.readiness.reason)
