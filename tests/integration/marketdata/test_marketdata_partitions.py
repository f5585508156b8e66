"""Partitions in a real PostgreSQL: made before they are needed, dropped whole, pruned by plans."""

import asyncio
from typing import Any

import psycopg
import pytest
from tests.support.postgres import Database
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_core.records import Side
from tigerex_platform.clock import ManualClock
from tigerex_services.marketdata import partitions, statements
from tigerex_services.marketdata.aggregates import AggregateTrade, Counted
from tigerex_services.marketdata.candles import (
    INTERVALS_S,
    NS_PER_S,
    Candle,
    Trade,
    extend,
    open_time_ns,
)
from tigerex_services.marketdata.intervals import INTERVALS, Interval, combined
from tigerex_services.marketdata.partitions import TABLES
from tigerex_services.marketdata.storage import Storage

pytestmark = pytest.mark.integration

NOW_NS = ManualClock().now_ns()
DAY_NS = 86_400 * NS_PER_S
PARTITIONS = """
SELECT relname FROM pg_partition_tree('marketdata.trades')
JOIN pg_class ON pg_class.oid = relid WHERE isleaf
UNION ALL SELECT relname FROM pg_partition_tree('marketdata.aggregate_trades')
JOIN pg_class ON pg_class.oid = relid WHERE isleaf
UNION ALL SELECT relname FROM pg_partition_tree('marketdata.candles')
JOIN pg_class ON pg_class.oid = relid WHERE isleaf
"""


def rows_at(number: int, time_ns: int) -> tuple[Trade, AggregateTrade, list[Candle]]:
    """A trade, its aggregate and its candles."""
    trade = Trade(1, number, 100, 3, 300, Side.BUY, time_ns, number)
    aggregate = AggregateTrade(1, number, 100, 3, number, number, Side.BUY, time_ns)
    return trade, aggregate, [extend(None, trade, interval_s) for interval_s in INTERVALS_S]


async def write_at(storage: Storage, number: int, time_ns: int) -> None:
    trade, aggregate, candles = rows_at(number, time_ns)
    await storage.write([trade], [aggregate], candles, number, time_ns)


def existing(database: Database) -> set[str]:
    with database.connect() as connection:
        return {str(row[0]) for row in connection.execute(PARTITIONS)}


async def test_there_are_partitions_for_now_and_next_before_any_row(
    storage: Storage, database: Database
) -> None:
    await storage.write([], [], [], 1, NOW_NS)
    assert existing(database) == {
        *("trades_20231114", "trades_20231115"),
        *("aggregate_trades_20231114", "aggregate_trades_20231115"),
        *("candles_1s_20231114", "candles_1s_20231115"),
        *("candles_1m_202311", "candles_1m_202312", "candles_5m_202311", "candles_5m_202312"),
        *("candles_30m_2023", "candles_30m_2024", "candles_1h_2023", "candles_1h_2024"),
        *("candles_4h_2023", "candles_4h_2024"),
        "candles_1d",
    }


async def test_a_rebuild_from_years_ago_writes_what_is_kept_and_no_more(
    storage: Storage, database: Database
) -> None:
    days = 3_000
    for number in range(1, days + 1, 7):
        await write_at(storage, number, NOW_NS - (days - number) * DAY_NS)
    last = number
    assert await storage.progress() == (last, NOW_NS - (days - last) * DAY_NS)
    kept = {table.name: 0 for table in TABLES}
    for name in existing(database):
        table = name.rpartition("_")[0]
        if table in kept:
            kept[table] += 1
    for table in TABLES:
        assert kept[table.name] <= table.kept_s / 86_400 / min(table.span_days, 28) + 3
    assert await storage.counted() == {1: Counted(last, last)}
    assert [t.trade_id for t in await storage.trades(1, 0, 2**62, 1_000)] == [last]
    times = {NOW_NS - (days - number) * DAY_NS for number in range(1, days + 1, 7)}
    for seconds in INTERVALS_S:
        table = partitions.CANDLES.get(seconds)
        oldest_ns = table.keeps_from_ns(NOW_NS) if table else 0
        opens = sorted(open_time_ns(time_ns, seconds) for time_ns in times)
        found = await storage.candles(1, Interval(seconds, seconds), 0, 2**62, 1_000)
        assert [c.open_time_ns for c in found] == [t for t in opens if t >= oldest_ns]
    assert len(found) == len(times)


async def test_retention_drops_whole_partitions_and_nothing_else(
    storage: Storage, database: Database
) -> None:
    for number in range(1, 4):
        await write_at(storage, number, NOW_NS + (number - 3) * DAY_NS)
    assert await storage.prune(NOW_NS) == 0
    later_ns = open_time_ns(NOW_NS, 86_400) + 6 * DAY_NS  # a week after the second day begins
    assert await storage.prune(NOW_NS + 2 * DAY_NS) == 2  # seconds of yesterday and of today
    assert await storage.prune(later_ns - 1) == 1  # seconds of the day that was made in advance
    assert len(await storage.trades(1, 0, 2**62, 10)) == 3
    assert await storage.prune(later_ns) == 2  # trades and aggregates of the first day
    assert [t.trade_id for t in await storage.trades(1, 0, 2**62, 10)] == [2, 3]
    for seconds in INTERVALS_S:
        found = await storage.candles(1, Interval(seconds, seconds), 0, 2**62, 10)
        assert len(found) == (0 if seconds == 1 else 3), seconds
    await write_at(storage, 4, later_ns)
    assert {t.trade_id for t in await storage.trades(1, 0, 2**62, 10)} == {2, 3, 4}
    assert await storage.counted() == {1: Counted(4, 4)}


