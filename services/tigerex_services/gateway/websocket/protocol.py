"""uvicorn's WebSocket protocol with one more way to send: a ready frame, at once, never waited for.

The usual way encodes a message for each socket and costs a task's turn for each; a fan-out to
hundreds of sockets has time for neither.
"""

from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "tigerex.frames"
WAITING_BYTES_MAX = 256 * 1024  # of one socket, beyond what the kernel holds

SendFrame = Callable[[bytes], bool]


class FrameProtocol(WebSocketsSansIOProtocol):
    """Offers `send_frame` to the application as a scope extension."""

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self.send_frame
        await super().run_asgi()

    def send_frame(self, frame: bytes) -> bool:
        """Writes the frame; False when too much waits for the peer to take it."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return True  # nobody is there to miss it
        if self.transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            return False
        self.transport.write(frame)
        return True


def frames_of(websocket: WebSocket) -> SendFrame:
    """How ready frames are sent to an accepted socket."""
    send: SendFrame = websocket.scope["extensions"][EXTENSION]
    return send
