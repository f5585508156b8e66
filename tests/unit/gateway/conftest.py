"""A gateway in this process, over services that answer what a test tells them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.support.gateway_client import Client, make_app
from tests.support.gateway_upstreams import Upstreams, serving


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
