"""Command streams over a real wire, and bytes on it that no client of ours would send."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from tests.integration.exchange.callers import Caller, refused
from tests.integration.exchange.site import Site, rid
from tigerex.exchange.v1 import admin_pb2, trading_pb2, trading_pb2_grpc

from tigerex_platform.errors import (
    PermissionDenied,
    TooLarge,
    Unauthenticated,
    Unavailable,
    from_rpc_error,
)
from tigerex_platform.grpc.client import acting_for
from tigerex_services.exchange.service.limits import COMMANDS

pytestmark = pytest.mark.integration
MODULE_LOOP = pytest.mark.asyncio(loop_scope="module")

PLACE = "/tigerex.exchange.v1.TradingService/PlaceOrder"
STREAM = "/tigerex.exchange.v1.TradingService/SubmitStream"
ANSWER_S_MAX = 10.0
NOISE_SEEDS = 40
BIG_BYTES = 10 << 20


def stream(site: Site, caller: Caller) -> Any:
    """An open stream of messages."""
    stub = trading_pb2_grpc.TradingServiceStub(site._channel(caller, site.address))
    return stub.SubmitStream(metadata=acting_for(caller.user) if caller.user else ())


def raw(site: Site, caller: Caller, method: str = STREAM) -> Any:
    """An open stream of bytes, whose answers are messages."""
    opened = site._channel(caller, site.address).stream_stream(
        method, response_deserializer=trading_pb2.SubmitStreamResponse.FromString
    )
    return opened()


def place(site: Site, number: int, *orders: tuple[Any, str, str, str]) -> Any:
    commands = [
        trading_pb2.BatchCommand(place=site.place_request(user, side, price, quantity))
        for user, side, price, quantity in orders
    ]
    return trading_pb2.SubmitStreamRequest(id=number, commands=commands)


async def answer(call: Any) -> trading_pb2.SubmitStreamResponse:
    return await asyncio.wait_for(call.read(), ANSWER_S_MAX)


@contextlib.contextmanager
def ours() -> Any:
    """Errors of a stream as errors of ours."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None


async def test_commands_are_applied_and_answered_in_order(site: Site) -> None:
    maker, taker = site.maker, site.taker
    call = stream(site, Caller("feed"))
    await call.write(place(site, 11, (maker, "sell", "60000", "0.2"), (maker, "sell", "1", "99")))
    await call.write(place(site, 12, (taker, "buy", "60000", "0.1")))
    await call.write(place(site, 13))
    await call.done_writing()
    first, second, third = [each async for each in call]
    assert [first.id, second.id, third.id] == [11, 12, 13]
    assert [each.WhichOneof("result") for each in first.results] == ["placed", "refused"]
    assert first.results[1].refused.reason == "INSUFFICIENT_BALANCE"
    [filled] = second.results
    assert filled.placed.fills[0].quantity == "0.1"
    assert not third.results
    assert await call.code() is grpc.StatusCode.OK
    await site.check_sums()


async def test_a_command_repeated_on_another_stream_gets_its_first_answer(site: Site) -> None:
    request = place(site, 1, (site.maker, "sell", "60000", "0.2"))
    answers = []
    for _ in range(2):
        call = stream(site, site.maker.api_key)
        await call.write(request)
        answers.append(await answer(call))
        await call.done_writing()
    assert answers[0] == answers[1]
    assert answers[0].results[0].placed.order.order_id


async def test_refusals_leave_the_stream_open(site: Site) -> None:
    call = raw(site, site.maker.api_key)
    good = place(site, 5, (site.maker, "sell", "60000", "0.1")).SerializeToString()
    many = place(site, 2, *[(site.maker, "sell", "60000", "0.1")] * 257)
    foreign = place(site, 3, (site.taker, "buy", "60000", "0.1"))
    finer = place(site, 4, (site.maker, "sell", "60000.001", "0.1"))
    for body in (b"\xff\xff\xff", many.SerializeToString(), foreign.SerializeToString()):
        await call.write(body)
    for body in (finer.SerializeToString(), good[:-3], good):
        await call.write(body)
    malformed, too_many, denied, inexact, cut, placed = [await answer(call) for _ in range(6)]
    assert [malformed.id, malformed.refused.reason] == [0, "INVALID_FIELD"]
    assert [too_many.id, too_many.refused.field] == [2, "commands"]
    assert denied.results[0].refused.reason == "PERMISSION_DENIED"
    assert inexact.results[0].refused.field == "price"
    assert cut.refused.reason == "INVALID_FIELD"
    assert placed.results[0].placed.order.order_id
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK
    await site.check_sums()


async def test_the_stream_asks_who_comes(site: Site) -> None:
    request = place(site, 1, (site.maker, "sell", "60000", "0.1"))
    async with grpc.aio.insecure_channel(site.address) as bare:
        with refused(Unauthenticated), ours():
            call = trading_pb2_grpc.TradingServiceStub(bare).SubmitStream()
            await call.write(request)
            await answer(call)
    for caller in (Caller("marketdata"), Caller("gateway")):
        with refused(PermissionDenied), ours():
            call = stream(site, caller)
            await call.read()
    wrong = Caller(key=site.maker.api_key.key, secret="not the secret")
    with refused(Unauthenticated), ours():
        await stream(site, wrong).read()


