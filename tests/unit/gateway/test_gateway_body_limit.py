"""Large and slow bodies over a real socket: refused early, with a problem the sender can read."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.support.gateway_client import make_app
from tests.support.gateway_server import listening
from tests.support.gateway_upstreams import Upstreams, serving

from tigerex_services.gateway import body_limit

pytestmark = pytest.mark.unit

TEN_MB = 10 * 1024 * 1024


@pytest.fixture
async def server() -> AsyncIterator[tuple[Upstreams, str]]:
    async with serving() as (upstreams, channel), listening(make_app(channel)) as address:
        yield upstreams, address


async def raw(address: str, *parts: bytes) -> tuple[int, dict[str, object]]:
    """Sends bytes as they are; the status and the problem that came back."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)
    finally:
        writer.close()


async def test_ten_megabytes_are_refused_by_their_announcement(
    server: tuple[Upstreams, str],
) -> None:
    """Not one byte of the body is sent: the answer does not wait for it."""
    status, problem = await raw(
        server[1],
        b"POST /api/v1/bots/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {TEN_MB}\r\n\r\n".encode(),
    )
    assert (status, problem["code"], problem["limit"]) == (413, "TOO_LARGE", "1 MiB")


async def test_a_body_of_unknown_length_is_refused_at_the_limit(
    server: tuple[Upstreams, str],
) -> None:
    """The rest is never sent: the answer comes at the first byte too many."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    status, problem = await raw(
        server[1],
        b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[chunk] * 17,
    )
    assert (status, problem["code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_client_that_sends_all_of_it_reads_the_refusal(
    server: tuple[Upstreams, str], chunked: bool
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"x" * 65_536

    async with httpx.AsyncClient(base_url=f"http://{server[1]}", timeout=10) as http:
        response = await http.post(
            "/api/v1/orders",
            content=chunks() if chunked else b"x" * TEN_MB,
            headers={"content-type": "application/json"},
        )
    assert response.status_code == 413
    assert response.json()["field"] == "body"
    assert response.headers["connection"] == "close"
    assert not server[0].calls


async def test_one_mebibyte_passes_to_the_application(server: tuple[Upstreams, str]) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server[1]}") as http:
        response = await http.post(
            "/api/v1/orders",
            content=b" " * body_limit.BODY_BYTES_MAX,
            headers={"content-type": "application/json"},
        )
    assert response.status_code == 400  # white space is no JSON, which only a reader can know


async def test_a_body_that_does_not_come_is_not_waited_for_long(
    server: tuple[Upstreams, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limit, "BODY_SECONDS_MAX", 0.1)
    status, problem = await raw(
        server[1], b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
    )
    assert (status, problem["field"]) == (400, "body")


async def test_a_content_length_that_is_no_number_is_refused(
    server: tuple[Upstreams, str],
) -> None:
    for value in ("-5", "1e3", "9" * 30):
        host, port = server[1].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {value}\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert b" 400 " in answer.split(b"\r\n")[0] or b" 413 " in answer.split(b"\r\n")[0]
        assert b"Traceback" not in answer
