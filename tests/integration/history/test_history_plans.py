"""Every query goes along an index, over two years of an account's orders among others'."""

from collections.abc import Iterator
from typing import Any

import pytest

from tigerex_platform.database import Pool
from tigerex_services.history.queries import (
    INT64_MAX,
    ORDERS_OF_LISTS,
    Span,
    fills_statement,
    lists_statement,
    orders_statement,
)
from tigerex_services.history.rows import FILL_COLUMNS, LIST_COLUMNS, ORDER_COLUMNS
from tigerex_services.history.storage import ENDED_ORDERS, REMOVE_LISTS, REMOVE_ORDERS, TABLES
from tigerex_services.partitions import Partitions

pytestmark = pytest.mark.integration

START_NS = 1_700_000_000_000_000_000
DAY_NS = 86_400_000_000_000
MONTHS = 24
ROWS = 60_000
STEP_NS = MONTHS * 30 * DAY_NS // ROWS
ACCOUNTS = 20
OPEN = 20_000
MIDDLE_NS = START_NS + MONTHS * 15 * DAY_NS

# Rows g = 1 … ROWS in the order of time; one in ACCOUNTS is of account 1.
_VALUES = {
    "account_id": f"g % {ACCOUNTS}",
    "market_id": "1",
    "order_id": "g",
    "list_id": "g",
    "limit_id": "g",
    "stop_id": "g + 1",
    "trade_id": "g",
    "created_ns": f"{START_NS} + g * {STEP_NS}",
    "time_ns": f"{START_NS} + g * {STEP_NS}",
    "maker": "true",
    "post_only": "false",
    "client_order_id": "'order-' || g",
    "client_list_id": "''",
}


async def fill(pool: Pool, table: str, columns: dict[str, str], first: int, ended: str) -> None:
    values = [
        ended if name == "ended_ns" else f"({_VALUES.get(name, '1')})::{kind}"
        for name, kind in columns.items()
    ]
    async with pool.connection() as connection:
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
            f" FROM generate_series({first}, {first + (OPEN if ended == '0' else ROWS)}) g"
        )


@pytest.fixture
async def two_years(pool: Pool) -> Pool:
    partitions = Partitions(pool, TABLES)
    times = [START_NS + day * DAY_NS for day in range(0, MONTHS * 31, 5)]
    await partitions.ensure(dict.fromkeys(TABLES, times), times[-1])
    ended = f"{START_NS} + g * {STEP_NS} + 1"
    for table, columns in (("orders", ORDER_COLUMNS), ("order_lists", LIST_COLUMNS)):
        await fill(pool, table, dict(columns), 1, ended)
        await fill(pool, table, dict(columns), ROWS + 1, "0")
    await fill(pool, "fills", dict(FILL_COLUMNS), 1, ended)
    async with pool.connection() as connection:
        await connection.execute("ANALYZE")
    return pool


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def plan_of(pool: Pool, statement: str, values: tuple[object, ...]) -> list[dict[str, Any]]:
    async with pool.connection() as connection:
        cursor = await connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        [[[answer]]] = await cursor.fetchall()
        return list(nodes(answer["Plan"]))


def read(node: dict[str, Any]) -> int:
    """Rows that a scan looked at."""
    return int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]


def whole(found: list[dict[str, Any]]) -> set[str]:
    """Partitions with rows of which all were read; of an empty one the planner need not care."""
    return {n["Relation Name"] for n in found if n["Node Type"] == "Seq Scan" and read(n)}


SPANS = {
    "the newest": Span(0, 0, INT64_MAX, 500),
    "from an id": Span(ROWS // 2, 0, INT64_MAX, 500),
    "a day": Span(0, MIDDLE_NS, MIDDLE_NS + DAY_NS, 500),
    "from a time": Span(0, MIDDLE_NS, INT64_MAX, 500),
    "before a time": Span(0, 0, MIDDLE_NS, 500),
}


@pytest.mark.parametrize("what", ["orders", "fills", "fills of an order", "lists"])
async def test_every_query_goes_along_an_index(two_years: Pool, what: str) -> None:
    for name, span in SPANS.items():
        bounds = (span.from_id, span.start_ns, span.end_ns)
        values: tuple[object, ...] = (1, 1, *bounds, span.limit)
        if what == "orders":
            statement = orders_statement(span)
        elif what == "lists":
            statement, values = lists_statement(span), (1, *bounds, span.limit)
        elif what == "fills":
            statement = fills_statement(span, of_order=False)
        else:
            statement = fills_statement(span, of_order=True)
            values = (1, 1, *bounds, ROWS // 2 + 1, span.limit)
        found = await plan_of(two_years, statement, values)
        assert not whole(found), name
        rows = sum(read(node) for node in found if node["Node Type"].endswith("Scan"))
        assert rows <= 2 * ROWS // ACCOUNTS, "no more than the account's"


async def test_what_the_writer_and_the_start_need_is_found_by_an_index(two_years: Pool) -> None:
    ids = list(range(1, 200, 2))
    queries: list[tuple[str, tuple[object, ...]]] = [
        (ORDERS_OF_LISTS, (1, [1], [1, 21, 41], START_NS)),
        (REMOVE_ORDERS, ([1] * 100, [1] * 100, ids)),
        (REMOVE_LISTS, ([1] * 100, ids)),
        (ENDED_ORDERS, ([1] * 100, [1] * 100, ids)),
    ]
    for statement, values in queries:
        found = await plan_of(two_years, statement, values)
        assert whole(found) <= {"orders_open", "order_lists_open"}, statement
