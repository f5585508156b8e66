"""Statistics of a span: what its trades say, be they stored, waiting, or being written."""

from collections.abc import Sequence
from random import Random

import pytest

from tigerex_core.records import Side
from tigerex_platform.clock import ManualClock
from tigerex_services.marketdata.aggregates import AggregateTrade
from tigerex_services.marketdata.candles import (
    HOUR_S,
    MINUTE_S,
    NS_PER_S,
    Candle,
    Trade,
    extend,
    open_time_ns,
)
from tigerex_services.marketdata.fold import Update
from tigerex_services.marketdata.pending import Pending
from tigerex_services.marketdata.reader import Reader
from tigerex_services.marketdata.storage import Storage

pytestmark = pytest.mark.integration

MINUTE_NS, HOUR_NS = MINUTE_S * NS_PER_S, HOUR_S * NS_PER_S
START_NS = 472_222 * HOUR_NS
HOURS = 30
MARKETS = (1, 2, 3)  # nobody trades in the last one


@pytest.fixture(scope="module")
def trades() -> list[Trade]:
    """Of two markets, in time's order: dense in some hours, none in others."""
    random = Random(7)
    hours = random.choices(range(HOURS), k=9)
    times_ns = sorted(
        START_NS + random.choice(hours) * HOUR_NS + random.randrange(HOUR_NS) for _ in range(900)
    )
    return [
        Trade(
            market_id=1 + (random.random() < 0.3),
            trade_id=number,
            price=(price := random.randint(90, 110)),
            quantity=(quantity := random.randint(1, 9)),
            notional=price * quantity,
            taker_side=random.choice([Side.BUY, Side.SELL]),
            time_ns=time_ns,
            seq=number,
        )
        for number, time_ns in enumerate(times_ns, 1)
    ]


class Rows:
    """Candles as the fold makes them of trade after trade."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], Candle] = {}

    def update(self, trades: Sequence[Trade]) -> Update:
        changed = Update(trades[-1].seq, trades[-1].time_ns)
        for trade in trades:
            for interval_s in (MINUTE_S, HOUR_S):
                key = trade.market_id, interval_s
                candle = self._open[key] = extend(self._open.get(key), trade, interval_s)
                changed.candles[candle.key] = candle
        return changed


def expected(trades: Sequence[Trade], market: int, start_ns: int, end_ns: int) -> list[int] | None:
    """The same of the trades themselves: all of each minute that begins in the span."""
    within = [
        trade
        for trade in trades
        if trade.market_id == market and start_ns <= open_time_ns(trade.time_ns, MINUTE_S) < end_ns
    ]
    if not within:
        return None
    prices = [trade.price for trade in within]
    bought = [trade for trade in within if trade.taker_side == Side.BUY]
    return [
        *(prices[0], max(prices), min(prices), prices[-1]),
        *(sum(trade.quantity for trade in within), sum(trade.notional for trade in within)),
        *(len(within), within[-1].trade_id),
        *(sum(trade.quantity for trade in bought), sum(trade.notional for trade in bought)),
    ]


async def test_a_span_is_what_its_trades_say(storage: Storage, trades: list[Trade]) -> None:
    random = Random(8)
    rows, pending = Rows(), Pending()
    reader = Reader(pending, storage)
    # Stored, being written, waiting.
    parts = [trades[:600], trades[600:603], trades[603:640]]
    for seen, part in enumerate(parts):
        pending.add(rows.update(part))
        kept = pending.take() if seen < 2 else None
        if seen == 0 and kept is not None:
            changed = list(kept.candles.values())
            await storage.write([], [], changed, kept.seq, kept.time_ns)
            pending.written()
        known = [trade for each in parts[: seen + 1] for trade in each]
        now_ns = known[-1].time_ns + 1
        spans = [(START_NS, now_ns), (now_ns, now_ns + 1), (START_NS, START_NS + MINUTE_NS)]
        for _ in range(60):
            one, other = (random.randrange(HOURS * 60) for _ in range(2))
            near = min(one, other) + random.randrange(90)
            for first, last in ((min(one, other), max(one, other)), (min(one, other), near)):
                spans.append((START_NS + first * MINUTE_NS, START_NS + last * MINUTE_NS + 5))
        for from_ns, end_ns in spans:
            start_ns = open_time_ns(from_ns, MINUTE_S)
            found = await reader.spans(MARKETS, start_ns, end_ns)
            for market in MARKETS:
                candle = found.get(market)
                told = list(candle[3:]) if candle else None
                assert told == expected(known, market, start_ns, end_ns)


async def test_the_price_before_a_time(storage: Storage, trades: list[Trade]) -> None:
    """Half of the trades stored, half waiting."""
    rows, pending = Rows(), Pending()
    stored = rows.update(trades[:450])
    await storage.write([], [], list(stored.candles.values()), stored.seq, stored.time_ns)
    pending.add(rows.update(trades[450:]))
    reader = Reader(pending, storage)
    for minute in range(0, HOURS * 60, 37):
        before_ns = START_NS + minute * MINUTE_NS
        past = [trade for trade in trades if trade.time_ns < before_ns]
        expected = {trade.market_id: trade.price for trade in past}
        assert await reader.closes(MARKETS, before_ns) == expected


async def test_the_newest_quantities_are_known_again_after_a_start(storage: Storage) -> None:
    trades = [
        Trade(market, number, 100, 10 * market + number, 1, Side.BUY, START_NS + number, number)
        for market in (1, 2)
        for number in (1, 2, 3)
    ]
    ends = [AggregateTrade(market, 3, 100, 1, 1, 3, Side.BUY, START_NS) for market in (1, 2)]
    storage._clock = ManualClock(START_NS)
    assert await storage.last_quantities() == {}
    await storage.write(trades, ends, [], 3, START_NS)
    assert await storage.last_quantities() == {1: 13, 2: 23}


async def test_nothing_is_asked_of_no_market(storage: Storage) -> None:
    assert await Reader(Pending(), storage).spans((), START_NS, START_NS + HOUR_NS) == {}
