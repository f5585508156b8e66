"""`make bench-gateway`: how many reads a second, beside an empty handler of the same server.

Server, services behind it and load share the machine. Each target takes turns with the empty
handler, and its ratio is the middle one of its rounds.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
from tests.bench.bars import say_bar
from tests.support.exchange_stack import ExchangeStack, exchange_stack
from tests.support.gateway_client import Client
from tests.support.gateway_server import free_port
from tests.support.postgres import fresh_database, postgres_server
from tests.support.redis import redis_server_running

GOAL = 0.5
SECONDS = 1.0
ROUNDS = 7
START_S_MAX = 60.0
LEVELS = 100
TARGETS = {
    "binance-depth": "/api/v3/depth?symbol=BTCUSDT",
    "binance-book-ticker": "/api/v3/ticker/bookTicker?symbol=BTCUSDT",
    "binance-price": "/api/v3/ticker/price?symbol=BTCUSDT",
    "native-book": "/api/v1/markets/btc-usdt/book?levels=20",
    "native-top": "/api/v1/markets/btc-usdt/top",
}
runs = count()


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as temporary,
        postgres_server() as postgres,
        redis_server_running() as redis,
        fresh_database(postgres, Path(temporary) / "database") as database,
        exchange_stack(Path(temporary), database, redis) as stack,
        empty_handler() as empty,
    ):
        asyncio.run(fill_the_book(stack))
        gateway = stack.addresses["gateway-http"]
        for name, target in TARGETS.items():
            rounds = [(rate(empty, "/"), rate(gateway, target)) for _ in range(ROUNDS)]
            ratio = statistics.median(read / nothing for nothing, read in rounds)
            nothing, read = (statistics.median(rates) for rates in zip(*rounds, strict=True))
            print(f"{name}: {read:,.0f} reads/s, empty handler {nothing:,.0f}/s")
            say_bar(f"rest-ratio-{name}", ratio, GOAL)


def rate(address: str, target: str) -> float:
    """Answers a second to a load from a process of its own."""
    command = [sys.executable, "-m", "tests.bench.gateway.load", address, target]
    done = subprocess.run(
        [*command, str(SECONDS), str(next(runs))], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout)


@contextmanager
def empty_handler() -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.gateway.empty", address])
    try:
        deadline = time.monotonic() + START_S_MAX
        while True:
            try:
                httpx.get(f"http://{address}/").raise_for_status()
            except httpx.ConnectError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                break
        yield address
    finally:
        process.terminate()
        process.wait(START_S_MAX)


async def fill_the_book(stack: ExchangeStack) -> None:
    """A hundred levels a side, and a trade."""
    async with httpx.AsyncClient(base_url=stack.url) as http:
        client = Client(http, stack.keys["ann"].key, stack.keys["ann"].secret)
        taker = Client(http, stack.keys["bob"].key, stack.keys["bob"].secret)
        for level in range(1, LEVELS + 1):
            for side, sign in (("buy", -1), ("sell", 1)):
                await place(client, side, f"{60_000 + sign * level}.00", "0.01")
        await place(taker, "buy", "60001.00", "0.001")


async def place(client: Client, side: str, price: str, quantity: str) -> None:
    body = {"market": "btc-usdt", "side": side, "price": price, "quantity": quantity}
    answer = await client.request("POST", "/api/v1/orders", json=body)
    answer.raise_for_status()


if __name__ == "__main__":
    main()