async def test_a_partition_that_somebody_dropped_is_made_again(
    storage: Storage, database: Database
) -> None:
    await write_at(storage, 1, NOW_NS)
    with database.connect() as connection:
        connection.execute(f"DROP TABLE marketdata.{partitions.TRADES.partition(NOW_NS)}")
    with pytest.raises(psycopg.Error, match="no partition"):
        await write_at(storage, 2, NOW_NS)
    await write_at(storage, 2, NOW_NS)
    assert [t.trade_id for t in await storage.trades(1, 0, 2**62, 10)] == [2]


async def test_two_processes_make_the_same_partitions(storage: Storage) -> None:
    other = Storage(storage._pool, ManualClock())
    times = [NOW_NS - day * DAY_NS for day in range(6)]
    await asyncio.gather(
        *(write_at(each, 6 - n, at) for each in (storage, other) for n, at in enumerate(times))
    )
    assert len(await storage.trades(1, 0, 2**62, 10)) == 6


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes_of(child))]


def explained(
    connection: "psycopg.Connection[Any]", statement: str, parameters: tuple[int, ...]
) -> list[dict[str, Any]]:
    [[[plan]]] = connection.execute(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
    ).fetchall()
    return nodes_of(plan["Plan"])


MINUTES = statements.CANDLES[60, False]
MONTH_NS = 30 * DAY_NS


@pytest.mark.parametrize("plan_cache_mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(
    ("statement", "parameters", "scanned_max"),
    [
        (MINUTES, (1, NOW_NS - MONTH_NS // 30, NOW_NS, 1_000), 1),
        (MINUTES, (1, NOW_NS - MONTH_NS, NOW_NS, 1_000), 2),
        (MINUTES, (1, 0, 2**62, 5), 1),  # the newest are in the last one that has any
        (statements.CANDLES[1, True], (1, NOW_NS - 100, NOW_NS + 100, 10), 1),
        (statements.TRADES[False], (1, 0, 2**62, 10), 9),  # ids are not times
        (statements.AGGREGATES_WITHIN[True], (1, NOW_NS - DAY_NS // 9, NOW_NS + 1, 10), 1),
    ],
)
async def test_plans_scan_indexes_of_few_partitions(
    storage: Storage,
    database: Database,
    statement: str,
    parameters: tuple[int, ...],
    scanned_max: int,
    plan_cache_mode: str,
) -> None:
    for number in range(1, 101):
        await write_at(storage, number, NOW_NS - (100 - number) * 3 * DAY_NS)
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute("SET search_path = marketdata")
        connection.execute(f"SET plan_cache_mode = {plan_cache_mode}")
        # Few rows would be read whole: as many as there are in earnest are not.
        connection.execute("SET enable_seqscan = off")
        connection.execute("ANALYZE")
        text = statement.replace("%s", "{}").format(*(f"${n + 1}" for n in range(len(parameters))))
        connection.execute(f"PREPARE asked ({', '.join(['bigint'] * len(parameters))}) AS {text}")
        nodes = explained(connection, f"EXECUTE asked ({', '.join(map(str, parameters))})", ())
    scans = [node for node in nodes if node.get("Relation Name")]
    ran = [node for node in scans if node["Actual Loops"]]
    assert scans
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
    assert len([n for n in ran if n["Actual Rows"]]) <= len(ran) <= scanned_max + 1
    assert not [node for node in nodes if node["Node Type"] in ("Sort", "Seq Scan")]


async def test_the_database_joins_candles_as_the_fold_does(storage: Storage) -> None:
    trades = [
        Trade(
            1,
            n,
            100 + n * 37 % 11,
            1 + n % 3,
            100,
            1 + n % 2,
            NOW_NS - DAY_NS + n * 7 * NS_PER_S,
            n,
        )
        for n in range(1, 2_000)
    ]
    kept: dict[tuple[int, int, int], Candle] = {}
    for interval_s in INTERVALS_S:
        candle = None
        for trade in trades:
            candle = extend(candle, trade, interval_s)
            kept[candle.key] = candle
    await storage.write(trades, [], list(kept.values()), 1, NOW_NS)
    for number, interval in INTERVALS.items():
        bases = sorted(
            (c for c in kept.values() if c.interval_s == interval.base_s),
            key=lambda candle: candle.open_time_ns,
        )
        joined = await storage.candles(1, interval, 0, 2**62, 10_000)
        assert combined(joined, interval) == combined(bases, interval), pb.CandleInterval.Name(
            number
        )
