"""A year of market data in PostgreSQL, made by the server itself in the order of time."""

import time
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from tigerex_services.marketdata import partitions
from tigerex_services.marketdata.candles import INTERVALS_S, NS_PER_S
from tigerex_services.partitions import Partitions

DAY_NS = 86_400 * NS_PER_S
MONTH_NS = 30 * DAY_NS
TRADES_DAYS = 6
TRADES_A_PAIR = 40_000
STATEMENT_ROWS = 1_000_000

# All pairs of a minute, then the next minute: as rows are written in earnest.
CANDLES = """
INSERT INTO candles SELECT pair, {seconds}, at, 60000 + number % 1000, 61000 + number % 1000,
    59000 + number % 1000, 60000 + (number + 1) % 1000, 1000 + number % 99999,
    90000000 + number % 999999999, 60, number * 60, 500 + number % 9999, 45000000 + number % 99999
FROM (SELECT at, at / {length} AS number
      FROM generate_series({start}::bigint, {end}::bigint - 1, {length}) AS at) AS times
CROSS JOIN generate_series(1, {pairs}) AS pair ORDER BY at, pair
"""
TRADES = """
INSERT INTO trades SELECT pair, number, 60000 + number % 1000, 1 + number % 99, 60000,
    1 + number % 2, {start} + number * {step}, number
FROM generate_series(1, {trades}::bigint) AS number
CROSS JOIN generate_series(1, {pairs}) AS pair ORDER BY number, pair
"""
AGGREGATES = """
INSERT INTO aggregate_trades SELECT market_id, trade_id / 2, price, quantity * 2, trade_id - 1,
    trade_id, taker_side, time_ns
FROM trades WHERE trade_id % 2 = 0 ORDER BY time_ns, market_id
"""


@dataclass(frozen=True, slots=True)
class History:
    """What there is: candles of [start, now), trades of [trades start, now)."""

    pairs: int
    start_ns: int
    now_ns: int

    @classmethod
    def of(cls, pairs: int, months: float, now_ns: int) -> "History":
        now_ns -= now_ns % (60 * NS_PER_S)
        first_ns = now_ns - round(months * MONTH_NS)
        return cls(pairs, first_ns - first_ns % DAY_NS, now_ns)

    @property
    def trades_start_ns(self) -> int:
        return self.now_ns - TRADES_DAYS * DAY_NS

    async def fill(self, connection: AsyncConnection[Any], made: Partitions) -> None:
        """Write it, a million rows at once; prints how far it has come."""
        days = range(self.start_ns, self.now_ns, DAY_NS)
        last = range(self.trades_start_ns, self.now_ns + DAY_NS, DAY_NS)
        await made.ensure(
            {
                partitions.TRADES: last,
                partitions.AGGREGATE_TRADES: last,
                **{table: days for seconds, table in partitions.CANDLES.items() if seconds > 1},
            },
            self.now_ns,
        )
        await connection.execute("SET search_path = marketdata")
        await connection.execute("SET synchronous_commit = off")
        begun_s = time.monotonic()
        for seconds in INTERVALS_S[1:]:
            rows = await self._fill_candles(connection, seconds)
            spent_s = time.monotonic() - begun_s
            print(f"{rows:,} candles of {seconds} s are written after {spent_s:.0f} s", flush=True)
        step = (self.now_ns - self.trades_start_ns) // (TRADES_A_PAIR + 1)
        text = TRADES.format(
            start=self.trades_start_ns, step=step, trades=TRADES_A_PAIR, pairs=self.pairs
        )
        rows = (await connection.execute(text)).rowcount
        await connection.execute(AGGREGATES)
        print(f"{rows:,} trades and their aggregates are written", flush=True)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        print(f"ready after {time.monotonic() - begun_s:.0f} s", flush=True)

    async def _fill_candles(self, connection: AsyncConnection[Any], seconds: int) -> int:
        length = seconds * NS_PER_S
        start_ns = self.start_ns
        rows = 0
        while start_ns < self.now_ns:
            end_ns = min(self.now_ns, start_ns + STATEMENT_ROWS // self.pairs * length)
            text = CANDLES.format(
                seconds=seconds, length=length, start=start_ns, end=end_ns, pairs=self.pairs
            )
            rows += (await connection.execute(text)).rowcount
            start_ns = end_ns
            if seconds == 60 and rows // STATEMENT_ROWS % 5 == 0:
                print(f"{rows:,} rows …", flush=True)
        return rows
