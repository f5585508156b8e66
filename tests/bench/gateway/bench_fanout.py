"""One market's trades to hundreds of sockets: how old a trade is when it arrives, and what a
message costs beside a bare loop over the same server library.

Exchange, market data, gateway and the subscribers are processes of their own on this machine, and
the exchange trades beside the bare loop, too. How old a trade is counts from the commit of its
journal entry, whose time PostgreSQL knows.
Run: `python -m tests.bench.gateway.bench_fanout [--count N] [--events N] [--seconds S]`.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
from tests.bench.bars import say_bar
from tests.support.exchange_stack import ExchangeStack, exchange_stack
from tests.support.postgres import Database, free_port, fresh_database, postgres_server
from tests.support.redis import redis_server_running
from tigerex.exchange.v1 import trading_pb2, types_pb2
from tigerex.exchange.v1.trading_pb2_grpc import TradingServiceStub

from tigerex_platform.ids import new_request_id

AGE_MS_MAX = 10.0
COST_RATIO_MAX = 1.5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
READY_S_MAX = 60.0
MESSAGE_BYTES = 190  # of a trade
PYTHON = [sys.executable, "-m"]
SUBSCRIBE = {"op": "subscribe", "id": 1, "channel": "trades", "market": "btc-usdt"}


@dataclass(frozen=True)
class Delivered:
    """What the sockets received, and the processor time that the server spent meanwhile."""

    messages: int
    least: int
    came: list[tuple[int, int]]
    """Trade, and when it came (ns), on some of the sockets."""
    server_s: float

    @property
    def cost_us(self) -> float:
        return 1e6 * self.server_s / self.messages

    def ages_ms(self, since_ns: Mapping[int, int]) -> list[float]:
        """Sorted, of the trades whose beginning is known."""
        ages = [(at - since_ns[trade]) / 1e6 for trade, at in self.came if trade in since_ns]
        return sorted(ages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="sockets")
    parser.add_argument("--events", type=float, default=100.0, help="a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server({"track_commit_timestamp": "on"}) as server,
        redis_server_running() as redis,
        fresh_database(server, Path(folder) / "database") as database,
        exchange_stack(Path(folder), database, redis) as stack,
    ):
        bare, ours = asyncio.run(_both(stack, options))
        committed_ns = _committed_ns(database)
    sent_ns = {trade: trade for trade, _ in bare.came}  # the bare loop's numbers are its times
    for name, found, since_ns in (("bare loop", bare, sent_ns), ("gateway", ours, committed_ns)):
        ages_ms = found.ages_ms(since_ns)
        p99_ms = ages_ms[len(ages_ms) * 99 // 100]
        print(
            f"{name}: {found.messages} messages to {options.count} sockets, "
            f"{found.cost_us:.1f} us of processor time each, "
            f"age p50 {ages_ms[len(ages_ms) // 2]:.1f} ms, p99 {p99_ms:.1f} ms"
        )
    say_bar("fanout-age-p99", p99_ms, AGE_MS_MAX, "ms", at_most=True)
    say_bar("fanout-cost-ratio", ours.cost_us / bare.cost_us, COST_RATIO_MAX, at_most=True)


def _committed_ns(database: Database) -> dict[int, int]:
    """When the entry of each trade was committed, in ns since the Unix epoch."""
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT trade_id, (extract(epoch FROM pg_xact_commit_timestamp(journal.xmin)) * 1e9)"
            "::bigint FROM marketdata.trades JOIN exchange.journal USING (seq)"
        ).fetchall()
    return {int(str(trade)): int(str(at)) for trade, at in rows}


def _bare(options: argparse.Namespace) -> Delivered:
    address = f"127.0.0.1:{free_port()}"
    told = [address, str(options.events), str(MESSAGE_BYTES)]
    server = subprocess.Popen([*PYTHON, "tests.bench.gateway.bare_broadcast", *told])
    try:
        _wait_for(address)
        return _receive(address, "/", server.pid, options)
    finally:
        server.terminate()
        server.wait(10)


async def _both(stack: ExchangeStack, options: argparse.Namespace) -> tuple[Delivered, Delivered]:
    """The bare loop and the gateway, each while the exchange trades."""
    trading = asyncio.create_task(_trade(stack, options.events))
    address, gateway = stack.addresses["gateway-http"], stack.processes["gateway"].pid
    try:
        bare = await asyncio.to_thread(_bare, options)
        ours = await asyncio.to_thread(_receive, address, "/api/v1/ws", gateway, options)
        return bare, ours
    finally:
        trading.cancel()


def _receive(address: str, path: str, pid: int, options: argparse.Namespace) -> Delivered:
    told = [address, path, json.dumps(SUBSCRIBE), "--count", str(options.count)]
    receiving = subprocess.Popen(
        [*PYTHON, "tests.bench.gateway.subscribers", *told, "--seconds", str(options.seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert receiving.stdout is not None
        assert receiving.stdout.readline() == "ready\n"
        before_s = _processor_s(pid)
        assert receiving.stdout.readline() == "done\n"
        spent_s = _processor_s(pid) - before_s
        found = json.loads(receiving.stdout.readline())
    finally:
        receiving.kill()
        receiving.wait(READY_S_MAX)
    return Delivered(server_s=spent_s, **found)


def _processor_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _wait_for(address: str) -> None:
    host, _, port = address.rpartition(":")
    deadline_s = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline_s:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens at {address}")


async def _trade(stack: ExchangeStack, per_second: float) -> None:
    """So many trades a second, each by an order of its own, at a steady pace."""
    accounts = {
        user: stack._admin("EnsureUser", name=user).main_account.account_id
        for user in ("ann", "bob")
    }
    metadata = (("authorization", f"Bearer {stack.issuer.token('feed')}"),)

    def order(user: str, side: types_pb2.Side.ValueType, quantity: str, **terms: object) -> object:
        return trading_pb2.PlaceOrderRequest(
            request_id=new_request_id(),
            account_id=accounts[user],
            market="btc-usdt",
            side=side,
            quantity=quantity,
            **terms,  # type: ignore[arg-type]
        )

    async with grpc.aio.insecure_channel(stack._address("exchange")) as channel:
        place = TradingServiceStub(channel).PlaceOrder
        rest = order(
            "bob", types_pb2.SIDE_SELL, "9", type=types_pb2.ORDER_TYPE_LIMIT, price="60000"
        )
        await place(rest, metadata=metadata, timeout=5)
        loop, open_calls = asyncio.get_running_loop(), set()
        next_s = loop.time()
        while True:
            next_s += 1 / per_second
            await asyncio.sleep(max(0.0, next_s - loop.time()))
            take = order("ann", types_pb2.SIDE_BUY, "0.0001", type=types_pb2.ORDER_TYPE_MARKET)
            call = asyncio.ensure_future(place(take, metadata=metadata, timeout=5))
            open_calls.add(call)
            call.add_done_callback(open_calls.discard)


if __name__ == "__main__":
    main()
