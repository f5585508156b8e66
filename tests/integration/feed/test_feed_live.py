"""Feeds beside a real exchange: replays resume, end, meet users and survive bad files."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tests.support.market_site import SYMBOL, MarketSite, Process
from tests.support.postgres import Database
from tests.support.redis import RedisServer
from tests.support.tokens import TokenIssuer
from tigerex.exchange.v1 import (
    admin_pb2,
    journal_pb2,
    markets_pb2,
    trading_pb2,
    types_pb2,
)

from tigerex_core.records import Event, EventKind, Rows, Side
from tigerex_platform.ids import new_request_id
from tigerex_services.feed.capture import Trade, parse_line
from tigerex_services.feed.capture_file import read_lines
from tigerex_services.stream import rows_of

pytestmark = pytest.mark.integration

CAPTURE = Path(__file__).parents[4] / "shared/data/btcusdt-spot-ws-20240808.gz"
needs_capture = pytest.mark.skipif(
    not CAPTURE.exists(), reason=f"the recorded capture {CAPTURE} is not on this machine"
)
WAIT_S = 60.0
HEAD_LINES = 2_500


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


@pytest.fixture
def head(tmp_path: Path) -> Path:
    """The first lines of the capture, in a file of this test."""
    path = tmp_path / "head.gz"
    with gzip.open(path, "wb") as file:
        file.writelines(line for _, line in islice(read_lines(CAPTURE), HEAD_LINES))
    return path


def quote(number: int, bid: str, ask: str, quantity: str = "1") -> bytes:
    return (
        f'{1723161254000000000 + number * 10_000_000} {{"u":{number},"s":"BTCUSDT",'
        f'"b":"{bid}","B":"{quantity}","a":"{ask}","A":"{quantity}"}}\n'
    ).encode()


def trade(number: int, price: str, quantity: str, *, maker_buys: bool) -> bytes:
    return (
        f'{1723161254000000000 + number * 10_000_000} {{"e":"trade","s":"BTCUSDT","t":{number},'
        f'"p":"{price}","q":"{quantity}","m":{"true" if maker_buys else "false"}}}\n'
    ).encode()


def replay(site: MarketSite, path: Path, speed: str = "1000") -> Process:
    return site.feed(type="replay", replay={"claimName": "c", "path": str(path), "speed": speed})


async def until_halted(site: MarketSite) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            market = await site.markets().GetMarket(markets_pb2.GetMarketRequest(symbol=SYMBOL))
            if market.market.state == types_pb2.MARKET_STATE_HALTED:
                return
            await asyncio.sleep(0.1)


async def book_of(site: MarketSite) -> tuple[list[str], list[str]]:
    book = await site.markets().GetBook(markets_pb2.GetBookRequest(symbol=SYMBOL))
    return [level.price for level in book.bids], [level.price for level in book.asks]


async def trades_of(site: MarketSite) -> Rows:
    """The TRADED events of the journal."""
    stub, found, next_seq = site.journal(), [], 1
    while True:
        page = await stub.ReadJournal(journal_pb2.ReadJournalRequest(from_seq=next_seq))
        if not page.entries:
            return np.concatenate(found)
        for entry in page.entries:
            rows = rows_of(entry.events)
            found.append(rows[rows[:, Event.KIND] == EventKind.TRADED])
            next_seq = entry.seq + 1


def printed(trades: Rows) -> list[tuple[int, int, int]]:
    return [tuple(row) for row in trades[:, [Event.PRICE, Event.QUANTITY, Event.SIDE]].tolist()]


def recorded(path: Path) -> list[tuple[int, int, int]]:
    messages = (parse_line(line) for _, line in read_lines(path))
    return [
        (m.price_e8 // 10**6, m.quantity_e8 // 10**3, int(m.taker_side))
        for m in messages
        if isinstance(m, Trade)
    ]


@needs_capture
async def test_a_replay_prints_its_trades_fills_a_user_and_halts(
    site: MarketSite, head: Path
) -> None:
    first = recorded(head)[0][0]
    user = await site.fund("ada", BTC="1", USDT="100000")
    order = await site.trading().PlaceOrder(
        trading_pb2.PlaceOrderRequest(
            request_id=new_request_id(),
            account_id=user,
            market=SYMBOL,
            side=types_pb2.SIDE_BUY,
            type=types_pb2.ORDER_TYPE_LIMIT,
            price=f"{(first + 100) / 100:.2f}",
            quantity="0.01",
        )
    )
    assert order.order.status == types_pb2.ORDER_STATUS_NEW
    feed = replay(site, head)
    feed.start()
    await until_halted(site)
    trades = await trades_of(site)
    fills = trades[trades[:, Event.OTHER_ACCOUNT] == user]
    assert fills[:, Event.QUANTITY].sum() == 1_000
    house = trades[trades[:, Event.OTHER_ACCOUNT] != user]
    assert len(house) >= 0.95 * len(recorded(head))
    assert await book_of(site) == ([], [])
    await feed.serving()  # it stays, and does nothing
    assert await feed.stop() == 0, feed.text()
    await site.verify()


@needs_capture
async def test_a_replay_that_is_killed_goes_on_where_it_was(site: MarketSite, head: Path) -> None:
    feed = replay(site, head, speed="5")
    for _ in range(3):
        feed.start()
        await feed.serving()
        await asyncio.sleep(1.5)
        feed.kill()
    # Graceful, too.
    feed.start()
    await feed.serving()
    await asyncio.sleep(1.0)
    assert await feed.stop() == 0, feed.text()
    assert await book_of(site) == ([], [])
    last = replay(site, head)
    last.start()
    await until_halted(site)
    trades = printed(await trades_of(site))
    expected = recorded(head)
    # Nothing twice, and nothing lost but what was sent to a book whose quotes were just cancelled.
    rest = iter(expected)
    assert all(one in rest for one in trades), "a trade came twice or out of order"
    assert len(trades) >= 0.95 * len(expected)
    await site.verify()


async def test_an_ended_replay_is_not_played_again_nor_halts_again(
    site: MarketSite, tmp_path: Path
) -> None:
    path = tmp_path / "short.gz"
    lines = [quote(1, "100.00", "100.02"), trade(2, "100.02", "0.5", maker_buys=False)]
    path.write_bytes(gzip.compress(b"".join(lines)))
    feed = replay(site, path)
    feed.start()
    await until_halted(site)
    assert await feed.stop() == 0
    await site.admin().SetMarketState(
        admin_pb2.SetMarketStateRequest(
            request_id=new_request_id(),
            symbol=SYMBOL,
            state=types_pb2.MARKET_STATE_OPEN,
            reason="test",
        )
    )
    again = replay(site, path)
    again.start()
    await again.serving()
    async with asyncio.timeout(WAIT_S):
        while "nothing is played twice" not in again.text():  # noqa: ASYNC110 - a log
            await asyncio.sleep(0.1)
    market = await site.markets().GetMarket(markets_pb2.GetMarketRequest(symbol=SYMBOL))
    assert market.market.state == types_pb2.MARKET_STATE_OPEN
    assert printed(await trades_of(site)) == [(10_002, 50_000, Side.BUY)]
    await site.verify()


async def test_damage_is_skipped_counted_and_told(site: MarketSite, tmp_path: Path) -> None:
    path = tmp_path / "damaged.gz"
    lines = [
        quote(1, "100.00", "100.02"),
        b"this is no capture\n",
        b'1723161254030000000 {"s":"BTCUSDT","b":"2","B":"1","a":"1","A":"1"}\n',
        trade(4, "100.02", "0.5", maker_buys=False),
        *(quote(5 + i, f"{100 - i / 100:.2f}", "101.00", f"0.{i + 1}") for i in range(300)),
    ]
    whole = gzip.compress(b"".join(lines), mtime=0)
    path.write_bytes(whole[:-12])
    feed = replay(site, path)
    feed.start()
    await until_halted(site)
    assert await book_of(site) == ([], [])
    assert printed(await trades_of(site)) == [(10_002, 50_000, Side.BUY)]
    async with asyncio.timeout(WAIT_S):
        while "2 corrupt lines" not in feed.text():  # noqa: ASYNC110 - a log
            await asyncio.sleep(0.1)
    assert "line 2 of" in feed.text()
    assert "ends badly after line" in feed.text()
    assert await feed.stop() == 0
    await site.verify()


WRONG: list[tuple[dict[str, object], str]] = [
    ({"type": "replay", "replay": {"path": "/nowhere/c.gz"}}, "replay.path"),
    ({"type": "replay", "replay": {"path": "/c.gz", "speed": "0"}}, "replay.speed"),
    ({"type": "simulated", "simulated": {"referencePrice": "0.01"}}, "referencePrice"),
    ({"type": "simulated", "simulated": {"referencePrice": "abc"}}, "referencePrice"),
    ({"type": "simulated"}, "required there"),
]


async def test_a_wrong_description_ends_the_process_with_a_reason(site: MarketSite) -> None:
    feeds = [
        site.feed(f"feed-{number}", **description) for number, (description, _) in enumerate(WRONG)
    ]
    for feed in feeds:
        feed.start()
    for feed, (_, reason) in zip(feeds, WRONG, strict=True):
        assert await feed.exit_code() == 1
        assert reason in feed.text()
        assert "Traceback" not in feed.text()
