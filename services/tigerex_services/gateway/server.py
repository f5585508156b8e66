"""uvicorn inside a running loop: the process, not the server, owns signals."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tigerex_services.gateway.websocket.protocol import FrameProtocol

CONNECTIONS_MAX = 4_000
KEEP_ALIVE_S = 75
DRAIN_S = 10
REAP_S = 5.0
WS_MESSAGE_BYTES_MAX = 16 * 1024
WS_PING_INTERVAL_S = 20.0
WS_PING_TIMEOUT_S = 20.0


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves SIGTERM to the process, which drains everything in its own order."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Returns after `stop`, when open requests are answered."""
        reaper = asyncio.create_task(self._reap())
        try:
            await super().serve(sockets)
        finally:
            reaper.cancel()

    async def _reap(self) -> None:
        """Ends connections that we closed and whose peer takes no more bytes: left alone, they and
        what waits to be sent would stay for as long as the peer acknowledges to be full.
        """
        closing_before: set[asyncio.Transport] = set()
        while True:
            await asyncio.sleep(REAP_S)
            closing = {
                connection.transport
                for connection in self.server_state.connections
                if connection.transport.is_closing()
            }
            for transport in closing & closing_before:
                transport.abort()
            closing_before = closing

    def stop(self) -> None:
        """Ends `serve`: no new connections, open requests get ten seconds."""
        self.should_exit = True


def make_server(app: ASGIApp, listen: str) -> Server:
    """A server for "host:port". Raises ValueError for another form."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"http_listen is {listen!r}; allowed: host:port")
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=int(port),
            loop="none",
            http="httptools",
            ws=FrameProtocol,
            ws_max_size=WS_MESSAGE_BYTES_MAX,
            ws_ping_interval=WS_PING_INTERVAL_S,
            ws_ping_timeout=WS_PING_TIMEOUT_S,
            ws_per_message_deflate=False,  # small messages: compression costs more than it saves
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )
    )
