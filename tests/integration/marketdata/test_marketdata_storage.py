"""Rows in a real PostgreSQL: whole, and repeatable in any order."""

import pytest
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_core.records import Side
from tigerex_services.marketdata.aggregates import AggregateTrade, Counted
from tigerex_services.marketdata.candles import NS_PER_S, Candle, Trade, extend
from tigerex_services.marketdata.intervals import INTERVALS
from tigerex_services.marketdata.storage import Storage

pytestmark = pytest.mark.integration

START_NS = 1_700_000_040 * NS_PER_S
SECOND, MINUTE = INTERVALS[pb.CANDLE_INTERVAL_1S], INTERVALS[pb.CANDLE_INTERVAL_1M]


def trade(trade_id: int, price: int = 100, market_id: int = 1) -> Trade:
    time_ns = START_NS + trade_id * NS_PER_S // 2
    return Trade(market_id, trade_id, price, 3, price * 3, Side.SELL, time_ns, trade_id)


def aggregate(number: int) -> AggregateTrade:
    """Of one trade, which has the same number."""
    time_ns = trade(number).time_ns
    return AggregateTrade(1, number, 100, 3, number, number, Side.SELL, time_ns)


def candle(trades: list[Trade], interval_s: int = 1) -> Candle:
    folded = None
    for one in trades:
        folded = extend(folded, one, interval_s)
    assert folded is not None
    return folded


async def test_rows_come_back_as_they_were(storage: Storage) -> None:
    trades = [trade(i, 100 + i) for i in range(1, 8)]
    minute = candle(trades, 60)
    assert await storage.progress() == (0, 0)
    aggregates = [aggregate(i) for i in range(1, 8)]
    await storage.write(trades, aggregates, [minute, candle(trades)], 9, START_NS)
    assert await storage.progress() == (9, START_NS)
    assert await storage.trades(1, 0, 6, 3) == trades[2:5]
    assert await storage.trades(1, 3, 2**62, 2, oldest=True) == trades[2:4]
    assert await storage.trades(2, 0, 6, 3) == []
    assert await storage.aggregates(1, 0, 6, 3, oldest=False) == aggregates[2:5]
    assert await storage.aggregates(1, 2, 6, 3, oldest=True) == aggregates[1:4]
    of_ns = aggregates[1].time_ns, aggregates[5].time_ns
    assert await storage.aggregates_within(1, *of_ns, 2, oldest=False) == aggregates[3:5]
    assert await storage.aggregates_within(1, *of_ns, 2, oldest=True) == aggregates[1:3]
    assert await storage.counted() == {1: Counted(7, 7)}
    assert await storage.candles(1, MINUTE, 0, 2**62, 10) == [minute]
    assert sorted(c.key for c in await storage.newest_candles()) == [
        candle(trades).key,
        minute.key,
    ]


async def test_writing_again_and_out_of_order_changes_nothing(storage: Storage) -> None:
    trades = [trade(i) for i in range(1, 4)]
    early, late = candle(trades[:2], 60), candle(trades, 60)
    aggregates = [aggregate(i) for i in range(1, 4)]
    await storage.write(trades, aggregates, [late], 9, START_NS)
    await storage.write(trades[:2], aggregates[:2], [early], 5, START_NS - 1)
    assert await storage.progress() == (9, START_NS)
    assert await storage.candles(1, MINUTE, 0, 2**62, 10) == [late]
    assert await storage.trades(1, 0, 2**62, 10) == trades
    assert await storage.aggregates(1, 0, 2**62, 10, oldest=True) == aggregates
    assert await storage.counted() == {1: Counted(3, 3)}


async def test_volumes_beyond_64_bits_are_kept(storage: Storage) -> None:
    big = candle([trade(1)], 60)._replace(quote_volume=2**80, volume=2**70)
    await storage.write([], [], [big], 1, START_NS)
    assert await storage.candles(1, MINUTE, 0, 2**62, 10) == [big]


async def test_a_failed_write_keeps_nothing(storage: Storage) -> None:
    broken = trade(2)._replace(price=2**70)
    with pytest.raises(Exception, match="range"):
        await storage.write([trade(1), broken], [aggregate(1)], [candle([trade(1)])], 3, START_NS)
    assert await storage.progress() == (0, 0)
    assert await storage.trades(1, 0, 2**62, 10) == []


async def test_reset_forgets_everything(storage: Storage) -> None:
    await storage.write([trade(1)], [aggregate(1)], [candle([trade(1)])], 3, START_NS)
    await storage.reset()
    assert await storage.progress() == (0, 0)
    assert await storage.counted() == {}
    assert await storage.trades(1, 0, 2**62, 10) == []
    assert await storage.newest_candles() == []
