"""Rows that are kept and rows that wait to be kept, as one.

What waits is looked at first: what is stored meanwhile is then found twice rather than never.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tigerex_services.marketdata.aggregates import AggregateTrade
from tigerex_services.marketdata.candles import Candle, Trade
from tigerex_services.marketdata.intervals import Interval, combined, joined
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.storage import Storage

Row = TypeVar("Row")


class Reader:
    """Reads oldest first, at most `count` rows: the newest that fit, or the oldest."""

    def __init__(self, pending: Pending, storage: Storage) -> None:
        self._pending = pending
        self._storage = storage

    async def trades(
        self, market_id: int, from_id: int, before_id: int, count: int, *, oldest: bool
    ) -> list[Trade]:
        """Trades with ids in [from, before)."""
        waiting = [t for t in self._pending.trades(market_id) if from_id <= t.trade_id < before_id]
        stored = await self._storage.trades(market_id, from_id, before_id, count, oldest=oldest)
        return _merged((*stored, *waiting), lambda trade: trade.trade_id, count, oldest=oldest)

    async def aggregates(
        self, market_id: int, from_id: int, before_id: int, count: int, *, oldest: bool
    ) -> list[AggregateTrade]:
        """Aggregates with ids in [from, before)."""
        waiting = [
            each
            for each in self._pending.aggregates(market_id)
            if from_id <= each.aggregate_id < before_id
        ]
        stored = await self._storage.aggregates(market_id, from_id, before_id, count, oldest=oldest)
        return _merged((*stored, *waiting), _aggregate_id, count, oldest=oldest)

    async def aggregates_within(
        self, market_id: int, start_ns: int, end_ns: int, count: int, *, oldest: bool
    ) -> list[AggregateTrade]:
        """Aggregates of the time [start, end)."""
        waiting = [
            each
            for each in self._pending.aggregates(market_id)
            if start_ns <= each.time_ns < end_ns
        ]
        stored = await self._storage.aggregates_within(
            market_id, start_ns, end_ns, count, oldest=oldest
        )
        return _merged((*stored, *waiting), _aggregate_id, count, oldest=oldest)

    async def candles(
        self,
        market_id: int,
        interval: Interval,
        start_ns: int,
        end_ns: int,
        count: int,
        *,
        oldest: bool = False,
    ) -> list[Candle]:
        """Candles of an interval, of those kept ones that begin in [start, end).

        The database joins what it has; from the first candle on that waits, kept ones are joined
        here, so that the newer form of each counts.
        """
        waiting = self._pending.candles(market_id, interval.base_s, start_ns, end_ns)
        from_ns = min(waiting, default=end_ns)
        # One more than asked for: the furthest may be cut.
        rows = (count + 1) * interval.bases_max
        joined = await self._storage.candles(
            market_id, interval, start_ns, from_ns, rows, oldest=oldest
        )
        if waiting:
            base = Interval(interval.base_s, interval.base_s)
            kept = await self._storage.candles(
                market_id, base, from_ns, end_ns, rows, oldest=oldest
            )
            newest = {candle.open_time_ns: candle for candle in kept}
            for open_time_ns, candle in waiting.items():
                stored = newest.get(open_time_ns)
                if stored is None or stored.trades < candle.trades:
                    newest[open_time_ns] = candle
            joined += [newest[time_ns] for time_ns in sorted(newest)]
        found = combined(joined, interval)
        return found[:count] if oldest else found[-count:]

    async def spans(
        self, market_ids: Iterable[int], start_ns: int, end_ns: int
    ) -> dict[int, Candle]:
        """What all minutes that begin in [start, end) make, by market; of those that traded then.

        A market's minutes that wait are its newest ones: the database joins what is before them.
        """
        waiting: dict[int, list[Candle]] = {market_id: [] for market_id in market_ids}
        for candle in self._pending.minutes(start_ns, end_ns):
            if candle.market_id in waiting:
                waiting[candle.market_id].append(candle)
        ends_ns = {
            market_id: minutes[0].open_time_ns if minutes else end_ns
            for market_id, minutes in waiting.items()
        }
        stored = await self._storage.spans(start_ns, ends_ns)
        found = {candle.market_id: candle for candle in stored}
        for market_id, minutes in waiting.items():
            for minute in minutes:
                before = found.get(market_id)
                found[market_id] = joined(before, minute) if before else minute
        return found

    async def closes(self, market_ids: Sequence[int], before_ns: int) -> dict[int, int]:
        """The last price of the minutes that begin before a time, by market."""
        waiting = {each.market_id: each.close for each in self._pending.minutes(0, before_ns)}
        return await self._storage.closes(market_ids, before_ns) | waiting


def _aggregate_id(each: AggregateTrade) -> int:
    return each.aggregate_id


def _merged(
    rows: Iterable[Row], key: Callable[[Row], int], count: int, *, oldest: bool
) -> list[Row]:
    """Each once, oldest first, the oldest or the newest of them."""
    found = {key(row): row for row in rows}
    keys = sorted(found)
    return [found[key] for key in (keys[:count] if oldest else keys[-count:])]
