"""Rows in a real PostgreSQL: whole, repeatable in any order, bounded by retention."""

from dataclasses import replace

import pytest

from tigerex_core.records import Side
from tigerex_services.marketdata.candles import NS_PER_S, Candle, Trade, extend
from tigerex_services.marketdata.storage import CANDLES_KEPT_S, TRADES_KEPT_S, Storage

pytestmark = pytest.mark.integration

START_NS = 1_700_000_040 * NS_PER_S


def trade(trade_id: int, price: int = 100, market_id: int = 1) -> Trade:
    time_ns = START_NS + trade_id * NS_PER_S // 2
    return Trade(market_id, trade_id, price, 3, price * 3, Side.SELL, time_ns, trade_id)


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
    await storage.write(trades, [minute, candle(trades)], 9, START_NS)
    assert await storage.progress() == (9, START_NS)
    assert await storage.trades(1, 6, 3) == [trade(i, 100 + i) for i in (5, 4, 3)]
    assert await storage.trades(2, 6, 3) == []
    assert await storage.candles(1, 60, 0, 2**62, 10) == [minute]
    assert sorted(c.key for c in await storage.newest_candles()) == [
        candle(trades).key,
        minute.key,
    ]


async def test_writing_again_and_out_of_order_changes_nothing(storage: Storage) -> None:
    trades = [trade(i) for i in range(1, 4)]
    early, late = candle(trades[:2], 60), candle(trades, 60)
    await storage.write(trades, [late], 9, START_NS)
    await storage.write(trades[:2], [early], 5, START_NS - 1)
    assert await storage.progress() == (9, START_NS)
    assert await storage.candles(1, 60, 0, 2**62, 10) == [late]
    assert len(await storage.trades(1, 2**62, 10)) == 3


async def test_volumes_beyond_64_bits_are_kept(storage: Storage) -> None:
    big = replace(candle([trade(1)], 60), quote_volume=2**80, volume=2**70)
    await storage.write([], [big], 1, START_NS)
    assert await storage.candles(1, 60, 0, 2**62, 10) == [big]


async def test_a_failed_write_keeps_nothing(storage: Storage) -> None:
    broken = replace(trade(2), price=2**70)
    with pytest.raises(Exception, match="range"):
        await storage.write([trade(1), broken], [candle([trade(1)])], 3, START_NS)
    assert await storage.progress() == (0, 0)
    assert await storage.trades(1, 2**62, 10) == []


async def test_retention_deletes_what_is_too_old_and_nothing_else(storage: Storage) -> None:
    trades = [trade(1), trade(2)]
    second, minute = candle(trades[:1]), candle(trades[:1], 60)
    await storage.write(trades, [second, minute], 2, START_NS)
    now_ns = trades[0].time_ns + TRADES_KEPT_S * NS_PER_S + 1
    assert CANDLES_KEPT_S[1] < TRADES_KEPT_S
    assert await storage.prune(now_ns) == 2  # the first trade and its 1 s candle
    assert await storage.trades(1, 2**62, 10) == [trades[1]]
    assert await storage.candles(1, 1, 0, 2**62, 10) == []
    assert await storage.candles(1, 60, 0, 2**62, 10) == [minute]


async def test_reset_forgets_everything(storage: Storage) -> None:
    await storage.write([trade(1)], [candle([trade(1)])], 3, START_NS)
    await storage.reset()
    assert await storage.progress() == (0, 0)
    assert await storage.newest_candles() == []
