"""A gateway on a real socket, served by the server that production uses."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from tigerex_services.gateway.server import Server, make_server

START_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 15.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serves the application; yields "host:port"."""
    async with serving_http(app) as (_, address):
        yield address


@asynccontextmanager
async def serving_http(app: ASGIApp) -> AsyncIterator[tuple[Server, str]]:
    """As `listening`, with the server."""
    address = f"127.0.0.1:{free_port()}"
    server = make_server(app, address)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        yield server, address
    finally:
        server.stop()
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await task
