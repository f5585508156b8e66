"""Sockets against a served gateway: topics, ids, errors as messages, bounds."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.gateway_client import SECRET, make_app
from tests.support.gateway_server import serving_http
from tests.support.gateway_upstreams import BOT_ID, Upstreams, bot, serving
from tigerex.bots.v1 import bots_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tigerex_platform.auth.hmac_signature import sign
from tigerex_services.gateway import server as server_module
from tigerex_services.gateway.context import Gateway
from tigerex_services.gateway.server import Server

pytestmark = pytest.mark.unit

WAIT_S = 5.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class Served:
    upstreams: Upstreams
    address: str
    gateway: Gateway
    server: Server

    def connect(self) -> connect:
        return connect(f"ws://{self.address}/api/v1/ws", compression=None)

    async def stream(self, count: int = 1) -> "asyncio.Queue[pb.SubscribeResponse | None]":
        """The newest upstream subscription, once there are `count` of them."""
        await until(lambda: len(self.upstreams.streams) >= count)
        return self.upstreams.streams[-1]


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(server_module, "REAP_S", 0.05)
    async with serving() as (upstreams, channel):
        app = make_app(channel)
        async with serving_http(app) as (server, address):
            yield Served(upstreams, address, app.state.gateway, server)
            app.state.gateway.market_hub.close()
            app.state.gateway.bot_feeds.close()
            app.state.gateway.books.close()


async def ask(ws: ClientConnection, **message: Any) -> dict[str, Any]:
    await ws.send(json.dumps(message))
    return await receive(ws)


async def receive(ws: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        return json.loads(await ws.recv())


def trade(number: int) -> pb.SubscribeResponse:
    return pb.SubscribeResponse(
        trade=pb.Trade(
            market="btc-usdt",
            trade_id=number,
            price="60000.00",
            quantity="0.001",
            taker_side="buy",
            time_ns=1_700_000_000_000_000_000,
        )
    )


async def test_trades_reach_every_subscriber_once_over_one_upstream_stream(
    served: Served,
) -> None:
    async with served.connect() as first, served.connect() as second:
        for number, ws in enumerate((first, second)):
            answer = await ask(ws, op="subscribe", id=number, channel="trades", market="btc-usdt")
            assert answer == {
                "type": "subscribed",
                "id": number,
                "subscription": "trades:btc-usdt",
            }
        stream = await served.stream()
        for number in (1, 2, 2, 1, 3):
            stream.put_nowait(trade(number))
        for ws in (first, second):
            seen = [await receive(ws) for _ in range(3)]
            assert [each["data"]["trade_id"] for each in seen] == [1, 2, 3]
            assert seen[0]["subscription"] == "trades:btc-usdt"
    assert len(served.upstreams.streams) == 1


async def test_states_are_told_at_once_and_old_ones_are_dropped(served: Served) -> None:
    async with served.connect() as ws:
        await ask(ws, op="subscribe", id=1, channel="book", market="btc-usdt")
        assert (await receive(ws))["data"]["seq"] == 3  # the state of now, before any event
        stream = await served.stream()
        stream.put_nowait(pb.SubscribeResponse(depth=pb.Depth(market="btc-usdt", seq=2)))
        stream.put_nowait(pb.SubscribeResponse(depth=pb.Depth(market="btc-usdt", seq=5)))
        assert (await receive(ws))["data"]["seq"] == 5
        async with served.connect() as late:
            await ask(late, op="subscribe", id=1, channel="book", market="btc-usdt")
            assert (await receive(late))["data"]["seq"] == 5


async def test_a_broken_upstream_stream_is_opened_again_and_the_gap_is_filled(
    served: Served,
) -> None:
    async with served.connect() as ws:
        await ask(ws, op="subscribe", id=1, channel="trades", market="btc-usdt")
        stream = await served.stream()
        stream.put_nowait(trade(1))
        assert (await receive(ws))["data"]["trade_id"] == 1
        served.upstreams.answers["ListTrades"] = pb.ListTradesResponse(
            trades=[trade(number).trade for number in (3, 2, 1)]
        )
        stream.put_nowait(None)
        assert [(await receive(ws))["data"]["trade_id"] for _ in range(2)] == [2, 3]
        (await served.stream(2)).put_nowait(trade(4))
        assert (await receive(ws))["data"]["trade_id"] == 4


async def test_candles_have_an_interval_and_unsubscribing_ends_the_stream(
    served: Served,
) -> None:
    async with served.connect() as ws:
        answer = await ask(
            ws, op="subscribe", id=1, channel="candles", market="btc-usdt", interval="1s"
        )
        assert answer["subscription"] == "candles:btc-usdt:1s"
        await served.stream()
        (call,) = served.upstreams.called("Subscribe")
        assert list(call.request.channels) == [pb.CHANNEL_CANDLES_1S]
        answer = await ask(
            ws, op="unsubscribe", id=2, channel="candles", market="btc-usdt", interval="1s"
        )
        assert (answer["type"], answer["id"]) == ("unsubscribed", 2)
        answer = await ask(ws, op="unsubscribe", id=3, channel="top", market="btc-usdt")
        assert answer["problem"]["code"] == "NOT_SUBSCRIBED"
        assert await ask(ws, op="ping", id=4) == {"type": "pong", "id": 4}


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"op": "subscribe", "id": 7, "channel": "prices", "market": "btc-usdt"}, "channel"),
        ({"op": "subscribe", "id": 7, "channel": "trades"}, "market"),
        ({"op": "subscribe", "id": 7, "channel": "trades", "market": "B"}, "market"),
        (
            {"op": "subscribe", "id": 7, "channel": "top", "market": "a", "interval": "1s"},
            "interval",
        ),
        ({"op": "subscribe", "id": 7, "channel": "trades", "market": "a", "x": 1}, "x"),
        ({"op": "dance", "id": 7}, "op"),
        ({"id": 7}, "op"),
        ({"op": "ping", "id": "7"}, "id"),
    ],
)
async def test_a_wrong_message_is_answered_with_a_problem(
    served: Served, message: dict[str, Any], field: str
) -> None:
    async with served.connect() as ws:
        answer = await ask(ws, **message)
        assert answer["type"] == "error"
        assert answer["id"] == (7 if message["id"] == 7 else None)
        assert answer["problem"]["field"] == field
        assert (await ask(ws, op="ping"))["type"] == "pong"  # the socket lives on


async def test_what_is_not_json_or_not_text_or_unknown(served: Served) -> None:
    async with served.connect() as ws:
        for bad in ("{", "null", "[" * 9_000, b"\x00"):
            await ws.send(bad)
            assert (await receive(ws))["type"] == "error"
        answer = await ask(ws, op="subscribe", id=1, channel="trades", market="doge-usdt")
        assert answer["problem"]["code"] == "NOT_FOUND"
        await ws.send("x" * 20_000)
        with pytest.raises(ConnectionClosed) as closed:
            await receive(ws)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def auth(**changes: Any) -> dict[str, Any]:
    timestamp = time.time_ns() // 1_000_000
    signature = sign(SECRET, timestamp, "GET /api/v1/ws", b"")
    return {
        "op": "auth",
        "id": 1,
        "key": "ann-key",
        "timestamp": timestamp,
        "signature": signature,
    } | changes


async def test_own_bots_after_a_signed_message(served: Served) -> None:
    async with served.connect() as ws:
        answer = await ask(ws, op="subscribe", id=1, channel="bots")
        assert answer["problem"]["status"] == 401
        forged = await ask(ws, **auth(signature="0" * 64))
        assert forged["problem"]["code"] == "INVALID_SIGNATURE"
        signed = auth()
        assert (await ask(ws, **signed))["user"] == "ann"
        async with served.connect() as thief:
            assert (await ask(thief, **signed))["problem"]["code"] == "REPLAYED_SIGNATURE"
        await ask(ws, op="subscribe", id=2, channel="bots")
        first = await receive(ws)
        assert (first["subscription"], first["data"]["event"]) == ("bots", "bot")
        assert {call.user for call in served.upstreams.called("ListBots")} == {"ann"}

        served.upstreams.answers["ListBotTrades"] = bots_pb2.ListBotTradesResponse(
            trades=[
                bots_pb2.BotTrade(
                    trade_id=9, market="btc-usdt", side="buy", price="1", quantity="2"
                )
            ]
        )
        running = bot(status=bots_pb2.BOT_STATUS_RUNNING)
        running.performance.CopyFrom(bots_pb2.BotPerformance(trades=1))
        served.upstreams.answers["ListBots"] = bots_pb2.ListBotsResponse(bots=[running])
        traded, changed = await receive(ws), await receive(ws)
        assert traded["data"]["trade"]["trade_id"] == 9
        assert changed["data"]["bot"]["status"] == "running"

        served.upstreams.answers["ListBots"] = bots_pb2.ListBotsResponse()
        assert (await receive(ws))["data"] == {"event": "removed", "bot_id": BOT_ID}


async def test_subscriptions_and_messages_are_bounded(served: Served) -> None:
    async with served.connect() as ws:
        await ask(ws, op="subscribe", id=1, channel="trades", market="btc-usdt")
        again = await ask(ws, op="subscribe", id=2, channel="trades", market="btc-usdt")
        assert again["problem"]["code"] == "ALREADY_SUBSCRIBED"
        for number in range(60):
            await ws.send(json.dumps({"op": "ping", "id": number}))
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - after some pongs
            for _ in range(60):
                await receive(ws)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert "messages a second" in closed.value.rcvd.reason


async def test_a_reader_that_does_not_keep_up_is_closed_and_others_go_on(
    served: Served,
) -> None:
    host, port = served.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1_024)
    writer.write(
        b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    text = b'{"op":"subscribe","id":1,"channel":"trades","market":"btc-usdt"}'
    writer.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        async with served.connect() as fast:
            await ask(fast, op="subscribe", id=1, channel="trades", market="btc-usdt")
            stream = await served.stream()
            hub = served.gateway.market_hub
            await until(lambda: hub.listeners == 2)
            sent = 0
            while hub.listeners == 2 and sent < 100_000:
                for number in range(sent, sent + 100):
                    stream.put_nowait(trade(number + 1))
                sent += 100
                for _ in range(100):
                    await receive(fast)
            assert hub.listeners == 1, "the slow reader is still subscribed"
            await until(lambda: len(served.server.server_state.connections) == 1)
    finally:
        writer.close()
