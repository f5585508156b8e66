"""Keeps trades, aggregates, candles and the last folded seq: one transaction for a range's rows and
its end.

Every write can be repeated, in any order: a trade is kept once, a candle's row is the one with the
most trades, the last seq only grows. So two processes that fold the same journal do each other no
harm, and a rebuild gives the same rows. What is older than retention keeps is not written at all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.rows import args_row
from psycopg.types.numeric import IntLoader
from psycopg_pool import AsyncConnectionPool

from tigerex_platform.clock import Clock
from tigerex_services.marketdata import partitions, statements
from tigerex_services.marketdata.aggregates import AggregateTrade, Counted
from tigerex_services.marketdata.candles import HOUR_S, NS_PER_S, Candle, Trade
from tigerex_services.marketdata.intervals import Interval
from tigerex_services.partitions import Partitions

Row = TypeVar("Row")


class Storage:
    """Rows of the schema `marketdata`."""

    def __init__(self, pool: AsyncConnectionPool[Any], clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._partitions = Partitions(pool, partitions.TABLES)

    async def progress(self) -> tuple[int, int]:
        """The last seq whose rows are kept, and its time; (0, 0) in the beginning."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT last_seq, time_ns FROM projected")
            row = await cursor.fetchone()
            return (row[0], row[1]) if row else (0, 0)

    async def write(
        self,
        trades: Sequence[Trade],
        aggregates: Sequence[AggregateTrade],
        candles: Sequence[Candle],
        seq: int,
        time_ns: int,
    ) -> None:
        """Keep the rows of everything up to `seq`, all or nothing."""
        now_ns = self._now_ns(time_ns)
        counted = _counted(aggregates)
        oldest_ns = partitions.TRADES.keeps_from_ns(now_ns)
        trades = [trade for trade in trades if trade.time_ns >= oldest_ns]
        oldest_ns = partitions.AGGREGATE_TRADES.keeps_from_ns(now_ns)
        aggregates = [each for each in aggregates if each.time_ns >= oldest_ns]
        candles = [candle for candle in candles if _keeps(candle, now_ns)]
        times = {
            partitions.TRADES: [trade.time_ns for trade in trades],
            partitions.AGGREGATE_TRADES: [each.time_ns for each in aggregates],
        }
        for interval_s, table in partitions.CANDLES.items():
            times[table] = [c.open_time_ns for c in candles if c.interval_s == interval_s]
        try:
            await self._partitions.ensure(times, now_ns)
            async with self._pool.connection() as connection, connection.transaction():
                for statement, rows in (
                    (statements.INSERT_TRADES, trades),
                    (statements.INSERT_AGGREGATES, aggregates),
                    (statements.UPSERT_CANDLES, candles),
                ):
                    if rows:
                        await connection.execute(statement, _transposed(rows))
                if counted:
                    await connection.execute(statements.UPSERT_COUNTED, _transposed(counted))
                await connection.execute(statements.ADVANCE, (seq, time_ns, seq))
        except psycopg.Error:
            self._partitions.forget()
            raise

    async def reset(self) -> None:
        """Forget everything, to be rebuilt from the journal."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("TRUNCATE trades, aggregate_trades, counted, candles")
            await connection.execute("UPDATE projected SET last_seq = 0, time_ns = 0")

    async def newest_candles(self) -> list[Candle]:
        """The newest candle of each market and interval: those that may still be open."""
        found: list[Candle] = []
        for statement in statements.NEWEST_CANDLES.values():
            found += await self._rows(Candle, statement, ())
        return found

    async def counted(self) -> dict[int, Counted]:
        """How far each market's aggregates are counted, by market id."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT market_id, aggregate_id, trade_id FROM counted"
            )
            return {row[0]: Counted(row[1], row[2]) for row in await cursor.fetchall()}

    async def last_quantities(self) -> dict[int, int]:
        """Lots of the newest trade that is kept, by market id."""
        return dict(await self._rows(_pair, statements.LAST_QUANTITIES, ()))

    async def trades(
        self, market_id: int, from_id: int, before_id: int, limit: int, *, oldest: bool = False
    ) -> list[Trade]:
        """The newest trades with ids in [from, before), or the oldest; oldest first."""
        of = (market_id, from_id, before_id, limit)
        found = await self._rows(Trade, statements.TRADES[oldest], of)
        return _oldest_first(found, oldest=oldest)

    async def aggregates(
        self, market_id: int, from_id: int, before_id: int, limit: int, *, oldest: bool = False
    ) -> list[AggregateTrade]:
        """The newest aggregates with ids in [from, before), or the oldest; oldest first."""
        of = (market_id, from_id, before_id, limit)
        found = await self._rows(AggregateTrade, statements.AGGREGATES[oldest], of)
        return _oldest_first(found, oldest=oldest)

    async def aggregates_within(
        self, market_id: int, start_ns: int, end_ns: int, limit: int, *, oldest: bool = False
    ) -> list[AggregateTrade]:
        """The same of those in [start, end)."""
        of = (market_id, start_ns, end_ns, limit)
        found = await self._rows(AggregateTrade, statements.AGGREGATES_WITHIN[oldest], of)
        return _oldest_first(found, oldest=oldest)

    async def candles(
        self,
        market_id: int,
        interval: Interval,
        start_ns: int,
        end_ns: int,
        limit: int,
        *,
        oldest: bool = False,
    ) -> list[Candle]:
        """What the newest (or the oldest) `limit` kept candles that begin in [start, end) make,
        oldest first: candles of the interval, or of days where it is one of months."""
        of = (market_id, start_ns, end_ns, limit)
        kept = statements.CANDLES[interval.base_s, oldest]
        if interval.bases_max == 1 or not interval.seconds:
            return _oldest_first(await self._rows(Candle, kept, of), oldest=oldest)
        length = (interval.seconds, interval.first_start_ns, interval.seconds * NS_PER_S)
        return await self._rows(Candle, statements.JOINED[interval.base_s, oldest], (*length, *of))

    async def spans(self, start_ns: int, ends_ns: Mapping[int, int]) -> list[Candle]:
        """What all minutes that begin in [start, end) make, for each market that traded then; every
        market has an end of its own. Whole hours are read as such."""
        if not ends_ns:
            return []
        hour_ns = HOUR_S * NS_PER_S
        first_ns = -(-start_ns // hour_ns) * hour_ns
        last_ns = min(ends_ns.values()) // hour_ns * hour_ns
        if last_ns <= first_ns:
            first_ns = last_ns = start_ns
        of = (list(ends_ns), list(ends_ns.values()))
        hours = (start_ns, first_ns, first_ns, last_ns, last_ns)
        return await self._rows(Candle, statements.SPANS, (*of, *hours))

    async def closes(self, market_ids: Sequence[int], before_ns: int) -> dict[int, int]:
        """The last price of the minutes that begin before a time, by market."""
        return dict(await self._rows(_pair, statements.CLOSES, (list(market_ids), 0, before_ns)))

    async def prune(self, now_ns: int) -> int:
        """Drop the partitions of which retention keeps nothing; how many it was."""
        return len(await self._partitions.drop_old(self._now_ns(now_ns)))

    def _now_ns(self, time_ns: int) -> int:
        """What retention counts back from, `time_ns` being the exchange's time."""
        return max(self._clock.now_ns(), time_ns)

    async def _rows(
        self, of: Callable[..., Row], statement: str, parameters: Sequence[object]
    ) -> list[Row]:
        """As the statement orders them; its columns are the fields, all whole numbers."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(of))
            cursor.adapters.register_loader("numeric", IntLoader)
            await cursor.execute(statement, parameters)
            rows: list[Row] = await cursor.fetchall()
            return rows


def _oldest_first(rows: list[Row], *, oldest: bool) -> list[Row]:
    return rows if oldest else rows[::-1]


def _pair(first: int, second: int) -> tuple[int, int]:
    return first, second


def _keeps(candle: Candle, now_ns: int) -> bool:
    table = partitions.CANDLES.get(candle.interval_s)
    return table is None or candle.open_time_ns >= table.keeps_from_ns(now_ns)


def _counted(aggregates: Iterable[AggregateTrade]) -> list[tuple[int, int, int]]:
    """(market id, last aggregate's id, its last trade's id) of each market."""
    last = {each.market_id: each for each in aggregates}
    return [(each.market_id, each.aggregate_id, each.last_trade_id) for each in last.values()]


def _transposed(rows: Iterable[Sequence[int]]) -> list[list[int]]:
    """An array a column."""
    return [list(column) for column in zip(*rows, strict=True)]
