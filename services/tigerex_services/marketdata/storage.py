"""Keeps trades, candles and the last folded seq: one transaction for a range's rows and its end.

Every write can be repeated, in any order: a trade is kept once, a candle's row is the one with the
most trades, the last seq only grows. So two processes that fold the same journal do each other no
harm, and a rebuild gives the same rows.
"""

from collections.abc import Sequence
from typing import Any

from psycopg.rows import class_row, kwargs_row
from psycopg_pool import AsyncConnectionPool

from tigerex_services.marketdata.candles import NS_PER_S, Candle, Trade

TRADES_KEPT_S = 7 * 24 * 3600
_YEAR_S = 366 * 24 * 3600
CANDLES_KEPT_S = {1: 24 * 3600, 60: _YEAR_S, 3600: 5 * _YEAR_S, 86_400: 100 * _YEAR_S}
PRUNE_ROWS_MAX = 10_000  # rows deleted from a table at once

_TRADE_COLUMNS = "market_id, trade_id, price, quantity, notional, taker_side, time_ns, seq"
_CANDLE_COLUMNS = (
    "market_id, interval_s, open_time_ns, open, high, low, close,"
    " volume, quote_volume, trades, last_trade_id, taker_volume, taker_quote_volume"
)

_INSERT_TRADES = f"""
INSERT INTO trades ({_TRADE_COLUMNS})
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                     %s::smallint[], %s::bigint[], %s::bigint[])
ON CONFLICT DO NOTHING
"""  # noqa: S608 - columns are constants

_UPSERT_CANDLES = """
INSERT INTO candles AS kept (market_id, interval_s, open_time_ns, open, high, low, close,
                             volume, quote_volume, trades, last_trade_id, taker_volume,
                             taker_quote_volume)
SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[],
                     %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[],
                     %s::bigint[], %s::numeric[], %s::numeric[])
ON CONFLICT (market_id, interval_s, open_time_ns) DO UPDATE SET
    high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
    quote_volume = excluded.quote_volume, trades = excluded.trades,
    last_trade_id = excluded.last_trade_id, taker_volume = excluded.taker_volume,
    taker_quote_volume = excluded.taker_quote_volume
WHERE excluded.trades > kept.trades
"""

_ADVANCE = """
UPDATE folded SET last_seq = %s, time_ns = %s WHERE last_seq < %s
"""


_NUMERIC = ("volume", "quote_volume", "taker_volume", "taker_quote_volume")


class Storage:
    """Rows of the schema `marketdata`."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def progress(self) -> tuple[int, int]:
        """The last seq whose rows are kept, and its time; (0, 0) in the beginning."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT last_seq, time_ns FROM folded")
            row = await cursor.fetchone()
            return (row[0], row[1]) if row else (0, 0)

    async def write(
        self, trades: Sequence[Trade], candles: Sequence[Candle], seq: int, time_ns: int
    ) -> None:
        """Keep the rows of everything up to `seq`, all or nothing."""
        async with self._pool.connection() as connection, connection.transaction():
            if trades:
                await connection.execute(_INSERT_TRADES, _trade_columns(trades))
            if candles:
                await connection.execute(_UPSERT_CANDLES, _candle_columns(candles))
            await connection.execute(_ADVANCE, (seq, time_ns, seq))

    async def reset(self) -> None:
        """Forget everything, to be rebuilt from the journal."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("TRUNCATE trades, candles")
            await connection.execute("UPDATE folded SET last_seq = 0, time_ns = 0")

    async def newest_candles(self) -> list[Candle]:
        """The newest candle of each market and interval: those that may still be open."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=kwargs_row(_candle))
            await cursor.execute(
                f"SELECT DISTINCT ON (market_id, interval_s) {_CANDLE_COLUMNS} FROM candles"  # noqa: S608
                " ORDER BY market_id, interval_s, open_time_ns DESC"
            )
            candles: list[Candle] = await cursor.fetchall()
            return candles

    async def trades(self, market_id: int, before_id: int, limit: int) -> list[Trade]:
        """The newest trades with an id below `before_id`, newest first."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Trade))
            await cursor.execute(
                f"SELECT {_TRADE_COLUMNS} FROM trades"  # noqa: S608
                " WHERE market_id = %s AND trade_id < %s ORDER BY trade_id DESC LIMIT %s",
                (market_id, before_id, limit),
            )
            trades: list[Trade] = await cursor.fetchall()
            return trades

    async def candles(
        self, market_id: int, interval_s: int, start_ns: int, end_ns: int, limit: int
    ) -> list[Candle]:
        """The newest candles that begin in [start, end), newest first."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=kwargs_row(_candle))
            await cursor.execute(
                f"SELECT {_CANDLE_COLUMNS} FROM candles"  # noqa: S608
                " WHERE market_id = %s AND interval_s = %s AND open_time_ns >= %s"
                " AND open_time_ns < %s ORDER BY open_time_ns DESC LIMIT %s",
                (market_id, interval_s, start_ns, end_ns, limit),
            )
            candles: list[Candle] = await cursor.fetchall()
            return candles

    async def prune(self, now_ns: int) -> int:
        """Delete what retention does not keep, oldest first, a bounded number; how many it was."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "DELETE FROM trades WHERE ctid = ANY(ARRAY("
                "SELECT ctid FROM trades WHERE time_ns < %s LIMIT %s))",
                (now_ns - TRADES_KEPT_S * NS_PER_S, PRUNE_ROWS_MAX),
            )
            deleted: int = cursor.rowcount
            for interval_s, kept_s in CANDLES_KEPT_S.items():
                cursor = await connection.execute(
                    "DELETE FROM candles WHERE ctid = ANY(ARRAY(SELECT ctid FROM candles"
                    " WHERE interval_s = %s AND open_time_ns < %s LIMIT %s))",
                    (interval_s, now_ns - kept_s * NS_PER_S, PRUNE_ROWS_MAX),
                )
                deleted += cursor.rowcount
            return deleted


def _candle(**columns: Any) -> Candle:  # noqa: ANN401 - whatever the row has
    """A candle of its row: numeric columns come as Decimal."""
    for name in _NUMERIC:
        columns[name] = int(columns[name])
    return Candle(**columns)


def _trade_columns(trades: Sequence[Trade]) -> list[list[int]]:
    return [
        [t.market_id for t in trades],
        [t.trade_id for t in trades],
        [t.price for t in trades],
        [t.quantity for t in trades],
        [t.notional for t in trades],
        [t.taker_side for t in trades],
        [t.time_ns for t in trades],
        [t.seq for t in trades],
    ]


def _candle_columns(candles: Sequence[Candle]) -> list[list[int]]:
    return [
        [c.market_id for c in candles],
        [c.interval_s for c in candles],
        [c.open_time_ns for c in candles],
        [c.open for c in candles],
        [c.high for c in candles],
        [c.low for c in candles],
        [c.close for c in candles],
        [c.volume for c in candles],
        [c.quote_volume for c in candles],
        [c.trades for c in candles],
        [c.last_trade_id for c in candles],
        [c.taker_volume for c in candles],
        [c.taker_quote_volume for c in candles],
    ]
