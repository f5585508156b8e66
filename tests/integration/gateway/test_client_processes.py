"""The Python client against a real exchange, over connections that are cut at random."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy
from tests.support.exchange_stack import ExchangeStack

from tigerex_client import (
    AsyncClient,
    Book,
    BotChanged,
    BotRemoved,
    BotTraded,
    Candle,
    Client,
    Conflict,
    Credentials,
    InvalidRequest,
    LocalBook,
    NoAnswer,
    NotFound,
    PermissionDenied,
    Reconnect,
    SpotGridConfig,
    Stream,
    SyncStream,
    Trade,
    Unauthenticated,
    calls,
)

pytestmark = pytest.mark.integration

T = TypeVar("T")

MARKET = "btc-usdt"
WAIT_S = 60.0
ROUNDS = 60
CUT_EVERY_S = (0.05, 0.4)
QUICK = Reconnect(first_s=0.02, max_s=0.1, failures_max=500)
PAGE = Path(__file__).parents[3] / "docs" / "python-client.md"
EXAMPLE_S_MAX = 60
PRICE, QUANTITY = Decimal("60000.00"), Decimal("0.001")


def credentials(stack: ExchangeStack, user: str) -> Credentials:
    return Credentials(stack.keys[user].key, stack.keys[user].secret)


@pytest.fixture
async def ann(stack: ExchangeStack) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(stack.url, credentials(stack, "ann")) as client:
        yield client


@pytest.fixture
async def bob(stack: ExchangeStack) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(stack.url, credentials(stack, "bob")) as client:
        yield client


@pytest.fixture
async def proxy(stack: ExchangeStack) -> AsyncIterator[CuttingProxy]:
    async with cutting_proxy(stack.addresses["gateway-http"]) as found:
        yield found


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - asks over the network
            await asyncio.sleep(0.1)


@asynccontextmanager
async def cutting(proxy: CuttingProxy, seed: int) -> AsyncIterator[None]:
    """Cuts every connection at random moments until the block ends."""
    random = Random(seed)

    async def cut() -> None:
        while True:
            await asyncio.sleep(random.uniform(*CUT_EVERY_S))
            proxy.cut()

    task = asyncio.create_task(cut())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def collecting(items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    """Reads in the background; an error ends the test when the block ends."""
    found: list[T] = []

    async def collect() -> None:
        async for item in items:
            found.append(item)  # noqa: PERF401 - as they come

    task = asyncio.create_task(collect())
    try:
        yield found
        assert not task.done() or not task.exception(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def cancel_all(*clients: AsyncClient) -> None:
    for client in clients:
        for order in (await client.orders()).orders:
            await client.cancel_order(order.order_id)


async def trade_once(maker: AsyncClient, taker: AsyncClient) -> None:
    await maker.place_order(MARKET, "sell", QUANTITY, price=PRICE)
    taken = await taker.place_order(MARKET, "buy", QUANTITY, price=PRICE)
    assert taken.order.status == "filled"


async def all_trades(client: AsyncClient) -> list[Trade]:
    found: list[Trade] = []
    while page := await client.trades(
        MARKET, before=found[-1].trade_id if found else 0, limit=1_000
    ):
        found += page
        if len(page) < 1_000:
            break
    return found[::-1]


def test_the_blocking_client_trades(stack: ExchangeStack) -> None:
    with Client(stack.url, credentials(stack, "ann")) as client:
        (market,) = client.markets()
        assert market == client.market(MARKET)
        assert market.tick_size == Decimal("0.01")
        placed = client.place_order(MARKET, "buy", QUANTITY, price=Decimal("50000"))
        assert (placed.order.status, placed.order.price) == ("new", Decimal("50000"))
        assert client.order(placed.order.order_id) == placed.order
        assert client.orders(MARKET).orders == (placed.order,)
        assert client.book(MARKET).bids[0].price == Decimal("50000")
        assert client.top(MARKET).bid == client.book(MARKET, levels=1).bids[0]
        (main,) = [each for each in client.accounts() if each.name == "main"]
        assert {each.asset: each.held for each in main.balances}["USDT"] == Decimal("50")
        canceled = client.cancel_order(placed.order.order_id)
        assert canceled.order.status == "canceled"
        assert canceled.time_ns > placed.time_ns
        assert not client.orders().orders


async def test_refusals_are_typed(ann: AsyncClient, stack: ExchangeStack) -> None:
    with pytest.raises(InvalidRequest) as wrong:
        await ann.place_order(MARKET, "buy", QUANTITY, price=Decimal("0.001"))
    assert (wrong.value.code, wrong.value.field) == ("INVALID_FIELD", "price")
    assert wrong.value.request_id
    with pytest.raises(Conflict) as poor:
        await ann.place_order(MARKET, "buy", Decimal(900), price=PRICE)
    assert poor.value.code == "INSUFFICIENT_BALANCE"
    with pytest.raises(NotFound):
        await ann.book("doge-usdt")
    async with AsyncClient(stack.url, credentials(stack, "eve")) as eve:
        with pytest.raises(PermissionDenied):
            await eve.place_order(MARKET, "buy", QUANTITY, price=PRICE)
    async with AsyncClient(stack.url, Credentials("nobody", "secret")) as nobody:
        with pytest.raises(Unauthenticated):
            await nobody.accounts()
    async with AsyncClient(stack.url, credentials(stack, "bob")) as bob:
        bob.flow.clock.offset_ns = -3_600_000_000_000
        assert await bob.accounts()
        assert abs(bob.flow.clock.offset_ns) < 1_000_000_000


async def test_what_was_done_is_in_the_history(ann: AsyncClient, bob: AsyncClient) -> None:
    await trade_once(ann, bob)
    (trade,) = await ann.trades(MARKET, limit=1)
    assert (await ann.statistics(MARKET)).last == PRICE

    async def kept() -> bool:
        return bool(await bob.past_fills(MARKET, from_id=trade.trade_id))

    await until(kept)
    (fill,) = await bob.past_fills(MARKET, from_id=trade.trade_id)
    assert (fill.side, fill.price, fill.quantity) == ("buy", PRICE, QUANTITY)
    assert (fill.time_ns, fill.maker, fill.notional) == (trade.time_ns, False, PRICE * QUANTITY)
    (order,) = await bob.past_orders(MARKET, from_id=fill.order_id)
    assert (order.order_id, order.status) == (fill.order_id, "filled")


async def test_an_order_over_a_cut_line_is_placed_once(
    ann: AsyncClient, proxy: CuttingProxy, stack: ExchangeStack
) -> None:
    names = [f"cut-{n}" for n in range(30)]
    async with (
        AsyncClient(f"http://{proxy.address}", credentials(stack, "ann")) as shaky,
        cutting(proxy, seed=1),
    ):
        for name in names:
            call = calls.place_order(
                MARKET, "buy", QUANTITY, price=Decimal("50000"), client_order_id=name
            )
            first = await shaky.send(call)
            assert await shaky.send(call) == first
    assert proxy.cuts
    assert sorted(each.client_order_id or "" for each in (await ann.orders()).orders) == sorted(
        names
    )
    await cancel_all(ann)


@pytest.mark.parametrize("seed", [2, 3])
async def test_no_trade_and_no_change_is_lost_on_cut_sockets(
    ann: AsyncClient, bob: AsyncClient, proxy: CuttingProxy, stack: ExchangeStack, seed: int
) -> None:
    """Trades come once and in order, candles end as REST tells them, the local book is the book."""
    random = Random(seed)
    books: list[tuple[int, LocalBook]] = []

    async def keep(stream: Stream) -> AsyncIterator[int]:
        async for book in stream.local_book(MARKET):
            books.append((book.seq, book))
            yield book.seq

    async with (
        AsyncClient(f"http://{proxy.address}") as shaky,
        Stream(shaky, reconnect=QUICK) as stream,
    ):
        trades, candles = stream.trades(MARKET), stream.candles(MARKET, "1s")
        tops = stream.top(MARKET)
        async with (
            collecting(trades) as told,
            collecting(candles) as drawn,
            collecting(tops) as best,
            collecting(keep(stream)),
        ):

            async def subscribed() -> bool:
                await trade_once(ann, bob)
                return bool(told and drawn and books)

            await until(subscribed)
            async with cutting(proxy, seed):
                for _ in range(ROUNDS):
                    await trade_once(ann, bob)
                    price = Decimal(random.randint(5_000_000, 5_999_999)).scaleb(-2)
                    await ann.place_order(MARKET, "buy", QUANTITY, price=price)
                    if random.random() < 0.5:
                        orders = (await ann.orders()).orders
                        await ann.cancel_order(random.choice(orders).order_id)
            kept = await all_trades(ann)

            async def caught_up() -> bool:
                truth = await ann.book(MARKET, levels=5_000)
                book = books[-1][1]
                return (
                    told[-1].trade_id == kept[-1].trade_id
                    and (book.bids(), book.asks()) == (truth.bids, truth.asks)
                    and (best[-1].bid, best[-1].ask) == (truth.bids[0], None)
                )

            await until(caught_up)
    assert proxy.cuts > 3
    first = told[0].trade_id
    assert told == [each for each in kept if each.trade_id >= first]
    opens = [each.open_time_ns for each in drawn]
    assert opens == sorted(opens)
    last: dict[int, Candle] = {each.open_time_ns: each for each in drawn}
    rest = await ann.candles(MARKET, "1s", start_ms=opens[0] // 1_000_000, limit=1_000)
    assert {i: each.trades for i, each in last.items()} == {
        each.open_time_ns: each.trades for each in rest
    }
    await cancel_all(ann, bob)


async def test_bots_are_followed_over_cut_sockets(
    ann: AsyncClient, bob: AsyncClient, proxy: CuttingProxy, stack: ExchangeStack
) -> None:
    await bob.place_order(MARKET, "sell", Decimal(1), price=Decimal("60010"))
    await bob.place_order(MARKET, "buy", Decimal(1), price=Decimal("59990"))
    config = SpotGridConfig(Decimal(59000), Decimal(61000), 5, Decimal(1000))

    async def swing() -> None:
        for side, price in (("buy", "60600"), ("sell", "59400")):
            await bob.place_order(
                MARKET,
                "buy" if side == "buy" else "sell",
                Decimal("0.05"),
                price=Decimal(price),
                time_in_force="ioc",
            )

    async with AsyncClient(f"http://{proxy.address}", credentials(stack, "ann")) as shaky:
        shaky.flow.clock.offset_ns = 7_200_000_000_000  # the socket's signature is refused at first
        async with (
            Stream(shaky, reconnect=QUICK) as stream,
            collecting(stream.bots()) as events,
        ):
            created = await ann.create_bot("my-grid", MARKET, config, start=True)
            assert created.config == config
            await until(lambda: _has(events, BotChanged))

            async def traded() -> bool:
                await swing()
                return len([each for each in events if isinstance(each, BotTraded)]) >= 3

            async with cutting(proxy, seed=4):
                await until(traded)
            await ann.stop_bot(created.bot_id)

            async def stopped() -> bool:
                return (await ann.bot(created.bot_id)).status == "stopped"

            await until(stopped)
            kept = await ann.bot_trades(created.bot_id, limit=500)
            newest = max(each.trade_id for each in kept)
            await until(lambda: _told(events, newest))
            await ann.delete_bot(created.bot_id)
            await until(lambda: _has(events, BotRemoved))
    told = [each.trade.trade_id for each in events if isinstance(each, BotTraded)]
    assert told == sorted(set(told))
    assert told == sorted(each.trade_id for each in kept if each.trade_id >= told[0])
    await cancel_all(ann, bob)


async def _has(events: list[object], kind: type) -> bool:
    return any(isinstance(each, kind) for each in events)


async def _told(events: list[object], trade_id: int) -> bool:
    return any(isinstance(each, BotTraded) and each.trade.trade_id == trade_id for each in events)


async def test_refused_subscriptions_end_with_the_refusal(stack: ExchangeStack) -> None:
    async with AsyncClient(stack.url) as client, Stream(client) as stream:
        with pytest.raises(NotFound):
            await anext(stream.trades("doge-usdt"))
        tops = stream.top(MARKET)  # the others go on
        assert (await anext(tops)).market == MARKET
    async with (
        AsyncClient(stack.url, Credentials("nobody", "secret")) as nobody,
        Stream(nobody) as stream,
    ):
        with pytest.raises(Unauthenticated):
            await anext(stream.bots())


async def test_a_stream_gives_up_on_an_exchange_that_stays_away(proxy: CuttingProxy) -> None:
    proxy.refusing = True
    few = Reconnect(first_s=0.01, max_s=0.02, failures_max=3)
    async with (
        AsyncClient(f"http://{proxy.address}", deadline_s=1.0) as client,
        Stream(client, reconnect=few) as stream,
    ):
        with pytest.raises(NoAnswer, match="stays away"):
            await anext(stream.trades(MARKET))
        with pytest.raises(NoAnswer, match="not open"):
            stream.trades(MARKET)
        with pytest.raises(NoAnswer):
            await client.markets()


def test_the_blocking_stream(stack: ExchangeStack) -> None:
    with (
        Client(stack.url, credentials(stack, "ann")) as ann,
        SyncStream(stack.url, credentials(stack, "ann")) as stream,
    ):
        changes, tops = stream.changes(MARKET), stream.top(MARKET)
        snapshot = changes.next(timeout_s=WAIT_S)
        assert isinstance(snapshot, Book)
        book = LocalBook(snapshot)
        placed = ann.place_order(MARKET, "buy", QUANTITY, price=Decimal("40000"))
        for change in changes:
            assert not isinstance(change, Book)
            book.apply(change)
            if book.seq >= placed.seq:
                break
        assert book.bids(1)[0].price == Decimal("40000")
        assert any(top.bid and top.bid.price == Decimal("40000") for top in tops)
        changes.close()
        with pytest.raises(StopIteration):
            changes.next()
        with pytest.raises(TimeoutError):
            stream.trades(MARKET).next(timeout_s=0.05)
        ann.cancel_order(placed.order.order_id)


EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_printed_examples_run(example: str, stack: ExchangeStack) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        env=os.environ
        | {
            "TIGEREX_URL": stack.url,
            "TIGEREX_API_KEY": stack.keys["ann"].key,
            "TIGEREX_API_SECRET": stack.keys["ann"].secret,
        },
        capture_output=True,
        text=True,
        timeout=EXAMPLE_S_MAX,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
