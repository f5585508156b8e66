"""The lengths of candles that can be asked for: kept ones, and those that are made of kept ones."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_services.marketdata.candles import HOUR_S, MINUTE_S, NS_PER_S, Candle

_DAY = 86_400
_5_MINUTES, _30_MINUTES, _4_HOURS = 5 * MINUTE_S, 30 * MINUTE_S, 4 * HOUR_S
_MONDAY_NS = 4 * _DAY * NS_PER_S  # 1970 began on a Thursday
_MONTHS_A_YEAR = 12
_MONTH_DAYS_MAX = 31


@dataclass(frozen=True, slots=True)
class Interval:
    """Candles of so many seconds, or of calendar months where that is 0, made of those of `base_s`
    seconds; one of them begins at `first_start_ns`."""

    seconds: int
    base_s: int
    first_start_ns: int = 0

    @property
    def bases_max(self) -> int:
        """The most base candles that one is made of."""
        return self.seconds // self.base_s if self.seconds else _MONTH_DAYS_MAX

    def start_ns(self, time_ns: int) -> int:
        """When the interval began that a time is in."""
        if not self.seconds:
            day = datetime.fromtimestamp(time_ns // NS_PER_S, UTC)
            return _month_ns(day.year, day.month)
        length_ns = self.seconds * NS_PER_S
        return time_ns - (time_ns - self.first_start_ns) % length_ns

    def next_ns(self, start_ns: int) -> int:
        """When the interval after the one that began then begins."""
        return self.after_ns(start_ns, 1)

    def first_ns(self, time_ns: int) -> int:
        """When the first interval begins that does not begin before a time."""
        start_ns = self.start_ns(time_ns)
        return start_ns if start_ns == time_ns else self.next_ns(start_ns)

    def length_s(self, start_ns: int) -> int:
        """Of the interval that begins then."""
        return (self.next_ns(start_ns) - start_ns) // NS_PER_S

    def after_ns(self, start_ns: int, count: int) -> int:
        """When `count` intervals from the one that began then are over."""
        if self.seconds:
            return start_ns + count * self.seconds * NS_PER_S
        return _months_from(start_ns, count)

    def before_ns(self, end_ns: int, count: int) -> int:
        """The start of the first of `count` intervals of which the last one holds `end_ns` - 1."""
        start_ns = self.start_ns(end_ns - 1)
        if self.seconds:
            return start_ns - (count - 1) * self.seconds * NS_PER_S
        return _months_from(start_ns, 1 - count)


def _months_from(time_ns: int, count: int) -> int:
    """The start of the month so many months after the one that a time is in."""
    day = datetime.fromtimestamp(time_ns // NS_PER_S, UTC)
    months = day.year * _MONTHS_A_YEAR + day.month - 1 + count
    return _month_ns(months // _MONTHS_A_YEAR, months % _MONTHS_A_YEAR + 1)


def _month_ns(year: int, month: int) -> int:
    if year < 1970:
        return 0
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * NS_PER_S


INTERVALS: Mapping[int, Interval] = {
    pb.CANDLE_INTERVAL_1S: Interval(1, 1),
    pb.CANDLE_INTERVAL_1M: Interval(MINUTE_S, MINUTE_S),
    pb.CANDLE_INTERVAL_3M: Interval(3 * MINUTE_S, MINUTE_S),
    pb.CANDLE_INTERVAL_5M: Interval(_5_MINUTES, _5_MINUTES),
    pb.CANDLE_INTERVAL_15M: Interval(15 * MINUTE_S, _5_MINUTES),
    pb.CANDLE_INTERVAL_30M: Interval(_30_MINUTES, _30_MINUTES),
    pb.CANDLE_INTERVAL_1H: Interval(HOUR_S, HOUR_S),
    pb.CANDLE_INTERVAL_2H: Interval(2 * HOUR_S, HOUR_S),
    pb.CANDLE_INTERVAL_4H: Interval(_4_HOURS, _4_HOURS),
    pb.CANDLE_INTERVAL_6H: Interval(6 * HOUR_S, HOUR_S),
    pb.CANDLE_INTERVAL_8H: Interval(8 * HOUR_S, _4_HOURS),
    pb.CANDLE_INTERVAL_12H: Interval(12 * HOUR_S, _4_HOURS),
    pb.CANDLE_INTERVAL_1D: Interval(_DAY, _DAY),
    pb.CANDLE_INTERVAL_3D: Interval(3 * _DAY, _DAY),
    pb.CANDLE_INTERVAL_1W: Interval(7 * _DAY, _DAY, _MONDAY_NS),
    pb.CANDLE_INTERVAL_1MO: Interval(0, _DAY),
}


def combined(candles: Iterable[Candle], interval: Interval) -> list[Candle]:
    """Candles of the interval, of base candles, oldest first."""
    found: list[Candle] = []
    for candle in candles:
        start_ns = interval.start_ns(candle.open_time_ns)
        if found and found[-1].open_time_ns == start_ns:
            found[-1] = joined(found[-1], candle)
        else:
            found.append(_of_length(candle, start_ns, interval.length_s(start_ns)))
    return found


def _of_length(candle: Candle, start_ns: int, length_s: int) -> Candle:
    if (candle.open_time_ns, candle.interval_s) == (start_ns, length_s):
        return candle
    return candle._replace(open_time_ns=start_ns, interval_s=length_s)


def joined(first: Candle, second: Candle) -> Candle:
    """One candle of two, the older one first."""
    return Candle(
        first.market_id,
        first.interval_s,
        first.open_time_ns,
        first.open,
        max(first.high, second.high),
        min(first.low, second.low),
        second.close,
        first.volume + second.volume,
        first.quote_volume + second.quote_volume,
        first.trades + second.trades,
        second.last_trade_id,
        first.taker_volume + second.taker_volume,
        first.taker_quote_volume + second.taker_quote_volume,
    )


def with_empty(
    candles: Iterable[Candle], interval: Interval, before: Candle | None, start_ns: int, end_ns: int
) -> Iterator[Candle]:
    """The candles that begin in [start, end), and flat ones between and after them; also before
    them, where there was a trade: `before` is an earlier candle."""
    known = {candle.open_time_ns: candle for candle in candles}
    at_ns = interval.first_ns(start_ns)
    while at_ns < end_ns:
        found = known.get(at_ns)
        if found is None and before is not None:
            found = _flat(before, at_ns, interval)
        if found is not None:
            yield found
            before = found
        at_ns = interval.next_ns(at_ns)


def _flat(before: Candle, start_ns: int, interval: Interval) -> Candle:
    price = before.close
    return Candle(
        before.market_id,
        interval.length_s(start_ns),
        start_ns,
        price,
        price,
        price,
        price,
        0,
        0,
        0,
        before.last_trade_id,
    )