async def test_the_hosts_end_ends_the_stream(site: Site) -> None:
    call = stream(site, Caller("feed"))
    await call.write(place(site, 1, (site.maker, "sell", "60000", "0.1")))
    assert (await answer(call)).results
    site.process.terminate()
    with refused(Unavailable), ours():
        while True:
            await call.write(place(site, 2, (site.maker, "sell", "60000", "0.1")))
            await answer(call)
    await site.wait_dead()
    await site.start()
    await site.check_sums()
    await site.check_verified()


async def test_too_many_commands_are_refused_with_a_hint(site: Site) -> None:
    """200 a second beyond 2,000 at once, as settings have it."""
    orders = [(site.maker, "sell", "60000", "0.0001")] * 256
    call = stream(site, site.maker.api_key)
    for number in range(1, 13):
        await call.write(place(site, number, *orders))
    answers = [await answer(call) for _ in range(12)]
    limited = [each for each in answers if each.refused.reason == "RATE_LIMITED"]
    assert 1 <= len(limited) <= 5
    assert COMMANDS in limited[0].refused.message
    assert 0 < limited[0].retry_after_ms < 3_000
    await asyncio.sleep(limited[0].retry_after_ms / 1000 + 0.3)
    await call.write(place(site, 99, *orders))
    assert (await answer(call)).results
    await call.done_writing()


async def raw_connection(site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = site.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


def noises() -> list[bytes]:
    """Openings of connections: none, half ones, other protocols, frames that lie about lengths."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    settings = b"\0\0\0\x04\0\0\0\0\0"
    headers = b"\0\0\x05\x01\x04\0\0\0\x01" + b"\xff" * 5
    fixed = [
        b"",
        b"\0",
        preface[:10],
        preface,
        preface + b"\xff" * 200,
        preface + settings + headers,
        preface + settings + b"\xff\xff\xff\0\0\0\0\0\x01",
        preface + settings + b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\0",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + os.urandom(100),
    ]
    for seed in range(NOISE_SEEDS):
        noise = random.Random(seed).randbytes(400)
        fixed.append(preface + settings + noise if seed % 2 else noise)
    return fixed


async def test_garbage_on_the_wire_ends_nothing_but_its_connection(site: Site) -> None:
    call = stream(site, Caller("feed"))
    order = (site.maker, "sell", "60000", "0.0001")
    for number, noise in enumerate(noises()):
        reader, writer = await raw_connection(site)
        writer.write(noise)
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.write_eof()
            await asyncio.wait_for(reader.read(), ANSWER_S_MAX)
        writer.close()
        await call.write(place(site, number, order))
        assert (await answer(call)).id == number
    await call.done_writing()
    assert site.process.poll() is None
    await site.check_sums()


async def bodies(site: Site) -> AsyncIterator[bytes]:
    """Serialized orders, cut, spoiled and inflated."""
    good = site.place_request(site.maker, "sell", "60000", "0.1").SerializeToString()
    for end in range(len(good)):
        yield good[:end]
    for seed in range(100):
        chance = random.Random(seed)
        spoiled = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        spoiled[2:18] = rid()  # never the same request twice
        yield bytes(spoiled)
    for text in ("NaN", "Infinity", "-1", "1e9", "0x10", "٣", " 1", "1_000", "9" * 40, "9" * 4_000):
        yield site.place_request(site.maker, "sell", text, "0.1").SerializeToString()
        yield site.place_request(site.maker, "sell", "60000", text).SerializeToString()


async def test_spoiled_orders_are_refused_or_answered_and_never_half_done(site: Site) -> None:
    opened = site._channel(Caller("feed"), site.address).unary_unary(PLACE)
    codes = set()
    async for body in bodies(site):
        try:
            await opened(body, timeout=ANSWER_S_MAX)
        except grpc.aio.AioRpcError as error:
            codes.add(error.code())

    allowed = {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ALREADY_EXISTS,
    }
    assert codes <= allowed, codes - allowed
    assert site.process.poll() is None
    await site.check_sums()
    await site.check_verified()


async def test_ten_megabytes_are_refused(site: Site) -> None:
    opened = site._channel(Caller("feed"), site.address).unary_unary(PLACE)
    async with grpc.aio.insecure_channel(
        site.address, options=[("grpc.max_send_message_length", -1)]
    ) as wide:
        metadata = (("authorization", f"Bearer {site._issuer.token('feed')}"),)
        with refused(TooLarge), ours():
            await wide.unary_unary(PLACE)(bytes(BIG_BYTES), metadata=metadata, timeout=ANSWER_S_MAX)
        call = wide.stream_stream(STREAM)(metadata=metadata)
        with refused(TooLarge), ours():
            await call.write(bytes(BIG_BYTES))
            await call.read()
    good = site.place_request(site.maker, "sell", "60000", "0.1").SerializeToString()
    assert await opened(good, timeout=ANSWER_S_MAX)
    await site.check_sums()


async def test_a_revoked_key_ends_its_stream(site: Site) -> None:
    """Not at once, but within the time that a key is believed in."""
    call = stream(site, site.maker.api_key)
    await call.write(place(site, 1, (site.maker, "sell", "60000", "0.1")))
    assert (await answer(call)).results
    await site.admin.RevokeApiKey(
        admin_pb2.RevokeApiKeyRequest(request_id=rid(), key=site.maker.api_key.key, reason="a test")
    )
    with refused(Unauthenticated), ours():
        await stream(site, site.maker.api_key).read()
    call.cancel()
