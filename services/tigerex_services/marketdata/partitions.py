"""The tables of market data that have partitions: spans, and how long rows are kept."""

from collections.abc import Mapping

from tigerex_services.partitions import DAY_S, Table

_YEAR_S = 366 * DAY_S

TRADES = Table("trades", "%Y%m%d", 1, 7 * DAY_S)
AGGREGATE_TRADES = Table("aggregate_trades", "%Y%m%d", 1, 7 * DAY_S)
CANDLES: Mapping[int, Table] = {
    1: Table("candles_1s", "%Y%m%d", 1, DAY_S),
    60: Table("candles_1m", "%Y%m", 31, _YEAR_S),
    300: Table("candles_5m", "%Y%m", 31, _YEAR_S),
    1_800: Table("candles_30m", "%Y", 366, 5 * _YEAR_S),
    3_600: Table("candles_1h", "%Y", 366, 5 * _YEAR_S),
    14_400: Table("candles_4h", "%Y", 366, 5 * _YEAR_S),
}
"""By seconds; candles of a day are kept for ever, in one table."""
TABLES = (TRADES, AGGREGATE_TRADES, *CANDLES.values())
