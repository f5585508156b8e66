"""Reads and orders together, at a steady rate: how long an answer takes, from when it was due to be
asked for. And what PostgreSQL's own statistics say of every query that this needed.

Run: `python -m tests.bench.gateway.bench_mix [--rate N] [--seconds S]`.
"""

import argparse
import asyncio
import hashlib
import hmac
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import uvloop
from tests.bench.bars import say_bar
from tests.support.exchange_stack import ApiKey, ExchangeStack, exchange_stack
from tests.support.postgres import Database, fresh_database, has_library, postgres_server
from tests.support.redis import redis_server_running

AGE_MS_MAX = 100.0
QUERY_MS_MAX = 50.0
CONNECTIONS = 64
ORDERS_SHARE = 0.3
WARM_UP_S = 3.0
SEED = 3
STATISTICS = "pg_stat_statements"
READS = (
    "/api/v3/depth?symbol=BTCUSDT&limit=100",
    "/api/v3/ticker/bookTicker?symbol=BTCUSDT",
    "/api/v3/ticker/price?symbol=BTCUSDT",
    "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=100",
    "/api/v3/trades?symbol=BTCUSDT&limit=100",
    "/api/v1/markets/btc-usdt/book?levels=20",
)
# A normal distribution's 99th percentile; PostgreSQL keeps mean and deviation of each query.
QUERIES = """
SELECT query, calls, mean_exec_time + 2.326 * stddev_exec_time
FROM pg_stat_statements WHERE calls >= 100 ORDER BY 3 DESC LIMIT 5
"""


class Connection:
    """One kept HTTP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, request: bytes) -> int:
        """The status of the answer, once all of it is there."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return int(head.split(b" ", 2)[1])


def requests(keys: list[ApiKey]) -> Iterator[bytes]:
    """Reads of every kind, and limit orders that rest or, at times, meet each other."""
    draw = random.Random(SEED)
    number = 0
    while True:
        number += 1
        if draw.random() >= ORDERS_SHARE:
            yield f"GET {draw.choice(READS)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            continue
        side, key = draw.choice([("BUY", keys[0]), ("SELL", keys[1])])
        offset = draw.randint(-2, 50) * (-1 if side == "BUY" else 1)
        query = urlencode(
            {
                "symbol": "BTCUSDT",
                "side": side,
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "0.0001",
                "price": 60_000 + offset,
                "newClientOrderId": f"mix-{number}",
                "timestamp": time.time_ns() // 1_000_000,
            }
        )
        signature = hmac.new(key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        yield (
            f"POST /api/v3/order?{query}&signature={signature} HTTP/1.1\r\nHost: x\r\n"
            f"X-MBX-APIKEY: {key.key}\r\nContent-Length: 0\r\n\r\n"
        ).encode()


async def measure(stack: ExchangeStack, rate: float, seconds: float) -> None:
    host, _, port = stack.addresses["gateway-http"].rpartition(":")
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for number in range(CONNECTIONS):  # each of an address of its own: weights are counted by it
        local = (f"127.2.{number}.1", 0)
        idle.put_nowait(
            Connection(*await asyncio.open_connection(host, int(port), local_addr=local))
        )
    ages_ms: list[float] = []
    statuses: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    asked = requests([stack.keys["ann"], stack.keys["bob"]])

    async def one(due_s: float, *, counts: bool) -> None:
        connection = await idle.get()
        status = await connection.ask(next(asked))
        idle.put_nowait(connection)
        if counts:
            ages_ms.append((loop.time() - due_s) * 1_000)
            statuses[status] += 1

    begin_s = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * (WARM_UP_S + seconds))):
            due_s = begin_s + number / rate
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            tasks.create_task(one(due_s, counts=due_s > begin_s + WARM_UP_S))
    ages_ms.sort()
    p50_ms, p99_ms = ages_ms[len(ages_ms) // 2], ages_ms[len(ages_ms) * 99 // 100]
    print(f"{rate:.0f} requests/s: {dict(statuses)}, p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms")
    if statuses.keys() != {200}:
        raise RuntimeError(f"not every request was answered with 200: {dict(statuses)}")
    say_bar("mix-p99", p99_ms, AGE_MS_MAX, "ms", at_most=True)


def say_queries(database: Database) -> None:
    with database.connect() as connection:
        rows = connection.execute(QUERIES).fetchall()
    for query, calls, p99_ms in rows:
        print(f"{float(str(p99_ms)):8.2f} ms, {calls} calls: {' '.join(str(query).split())[:90]}")
    say_bar("mix-query-p99", float(str(rows[0][2])), QUERY_MS_MAX, "ms", at_most=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=300.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    told = has_library(STATISTICS)
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server({"shared_preload_libraries": STATISTICS} if told else {}) as server,
        redis_server_running() as redis,
        fresh_database(server, Path(folder) / "database") as database,
    ):
        if told:
            with database.connect() as connection:
                connection.execute(f"CREATE EXTENSION {STATISTICS}")
                connection.commit()
        with exchange_stack(Path(folder), database, redis) as stack:
            uvloop.run(measure(stack, options.rate, options.seconds))
            if told:
                say_queries(database)


if __name__ == "__main__":
    main()
