"""A gateway in this process, over services that answer what a test tells them."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.support.gateway_client import Client, make_app
from tests.support.gateway_upstreams import Upstreams, serving
from tests.support.socket_schema import check_text

from tigerex_services.gateway.websocket import messages
from tigerex_services.gateway.websocket.frames import text_frame


@pytest.fixture(autouse=True)
def documented_frames(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a gateway sends over its socket in these tests is as the AsyncAPI document says."""
    wrong: list[Exception] = []

    def framed(text: bytes) -> bytes:
        try:
            check_text(text)
        except Exception as error:  # noqa: BLE001 - told when the test ends
            wrong.append(error)
        return text_frame(text)

    monkeypatch.setattr(messages, "text_frame", framed)
    yield
    assert not wrong


@pytest.fixture
async def stack() -> AsyncIterator[tuple[Upstreams, Client]]:
    async with serving() as (upstreams, channel):
        transport = httpx.ASGITransport(make_app(channel))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield upstreams, Client(http)


@pytest.fixture
def upstreams(stack: tuple[Upstreams, Client]) -> Upstreams:
    return stack[0]


@pytest.fixture
def client(stack: tuple[Upstreams, Client]) -> Client:
    return stack[1]
