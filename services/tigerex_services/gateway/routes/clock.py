"""The time that signatures are judged by."""

from fastapi import APIRouter

from tigerex_platform.clock import SystemClock
from tigerex_services.gateway.models.common import Answer, Timestamp
from tigerex_services.gateway.translate.values import time_text

router = APIRouter(prefix="/api/v1/time", tags=["Market data"])

_clock = SystemClock()


class ServerTime(Answer):
    time: Timestamp


@router.get("", summary="The server's time")
async def get_time() -> ServerTime:
    """For clients whose clock is off: the timestamps of signatures are compared with this one."""
    return ServerTime(time=time_text(_clock.now_ns()))
