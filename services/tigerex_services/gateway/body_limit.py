"""Bodies above 1 MiB are refused: by their Content-Length before a byte is read, else at the limit.

The whole body is collected before the application sees the request: the signature covers it, and
a caller that sends slowly holds a buffer and a socket for a bounded time, nothing else.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tigerex_platform.errors import InvalidField, TigerExError, TooLarge
from tigerex_services.gateway.problem import problem_response

BODY_BYTES_MAX = 1024 * 1024
BODY_SECONDS_MAX = 10.0
# A peer that still sends is heard out for this long: it then reads the refusal, not a reset.
LINGER_SECONDS_MAX = 1.0
LINGER_BYTES_MAX = 16 * 1024 * 1024


class BodyLimitMiddleware:
    """Hands the application a request whose body is complete and small, or answers itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            await self.app(scope, receive, send)  # there is no body: RFC 9112, section 6.3
            return
        try:
            _check_content_length(headers.get("content-length"))
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await _read(receive)
        except TimeoutError:
            slow = InvalidField("body", "incomplete", f"all of it within {BODY_SECONDS_MAX:.0f} s")
            await _refuse(slow, scope, receive, send)
        except TigerExError as error:
            await _refuse(error, scope, receive, send)
        else:
            if body is not None:
                await self.app(scope, _replaying(body, receive), send)


def _check_content_length(value: str | None) -> None:
    if value is None:
        return
    if not value.isascii() or not value.isdigit():
        raise InvalidField("Content-Length", value[:40], "a decimal number of bytes")
    if len(value) > 18 or int(value) > BODY_BYTES_MAX:
        raise _too_large()


def _too_large() -> TooLarge:
    return TooLarge("body", "1 MiB")


async def _read(receive: Receive) -> bytes | None:
    """The body; None when the caller went away. Raises TooLarge at the first byte too many."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the collected body once, then what the server says."""
    pending: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal pending
        if pending is not None:
            message, pending = pending, None
            return message
        return await receive()

    return replay


async def _refuse(error: TigerExError, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(error, Request(scope))
    response.headers["Connection"] = "close"
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )
    await send({"type": "http.response.body", "body": bytes(response.body), "more_body": True})
    await _linger(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _linger(receive: Receive) -> None:
    """Discards what the peer still sends, for a bounded time and size."""
    discarded = 0
    try:
        async with asyncio.timeout(LINGER_SECONDS_MAX):
            while discarded < LINGER_BYTES_MAX:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                discarded += len(message.get("body", b""))
    except TimeoutError:
        return
