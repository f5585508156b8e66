"""Market data beside a real exchange and a real feed, whatever is killed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from tests.support.market_site import SYMBOL, MarketSite
from tests.support.postgres import Database
from tests.support.redis import RedisServer
from tests.support.tokens import TokenIssuer
from tigerex.exchange.v1 import journal_pb2, markets_pb2
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_core.records import Event, EventKind
from tigerex_platform.errors import InvalidField, NotFound, from_rpc_error
from tigerex_services.stream import rows_of

pytestmark = pytest.mark.integration

WAIT_S = 30.0
LIVELY = {"seed": 5, "referencePrice": "60000", "ordersPerSecond": 60, "volatility": "0.001"}


@pytest.fixture
async def site(
    tmp_path: Path, database: Database, redis_server: RedisServer, issuer: TokenIssuer
) -> AsyncIterator[MarketSite]:
    site = MarketSite(tmp_path, database, redis_server, issuer)
    try:
        await site.start()
        yield site
    finally:
        await site.close()


async def journal_trades(site: MarketSite) -> list[tuple[int, int]]:
    """(trade id, time) of every trade in the journal."""
    stub, found, next_seq = site.journal(), [], 1
    while True:
        page = await stub.ReadJournal(journal_pb2.ReadJournalRequest(from_seq=next_seq))
        if not page.entries:
            return found
        for entry in page.entries:
            rows = rows_of(entry.events)
            traded = rows[rows[:, Event.KIND] == EventKind.TRADED]
            found += np.stack([traded[:, Event.TRADE_ID], traded[:, Event.TIME_NS]], 1).tolist()
            next_seq = entry.seq + 1


async def all_trades(site: MarketSite) -> list[tuple[int, int]]:
    """(trade id, time) of every trade that market data has, oldest first."""
    stub, found, before = site.market_data(), [], 0
    while True:
        page = await stub.ListTrades(
            pb.ListTradesRequest(market=SYMBOL, before_trade_id=before, limit=1_000)
        )
        found += [[t.trade_id, t.time_ns] for t in page.trades]
        if len(page.trades) < 1_000:
            return found[::-1]
        before = page.trades[-1].trade_id


async def until_trades(site: MarketSite, count: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while len(await all_trades(site)) < count:  # noqa: ASYNC110 - asked over the network
            await asyncio.sleep(0.2)


async def settled(site: MarketSite) -> None:
    """The same trades in market data as in the journal, and the same book."""
    expected = await journal_trades(site)
    async with asyncio.timeout(WAIT_S):
        while len(await all_trades(site)) < len(expected):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert await all_trades(site) == expected
    book = await site.markets().GetBook(markets_pb2.GetBookRequest(symbol=SYMBOL))
    answer = await site.market_data().GetDepth(pb.GetDepthRequest(market=SYMBOL, levels=1_000))
    for side in ("bids", "asks"):
        exchange = [(level.price, level.quantity) for level in getattr(book, side)]
        assert [(p.price, p.quantity) for p in getattr(answer.depth, side)] == exchange


async def test_a_feed_becomes_trades_books_and_candles(site: MarketSite) -> None:
    site.marketdata.start()
    await site.marketdata.serving()
    stub = site.market_data()
    channels = [number for name, number in pb.Channel.items() if number]
    stream = stub.Subscribe(pb.SubscribeRequest(markets=[SYMBOL], channels=channels))
    await stream.initial_metadata()
    feed = site.feed(type="simulated", simulated=LIVELY)
    feed.start()
    seen: dict[str, list[pb.SubscribeResponse]] = {}
    async with asyncio.timeout(WAIT_S):
        async for event in stream:
            kind = event.WhichOneof("event")
            seen.setdefault(str(kind), []).append(event)
            closed = [e for e in seen.get("candle", []) if e.candle.closed]
            if len(seen.get("trade", [])) >= 30 and len(closed) >= 2 and "depth" in seen:
                break
    stream.cancel()
    ids = [e.trade.trade_id for e in seen["trade"]]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    aggregates = [e.aggregate_trade for e in seen["aggregate_trade"]]
    numbers = [each.aggregate_id for each in aggregates]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert aggregates[0].first_trade_id == ids[0]
    assert float(seen["top"][-1].top.bid.price) < float(seen["top"][-1].top.ask.price)
    assert 5 <= len(seen["depth"][-1].depth.bids) <= 10
    assert await feed.stop() == 0, feed.text()
    await settled(site)
    top = await stub.GetTopOfBook(pb.GetTopOfBookRequest(market=SYMBOL))
    assert not top.top.HasField("bid"), "a feed that stops takes its orders off"
    for interval in (pb.CANDLE_INTERVAL_1S, pb.CANDLE_INTERVAL_1M):
        request = pb.ListCandlesRequest(market=SYMBOL, interval=interval)
        candles = (await stub.ListCandles(request)).candles
        assert sum(c.trades for c in candles) == len(await all_trades(site))
    assert set(await site.house()) == {"main", f"{SYMBOL}-maker", f"{SYMBOL}-taker"}
    await site.verify()


async def test_killed_market_data_has_no_gap_and_no_double(
    site: MarketSite, redis_server: RedisServer
) -> None:
    feed = site.feed(type="simulated", simulated=LIVELY)
    feed.start()
    await feed.serving()
    site.marketdata.start()
    await site.marketdata.serving()
    await until_trades(site, 20)
    for number in range(3):
        site.marketdata.kill()
        await asyncio.sleep(0.5)
        site.marketdata.start()
        if number == 1:
            redis_server.wipe()
        await site.marketdata.serving()
        await until_trades(site, len(await journal_trades(site)))
    redis_server.wipe()
    await until_trades(site, len(await all_trades(site)) + 20)
    # The exchange too: the feed goes on by itself, without a trade lost or done twice.
    site.exchange.kill()
    site.exchange.start()
    await site.exchange.serving()
    await until_trades(site, len(await all_trades(site)) + 20)
    feed.kill()
    await settled(site)
    ids = [trade_id for trade_id, _ in await all_trades(site)]
    assert ids == list(range(1, len(ids) + 1))
    await site.verify()


async def test_a_restarted_feed_clears_what_it_left(site: MarketSite) -> None:
    feed = site.feed(type="simulated", simulated={**LIVELY, "levels": 7})
    for _ in range(2):
        feed.start()
        await feed.serving()
        async with asyncio.timeout(WAIT_S):
            while True:
                book = await site.markets().GetBook(markets_pb2.GetBookRequest(symbol=SYMBOL))
                if len(book.bids) and len(book.asks):
                    break
                await asyncio.sleep(0.1)
        feed.kill()
        book = await site.markets().GetBook(markets_pb2.GetBookRequest(symbol=SYMBOL))
        assert len(book.bids) <= 7 >= len(book.asks)
    await site.verify()


async def test_bad_requests_are_refused_by_field(site: MarketSite) -> None:
    site.marketdata.start()
    await site.marketdata.serving()
    stub = site.market_data()
    refusals = [
        (stub.ListTrades, pb.ListTradesRequest(market=SYMBOL, limit=1_001), "limit"),
        (stub.ListTrades, pb.ListTradesRequest(market=SYMBOL, before_trade_id=-1), "before"),
        (stub.ListCandles, pb.ListCandlesRequest(market=SYMBOL), "interval"),
        (stub.ListCandles, candles_request(start_ns=5, end_ns=4), "end_ns"),
        (stub.ListCandles, candles_request(start_ns=-1), "start_ns"),
        (stub.GetDepth, pb.GetDepthRequest(market=SYMBOL, levels=-1), "levels"),
    ]
    for method, request, field in refusals:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await method(request)
        error = from_rpc_error(refused.value)
        assert isinstance(error, InvalidField)
        assert field in error.field
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await stub.GetDepth(pb.GetDepthRequest(market="doge-usdt"))
    assert isinstance(from_rpc_error(unknown.value), NotFound)
    for request, field in (
        (pb.SubscribeRequest(channels=[pb.CHANNEL_TOP]), "markets"),
        (pb.SubscribeRequest(markets=[SYMBOL]), "channels"),
        (pb.SubscribeRequest(markets=[SYMBOL], channels=[99]), "channels"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Subscribe(request).read()
        assert from_rpc_error(refused.value).field == field


def candles_request(**fields: int) -> pb.ListCandlesRequest:
    return pb.ListCandlesRequest(market=SYMBOL, interval=pb.CANDLE_INTERVAL_1S, **fields)
