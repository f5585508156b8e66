"""How fast bots answer: from the event a bot decides at to its accepted order, by journal times.

Ten grids trade on a moving price, each process real, all sharing this machine's processors.
Run: `python -m tests.bench.bots.bench_latency [seconds]`. Prints one line a bar.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.bench.bars import say_bar
from tests.support.bot_site import BotSite
from tests.support.postgres import fresh_database, postgres_server
from tests.support.redis import redis_server_running
from tests.support.tokens import TokenIssuer

from tigerex_core.records import Event, EventKind

BOTS = 10
SECONDS = 20
WARM_UP_S = 3
GOAL_MS = 50.0
NS_PER_MS = 1_000_000


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server() as server,
        redis_server_running() as redis,
        fresh_database(server, Path(folder) / "database") as database,
    ):
        tokens = Path(folder) / "tokens"
        tokens.mkdir()
        site = BotSite(Path(folder), database, redis, TokenIssuer(tokens))
        latencies = asyncio.run(measure(site, seconds))
    latencies.sort()
    p50, p99 = (latencies[min(int(len(latencies) * q), len(latencies) - 1)] for q in (0.5, 0.99))
    print(f"bot-latency: {BOTS} bots, {len(latencies)} orders, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    say_bar("bot-latency", p99, GOAL_MS, "ms p99", at_most=True)


async def measure(site: BotSite, seconds: float) -> list[float]:
    """Milliseconds from decision to acceptance of every order of the bots after the warm-up."""
    try:
        await site.start()
        site.runner.start()
        await site.runner.serving()
        walk = asyncio.create_task(site.walk())
        accounts = set()
        for number in range(BOTS):
            bot_id = await site.create(site.grid(f"grid {number}", investment="5000"))
            accounts.add((await site.until_trades(bot_id, 1)).account_id)
        await asyncio.sleep(WARM_UP_S)
        first = (await site.events())[-1][0]
        await asyncio.sleep(seconds)
        walk.cancel()
        return latencies_of(await site.events(), accounts, first)
    finally:
        await site.close()


def latencies_of(rows: list[list[int]], accounts: set[int], first_seq: int) -> list[float]:
    """From the time of the entry an order was decided at to the time of its acceptance."""
    time_of = {seq: row[Event.TIME_NS] for seq, *row in rows}
    return [
        (row[Event.TIME_NS] - time_of[row[Event.AUX]]) / NS_PER_MS
        for _, *row in rows
        if row[Event.KIND] == EventKind.ORDER_ACCEPTED
        and row[Event.ACCOUNT] in accounts
        and row[Event.AUX] >= first_seq
    ]


if __name__ == "__main__":
    main()
