"""How long history takes: random pages of a year of candles, of trades and of aggregates.

The tables are filled as they would be in a year, 26 million candles of a minute of 50 pairs; then
pages of a thousand rows at random times of random pairs are read through the service, from the
request's fields to the answer's bytes. PostgreSQL says beside it what its own part was.

    make bench-marketdata              or: python -m tests.bench.marketdata.bench_history
    PAIRS=5 MONTHS=1 make bench-marketdata    the same of less

It needs 20 GB of disk for the year. Exits with 0, with 1 when the bar is missed.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
from google.protobuf.message import Message
from tests.bench.bars import say_bar
from tests.bench.marketdata.history_data import TRADES_A_PAIR, History
from tests.support.postgres import Database, fresh_database, has_library, postgres_server
from tests.support.service_schema import migrated
from tests.support.tokens import TokenIssuer
from tigerex.exchange.v1 import types_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.clock import SystemClock
from tigerex_platform.database import connect_pool
from tigerex_services.marketdata.book import Book
from tigerex_services.marketdata.fold import Fold
from tigerex_services.marketdata.hub import Hub
from tigerex_services.marketdata.partitions import TABLES
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.service import MarketDataService
from tigerex_services.marketdata.servicer import MarketDataServicer
from tigerex_services.marketdata.storage import Storage
from tigerex_services.partitions import Partitions

PAIRS = 50
MONTHS = 12.0
ROWS = 1_000
QUERIES = 300
WARM_UP = 10
GOAL_MS = 50.0
STATISTICS = "pg_stat_statements"
SERVER = {"shared_buffers": "256MB", "max_wal_size": "8GB"}
SEED = 5

Ask = Callable[[random.Random], Awaitable[Message]]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=PAIRS)
    options.add_argument("--months", type=float, default=MONTHS)
    asked = options.parse_args()
    told = {"shared_preload_libraries": STATISTICS} if has_library(STATISTICS) else {}
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server(SERVER | told) as server,
        fresh_database(server, Path(folder) / "database") as database,
    ):
        history = History.of(asked.pairs, asked.months, time.time_ns())
        met = asyncio.run(measure(database, Path(folder), history))
    return 0 if met else 1


async def measure(database: Database, folder: Path, history: History) -> bool:
    """Print the figures; whether the slowest kind of page is quick enough."""
    issuer = TokenIssuer(folder)
    settings = await asyncio.to_thread(migrated, "marketdata", database, issuer)
    async with (
        await connect_pool(settings) as pool,
        await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as connection,
    ):
        await history.fill(connection, Partitions(pool, TABLES))
        told = has_library(STATISTICS)
        if told:
            await connection.execute(f"CREATE EXTENSION {STATISTICS} SCHEMA public")
        storage = Storage(pool, SystemClock())
        servicer = servicer_of(history, storage)
        worst_ms = 0.0
        for name, ask in kinds(servicer, history).items():
            worst_ms = max(worst_ms, await say_times(name, ask))
        if told:
            await say_statements(connection)
    return say_bar("history-query-p99-ms", worst_ms, GOAL_MS, at_most=True)


def servicer_of(history: History, storage: Storage) -> MarketDataServicer:
    """A service that knows the markets, with nothing waiting to be stored."""
    fold = Fold(1, history.now_ns)
    assets = [types_pb2.Asset(asset_id=1, code="USDT", scale=8)]
    assets += [types_pb2.Asset(asset_id=n + 1, code=f"A{n}", scale=8) for n in pairs_of(history)]
    markets = [
        types_pb2.Market(
            market_id=number,
            symbol=symbol(number),
            base_asset=f"A{number}",
            quote_asset="USDT",
            tick_size="0.01",
            lot_size="0.00001",
            max_price="1000000",
            max_quantity="1000",
            min_notional="5",
            state=types_pb2.MARKET_STATE_OPEN,
        )
        for number in pairs_of(history)
    ]
    fold.directory.load(assets, markets)
    for number in pairs_of(history):
        fold.books[number] = Book(1, history.now_ns)
    return MarketDataServicer(MarketDataService(fold, Pending(1), storage, Hub(), SystemClock()))


def pairs_of(history: History) -> range:
    return range(1, history.pairs + 1)


def symbol(number: int) -> str:
    return f"a{number}-usdt"


def kinds(servicer: MarketDataServicer, history: History) -> Mapping[str, Ask]:
    """What is asked, by name: each a page of ROWS rows at a random place."""
    context: Any = None  # that of a call, which these methods have no use for

    def candles(interval: pb.CandleInterval.ValueType, *, empty: bool = False) -> Ask:
        async def ask(dice: random.Random) -> Message:
            return await servicer.ListCandles(
                pb.ListCandlesRequest(
                    market=symbol(dice.choice(pairs_of(history))),
                    interval=interval,
                    end_ns=dice.randrange(history.start_ns + 1, history.now_ns),
                    limit=ROWS,
                    with_empty=empty,
                ),
                context,
            )

        return ask

    async def trades(dice: random.Random) -> Message:
        request = pb.ListTradesRequest(
            market=symbol(dice.choice(pairs_of(history))),
            from_trade_id=dice.randrange(1, TRADES_A_PAIR),
            limit=ROWS,
        )
        return await servicer.ListTrades(request, context)

    async def aggregates(dice: random.Random) -> Message:
        request = pb.ListAggregateTradesRequest(
            market=symbol(dice.choice(pairs_of(history))),
            start_ns=dice.randrange(history.trades_start_ns, history.now_ns),
            limit=ROWS,
        )
        return await servicer.ListAggregateTrades(request, context)

    async def day(dice: random.Random) -> Message:
        request = pb.ListStatisticsRequest(market=symbol(dice.choice(pairs_of(history))))
        return await servicer.ListStatistics(request, context)

    async def day_of_all(_: random.Random) -> Message:
        return await servicer.ListStatistics(pb.ListStatisticsRequest(), context)

    asks = {
        f"candles of {name}": candles(pb.CandleInterval.Value(f"CANDLE_INTERVAL_{name.upper()}"))
        for name in ("1m", "3m", "5m", "15m", "30m", "1h", "6h", "12h", "1d")
    }
    return asks | {
        "candles of 1m, also empty ones": candles(pb.CANDLE_INTERVAL_1M, empty=True),
        "trades by id": trades,
        "aggregate trades by time": aggregates,
        "statistics of 24 hours": day,
        "statistics of 24 hours of all pairs": day_of_all,
    }


async def say_times(name: str, ask: Ask) -> float:
    """Ask many times; the 99th percentile in milliseconds."""
    dice = random.Random(SEED)
    times_ms, own_ms, size = [], [], 0
    for number in range(WARM_UP + QUERIES):
        begun_s, used_s = time.perf_counter(), time.process_time()
        answer = await ask(dice)
        size = max(size, len(answer.SerializeToString()))
        if number >= WARM_UP:
            times_ms.append((time.perf_counter() - begun_s) * 1e3)
            own_ms.append((time.process_time() - used_s) * 1e3)
    times_ms.sort()
    p50, p99 = (times_ms[len(times_ms) * part // 100] for part in (50, 99))
    print(
        f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms of {len(times_ms)}, up to {size:,} bytes;"
        f" processor time without PostgreSQL {statistics.median(own_ms):.1f} ms"
    )
    return p99


async def say_statements(connection: psycopg.AsyncConnection[Any]) -> None:
    """What PostgreSQL itself spent on each statement of the service."""
    cursor = await connection.execute(
        "SELECT mean_exec_time, max_exec_time, calls, rows, query"
        " FROM public.pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid"
        " WHERE rolname = 'marketdata' AND query ILIKE '%SELECT%FROM%' ORDER BY max_exec_time DESC"
    )
    for mean_ms, max_ms, calls, rows, query in await cursor.fetchall():
        text = " ".join(query.split())
        print(
            f"{STATISTICS}: mean {mean_ms:.2f} ms, max {max_ms:.2f} ms, {calls} calls,"
            f" {rows / calls:.0f} rows each: … {text[-150:]}"
        )


if __name__ == "__main__":
    sys.exit(main())
