"""The statements of `storage`: columns are the fields of the rows' classes, in their order."""

from collections.abc import Mapping

from tigerex_services.marketdata.candles import HOUR_S, INTERVALS_S, MINUTE_S

TRADE_COLUMNS = {
    **dict.fromkeys(("market_id", "trade_id", "price", "quantity", "notional"), "bigint"),
    "taker_side": "smallint",
    **dict.fromkeys(("time_ns", "seq"), "bigint"),
}
AGGREGATE_COLUMNS = {
    **dict.fromkeys(("market_id", "aggregate_id", "price", "quantity"), "bigint"),
    **dict.fromkeys(("first_trade_id", "last_trade_id"), "bigint"),
    "taker_side": "smallint",
    "time_ns": "bigint",
}
CANDLE_COLUMNS = {
    "market_id": "bigint",
    "interval_s": "integer",
    **dict.fromkeys(("open_time_ns", "open", "high", "low", "close"), "bigint"),
    **dict.fromkeys(("volume", "quote_volume"), "numeric"),
    **dict.fromkeys(("trades", "last_trade_id"), "bigint"),
    **dict.fromkeys(("taker_volume", "taker_quote_volume"), "numeric"),
}
COUNTED_COLUMNS = dict.fromkeys(("market_id", "aggregate_id", "trade_id"), "bigint")


def _insert(table: str, columns: Mapping[str, str]) -> str:
    """A statement that inserts rows from an array a column."""
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    return (
        f"INSERT INTO {table} AS kept ({', '.join(columns)})"  # noqa: S608 - all constants
        f" SELECT * FROM unnest({arrays})"
    )


INSERT_TRADES = f"{_insert('trades', TRADE_COLUMNS)} ON CONFLICT DO NOTHING"
INSERT_AGGREGATES = f"{_insert('aggregate_trades', AGGREGATE_COLUMNS)} ON CONFLICT DO NOTHING"
UPSERT_COUNTED = f"""
{_insert("counted", COUNTED_COLUMNS)}
ON CONFLICT (market_id) DO UPDATE SET
    aggregate_id = excluded.aggregate_id, trade_id = excluded.trade_id
WHERE excluded.aggregate_id > kept.aggregate_id
"""
UPSERT_CANDLES = f"""
{_insert("candles", CANDLE_COLUMNS)}
ON CONFLICT (market_id, interval_s, open_time_ns) DO UPDATE SET
    high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
    quote_volume = excluded.quote_volume, trades = excluded.trades,
    last_trade_id = excluded.last_trade_id, taker_volume = excluded.taker_volume,
    taker_quote_volume = excluded.taker_quote_volume
WHERE excluded.trades > kept.trades
"""
ADVANCE = "UPDATE projected SET last_seq = %s, time_ns = %s WHERE last_seq < %s"

_TRADES = f"SELECT {', '.join(TRADE_COLUMNS)} FROM trades WHERE market_id = %s"  # noqa: S608
_AGGREGATES = (
    f"SELECT {', '.join(AGGREGATE_COLUMNS)} FROM aggregate_trades"  # noqa: S608
    " WHERE market_id = %s"
)
_ORDERS = {False: "DESC", True: "ASC"}
# By whether the oldest are wanted.
TRADES = {
    oldest: f"{_TRADES} AND trade_id >= %s AND trade_id < %s ORDER BY trade_id {order} LIMIT %s"
    for oldest, order in _ORDERS.items()
}
AGGREGATES = {
    oldest: f"{_AGGREGATES} AND aggregate_id >= %s AND aggregate_id < %s"
    f" ORDER BY aggregate_id {order} LIMIT %s"
    for oldest, order in _ORDERS.items()
}
AGGREGATES_WITHIN = {
    oldest: f"{_AGGREGATES} AND time_ns >= %s AND time_ns < %s"
    f" ORDER BY time_ns {order}, aggregate_id {order} LIMIT %s"
    for oldest, order in _ORDERS.items()
}


def _kept(interval_s: int, market: str = "%s", end: str = "%s") -> str:
    """One market's candles of one length. It stands in the text, so that a plan knows the partition
    whatever its parameters are."""
    return (
        f"SELECT {', '.join(CANDLE_COLUMNS)} FROM candles"  # noqa: S608 - all constants
        f" WHERE market_id = {market} AND interval_s = {interval_s}"
        f" AND open_time_ns >= %s AND open_time_ns < {end}"
    )


CANDLES = {
    (interval_s, oldest): f"{_kept(interval_s)} ORDER BY open_time_ns {order} LIMIT %s"
    for interval_s in INTERVALS_S
    for oldest, order in _ORDERS.items()
}
# What some candles are as one. The first and the last price are those beside the least and the
# greatest time: arrays compare by their first element.
_AS_ONE = """
    (min(ARRAY[open_time_ns, open]))[2] AS open, max(high) AS high, min(low) AS low,
    (max(ARRAY[open_time_ns, close]))[2] AS close, sum(volume) AS volume,
    sum(quote_volume) AS quote_volume, sum(trades)::bigint AS trades,
    max(last_trade_id) AS last_trade_id, sum(taker_volume) AS taker_volume,
    sum(taker_quote_volume) AS taker_quote_volume
"""
# Joined to longer ones: seconds, any start of one, nanoseconds.
JOINED = {
    key: f"""
SELECT market_id, %s::integer AS interval_s,
    open_time_ns - mod(open_time_ns - %s::bigint, %s::bigint) AS open_time_ns, {_AS_ONE}
FROM ({kept}) AS kept GROUP BY 1, 3 ORDER BY 3
"""  # noqa: S608
    for key, kept in CANDLES.items()
}
# All of a span as one, by market, each until an end of its own: minutes, hours, minutes.
SPANS = f"""
SELECT market_id, {MINUTE_S} AS interval_s, min(open_time_ns) AS open_time_ns, {_AS_ONE}
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (id, end_ns) CROSS JOIN LATERAL (
    {_kept(MINUTE_S, "wanted.id")}
    UNION ALL {_kept(HOUR_S, "wanted.id")}
    UNION ALL {_kept(MINUTE_S, "wanted.id", "wanted.end_ns")}
) AS kept GROUP BY market_id
"""  # noqa: S608
# The last price before a time.
CLOSES = f"""
SELECT wanted.id, before.close FROM unnest(%s::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
    {_kept(MINUTE_S, "wanted.id")} ORDER BY open_time_ns DESC LIMIT 1
) AS before
"""  # noqa: S608
# A market of which nothing is counted has no trades and no candles.
LAST_QUANTITIES = """
SELECT newest.* FROM counted CROSS JOIN LATERAL (
    SELECT market_id, quantity FROM trades WHERE market_id = counted.market_id
    ORDER BY trade_id DESC LIMIT 1
) AS newest
"""
NEWEST_CANDLES = {
    interval_s: (
        "SELECT newest.* FROM counted CROSS JOIN LATERAL"  # noqa: S608
        f" (SELECT {', '.join(CANDLE_COLUMNS)} FROM candles"
        f" WHERE market_id = counted.market_id AND interval_s = {interval_s}"
        " ORDER BY open_time_ns DESC LIMIT 1) AS newest"
    )
    for interval_s in INTERVALS_S
}
