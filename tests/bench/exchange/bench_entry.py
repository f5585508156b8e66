"""How many orders a second become durable: batches over gRPC, against the real process.

Client, exchange and PostgreSQL share the machine. Half of the orders rest, the other half fill
them, so each order is placed, matched, journaled with fsync and answered. Requests are made before
the clock starts, because it is not the client that is measured.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.integration.exchange.callers import Caller
from tests.integration.exchange.conftest import running_site
from tests.integration.exchange.site import Site
from tests.support.postgres import Database
from tests.support.redis import RedisServer
from tigerex.exchange.v1 import trading_pb2

GOAL_PER_S = 30_000
BATCH_ORDERS = 256
BATCHES = 120
IN_FLIGHT = 8
RUNS = 3
SINGLE_ORDERS = 400
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FEED = Caller("feed")


@pytest_asyncio.fixture
async def site(
    tmp_path: Path, database: Database, redis_server: RedisServer
) -> AsyncIterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    async with running_site(folder, database, redis_server) as site:
        yield site


def pair(site: Site) -> list[trading_pb2.BatchCommand]:
    """A sell that rests and the buy that fills it."""
    places = [
        site.place_request(user, side, "10000", "0.0001")
        for user, side in ((site.maker, "sell"), (site.taker, "buy"))
    ]
    return [trading_pb2.BatchCommand(place=place) for place in places]


def batch(site: Site) -> trading_pb2.SubmitBatchRequest:
    commands = [command for _ in range(BATCH_ORDERS // 2) for command in pair(site)]
    return trading_pb2.SubmitBatchRequest(commands=commands)


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


async def submit_all(site: Site, batches: list[trading_pb2.SubmitBatchRequest]) -> list[float]:
    """Seconds each batch took, with IN_FLIGHT of them at a time."""
    trading, waiting, times = site.trading_of(FEED), iter(batches), []

    async def worker() -> None:
        for request in waiting:
            started_s = time.perf_counter()
            answer = await trading.SubmitBatch(request, timeout=30)
            times.append(time.perf_counter() - started_s)
            assert len(answer.results) == BATCH_ORDERS
            assert all(result.HasField("placed") for result in answer.results)

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return times


async def test_durable_entry(site: Site) -> None:
    """Orders a second, median of the runs, and where the exchange's processor time went."""
    await submit_all(site, [batch(site) for _ in range(10)])  # warm
    rates, uses = [], []
    for _ in range(RUNS):
        batches = [batch(site) for _ in range(BATCHES)]
        used_s, started_s = cpu_s(site.process.pid), time.perf_counter()
        times = await submit_all(site, batches)
        elapsed_s = time.perf_counter() - started_s
        rates.append(BATCHES * BATCH_ORDERS / elapsed_s)
        uses.append((cpu_s(site.process.pid) - used_s) / elapsed_s)
    times.sort()
    print(
        f"\nbar durable-entry: {statistics.median(rates):,.0f} orders/s"
        f" (goal {GOAL_PER_S:,}; runs {', '.join(f'{rate:,.0f}' for rate in rates)};"
        f" batches of {BATCH_ORDERS}, {IN_FLIGHT} in flight;"
        f" batch p50 {times[len(times) // 2] * 1e3:.1f} ms,"
        f" p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms;"
        f" exchange used {statistics.median(uses):.2f} cores)"
    )
    await site.check_sums()
    await site.check_verified()


async def place_one(site: Site) -> float:
    """Seconds from the call to the answer, commit included."""
    request = site.place_request(site.maker, "sell", "60000", "0.0001")
    started_s = time.perf_counter()
    await site.trading_of(FEED).PlaceOrder(request)
    return time.perf_counter() - started_s


def percentiles(times: list[float]) -> str:
    times = sorted(times)
    p50, p99 = (times[len(times) * part // 100] * 1e3 for part in (50, 99))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms over {len(times)} orders"


async def test_single_orders_alone_and_beside_verify(site: Site) -> None:
    """One order at a time: what the host costs, and how much a verification disturbs."""
    await submit_all(site, [batch(site) for _ in range(BATCHES)])
    alone = [await place_one(site) for _ in range(SINGLE_ORDERS)]
    verifying = asyncio.create_task(site.check_verified())
    beside = []
    while not verifying.done():
        beside.append(await place_one(site))
    await verifying
    print(f"\nsingle order: {percentiles(alone)}")
    print(f"single order beside verify: {percentiles(beside)}")
    await site.check_sums()
