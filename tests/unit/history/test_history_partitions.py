"""Where a time's partition is, and from when on rows are kept."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigerex_services.partitions import DAY_S, NS_PER_S, Table

pytestmark = pytest.mark.unit

TIMES = st.integers(0, 4_102_444_800 * NS_PER_S)  # until the year 2100
TABLES = st.sampled_from(
    [
        Table("orders", "%Y%m", 31, 732 * DAY_S),
        Table("trades", "%Y%m%d", 1, 7 * DAY_S),
        Table("candles", "%Y", 366, 5 * 366 * DAY_S),
    ]
)


def moment(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * NS_PER_S


def test_a_month_by_hand() -> None:
    table = Table("orders", "%Y%m", 31, 732 * DAY_S)
    assert table.partition(moment(2024, 2)) == "orders_202402"
    assert table.partition(moment(2024, 3) - 1) == "orders_202402"
    assert table.bounds_ns("orders_202402") == (moment(2024, 2), moment(2024, 3))
    assert table.bounds_ns("orders_202412") == (moment(2024, 12), moment(2025, 1))
    assert table.keeps_from_ns(moment(2026, 11)) == moment(2024, 10)
    assert table.partition(moment(2099, 12)) < "orders_open", "is never too old"


@given(TABLES, TIMES, TIMES)
def test_partitions_are_next_to_each_other_and_in_order(
    table: Table, time_ns: int, other_ns: int
) -> None:
    name = table.partition(time_ns)
    start_ns, end_ns = table.bounds_ns(name)
    assert start_ns <= time_ns < end_ns
    assert table.bounds_ns(table.partition(end_ns))[0] == end_ns
    assert (name < table.partition(other_ns)) == (end_ns <= other_ns)
    assert table.keeps_from_ns(time_ns) <= time_ns - table.kept_s * NS_PER_S
