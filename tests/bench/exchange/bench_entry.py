"""How many orders a second become durable: batches over gRPC, against the real process.

Client, exchange and PostgreSQL share the machine. Half of the orders rest, the other half fill
them, so each order is placed, matched, journaled with fsync and answered. Requests are made before
the clock starts, because it is not the client that is measured.
"""

import asyncio
import os
import statistics
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from tests.bench.bars import say_bar
from tests.integration.exchange.callers import Caller
from tests.integration.exchange.conftest import running_site
from tests.integration.exchange.site import Site
from tests.support.postgres import Database, free_port
from tests.support.redis import RedisServer
from tigerex.exchange.v1 import trading_pb2

GOAL_PER_S = 30_000
BATCH_ORDERS = 256
BATCHES = 120
IN_FLIGHT = 8
RUNS = 3
SINGLE_PER_S = 500
SINGLE_ORDERS = 2_000
SINGLE_P99_MS_MAX = 25.0
TAKEOVER_S_MAX = 5.0
STANDBY_FOLLOWS_S = 2.0
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


def family_cpu_s(pid: int) -> float:
    """Processor time of a process and of all that it started and that still run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return cpu_s(pid) + sum(family_cpu_s(int(child)) for child in children)


def used_by(site: Site) -> tuple[float, float]:
    """Processor time of the exchange and of PostgreSQL so far, in seconds."""
    return cpu_s(site.process.pid), family_cpu_s(site.database.server.pid)


def work_s(site: Site) -> dict[str, float]:
    """Seconds that the exchange spent on commands so far, by part, as its metrics say."""
    url = f"http://{site.settings.metrics_listen}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    name = "tigerex_exchange_work_duration_seconds"
    return {
        sample.labels["part"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == f"{name}_total"
    }


def say_shares(before: dict[str, float], after: dict[str, float], used: float, base: float) -> None:
    """Where the time of the runs went: cores used by each part; the exchange's and PostgreSQL's."""
    spent = {part: (after[part] - before.get(part, 0.0)) for part in after}
    inside = spent["kernel"] + spent["protobuf"]
    whole = used + base
    print(
        f"share of processor time: PostgreSQL {base / whole:.0%},"
        f" kernel {spent['kernel'] / whole:.0%}, protobuf {spent['protobuf'] / whole:.0%},"
        f" Python (and gRPC) {(used - inside) / whole:.0%};"
        f" a commit was awaited for {spent['commit']:.2f} s"
    )


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
    listen = f"127.0.0.1:{free_port()}"
    site.settings = site.settings.model_copy(update={"metrics_listen": listen})
    await site.restart()
    await submit_all(site, [batch(site) for _ in range(10)])  # warm
    rates, uses = [], []
    used_s = base_s = 0.0
    before = work_s(site)
    for _ in range(RUNS):
        batches = [batch(site) for _ in range(BATCHES)]
        begun, started_s = used_by(site), time.perf_counter()
        times = await submit_all(site, batches)
        elapsed_s = time.perf_counter() - started_s
        own_s, database_s = (
            after - before for after, before in zip(used_by(site), begun, strict=True)
        )
        rates.append(BATCHES * BATCH_ORDERS / elapsed_s)
        uses.append(own_s / elapsed_s)
        used_s, base_s = used_s + own_s, base_s + database_s
    times.sort()
    print(
        f"\ndurable entry: runs {', '.join(f'{rate:,.0f}' for rate in rates)} orders/s;"
        f" batches of {BATCH_ORDERS}, {IN_FLIGHT} in flight;"
        f" batch p50 {times[len(times) // 2] * 1e3:.1f} ms,"
        f" p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms;"
        f" exchange used {statistics.median(uses):.2f} cores"
    )
    say_shares(before, work_s(site), used_s, base_s)
    rate = statistics.median(rates)
    say_bar("durable entry", rate, GOAL_PER_S, "orders/s")
    await site.check_sums()
    await site.check_verified()


async def place_one(site: Site) -> None:
    """An order that rests, committed when this returns."""
    request = site.place_request(site.maker, "sell", "60000", "0.0001")
    await site.trading_of(FEED).PlaceOrder(request)


async def place_paced(site: Site, number: int) -> list[float]:
    """Orders in calls of their own, SINGLE_PER_S a second: milliseconds from when each was due to
    its answer, commit included."""
    begun_s = time.perf_counter()

    async def one(due_s: float) -> float:
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        await place_one(site)
        return (time.perf_counter() - due_s) * 1e3

    return sorted(await asyncio.gather(*(one(begun_s + at / SINGLE_PER_S) for at in range(number))))


async def test_single_orders_alone_and_beside_verify(site: Site) -> None:
    """What one order costs, and how much a verification disturbs."""
    await submit_all(site, [batch(site) for _ in range(BATCHES)])
    await place_paced(site, SINGLE_PER_S)  # warm
    alone = await place_paced(site, SINGLE_ORDERS)
    verifying = asyncio.create_task(site.check_verified())
    beside = []
    while not verifying.done():
        beside += await place_paced(site, SINGLE_PER_S)
    await verifying
    print()
    for name, times in (("single orders", alone), ("beside verify", sorted(beside))):
        p50, p99 = (times[len(times) * part // 100] for part in (50, 99))
        print(
            f"{name}: {SINGLE_PER_S} a second, p50 {p50:.1f} ms, p99 {p99:.1f} ms of {len(times)}"
        )
        if times is alone:
            say_bar(name, p99, SINGLE_P99_MS_MAX, "ms p99", at_most=True)
    await site.check_sums()


async def test_takeover(site: Site) -> None:
    """From the death of the leader to the first order that the standby has committed."""
    await submit_all(site, [batch(site) for _ in range(BATCHES)])
    second = await site.start_second()
    await submit_all(site, [batch(site) for _ in range(BATCHES)])
    await asyncio.sleep(STANDBY_FOLLOWS_S)
    site.kill()
    started_s = time.perf_counter()
    await site.switch_to(second)
    await place_one(site)
    taken_s = time.perf_counter() - started_s
    print()
    say_bar("takeover", taken_s, TAKEOVER_S_MAX, "s", at_most=True)
    await site.check_sums()
    await site.check_verified()
