"""A followed book: without a gap for its listeners, whatever happens to the stream."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.gateway_upstreams import Upstreams, serving
from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.errors import NotFound, PermissionDenied, Unavailable
from tigerex_services.gateway import books as books_module
from tigerex_services.gateway import upstream as upstream_module
from tigerex_services.gateway.books import Books, Changes, Side
from tigerex_services.gateway.upstream import Upstream

pytestmark = pytest.mark.unit

MARKET = "btc-usdt"
WAIT_S = 5.0
LEVELS = st.dictionaries(st.integers(1, 20).map(str), st.integers(1, 9).map(str), max_size=12)


def level(price: str, quantity: str) -> pb.PriceLevel:
    return pb.PriceLevel(price=price, quantity=quantity)


def changed(first: int, last: int, *bids: tuple[str, str]) -> pb.SubscribeResponse:
    return pb.SubscribeResponse(
        changes=pb.BookChanges(
            market=MARKET, first_seq=first, last_seq=last, bids=[level(*each) for each in bids]
        )
    )


@dataclass
class Followed:
    upstreams: Upstreams
    books: Books
    told: "asyncio.Queue[Changes]" = field(default_factory=asyncio.Queue)

    def answer(self, seq: int, *bids: tuple[str, str]) -> None:
        depth = pb.Depth(market=MARKET, seq=seq, bids=[level(*each) for each in bids])
        self.upstreams.answers["GetDepth"] = pb.GetDepthResponse(depth=depth)

    async def next(self) -> Changes:
        async with asyncio.timeout(WAIT_S):
            return await self.told.get()


@pytest.fixture
async def followed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Followed]:
    monkeypatch.setattr(upstream_module, "RETRY_FIRST_S", 0.01)
    async with serving() as (upstreams, channel):
        books = Books(
            Upstream.over(exchange=channel, bots=channel, market_data=channel, history=channel)
        )
        found = Followed(upstreams, books)
        yield found
        books.close()


async def test_a_book_goes_on_with_its_changes(followed: Followed) -> None:
    followed.answer(10, ("100.5", "1"), ("99", "2"))
    book = await followed.books.read(MARKET)
    assert (book.seq, book.bids.best(5)) == (10, [("100.5", "1"), ("99", "2")])
    followed.books.listen(MARKET, followed.told.put_nowait)
    (stream,) = followed.upstreams.streams
    stream.put_nowait(changed(8, 10, ("1", "1")))  # known already
    stream.put_nowait(changed(9, 12, ("100.5", "0"), ("101", "3")))
    told = await followed.next()
    assert (told.last_seq, told.bids) == (12, [("100.5", "0"), ("101", "3")])
    book = await followed.books.read(MARKET)
    assert (book.seq, book.bids.best(5)) == (12, [("101", "3"), ("99", "2")])


@pytest.mark.parametrize("trouble", [None, changed(20, 21, ("1", "1"))])
async def test_what_was_missed_is_told_as_one_change(
    followed: Followed, trouble: pb.SubscribeResponse | None
) -> None:
    """The stream ends, or goes on later than the book ends."""
    followed.answer(10, ("100", "1"), ("99", "2"))
    followed.books.listen(MARKET, followed.told.put_nowait)
    await followed.books.read(MARKET)
    followed.answer(30, ("99", "2"), ("98", "4"))
    followed.upstreams.streams[0].put_nowait(trouble)
    told = await followed.next()
    assert (told.first_seq, told.last_seq) == (11, 30)
    assert told.bids == [("100", "0"), ("98", "4")]


async def test_a_reason_is_told_where_there_is_no_book(followed: Followed) -> None:
    with pytest.raises(NotFound):
        await followed.books.read("no-such")
    followed.upstreams.errors["GetDepth"] = Unavailable("not now")
    with pytest.raises(Unavailable, match="not now"):
        await followed.books.read(MARKET)
    del followed.upstreams.errors["GetDepth"]
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                assert (await followed.books.read(MARKET)).seq == 3
                break
            except Unavailable:
                await asyncio.sleep(0.01)


async def test_a_refusal_does_not_end_those_who_listen(followed: Followed) -> None:
    followed.answer(10, ("100", "1"))
    await followed.books.read(MARKET)
    followed.books.listen(MARKET, followed.told.put_nowait)
    followed.upstreams.errors["GetDepth"] = PermissionDenied("not now")
    followed.upstreams.streams[0].put_nowait(None)
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await followed.books.read(MARKET)
            except PermissionDenied:
                break
            except Unavailable:
                pass  # the stream has ended, and nobody asked again
            await asyncio.sleep(0.01)
    followed.answer(30, ("99", "2"))
    del followed.upstreams.errors["GetDepth"]
    assert (await followed.next()).last_seq == 30


async def test_books_that_nobody_looks_at_are_let_go(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = Books(followed.books._upstream, followed_max=1)
    await books.read(MARKET)
    with pytest.raises(Unavailable, match="1 books are followed"):
        books.listen("eth-usdt", followed.told.put_nowait)
    monkeypatch.setattr(books_module, "IDLE_S", -1.0)
    books.listen("eth-usdt", followed.told.put_nowait)
    with pytest.raises(Unavailable):
        await books.read(MARKET)
    books.close()


@given(before=LEVELS, after=LEVELS, sign=st.sampled_from([-1, 1]), seed=st.integers())
def test_the_difference_makes_one_side_the_other(
    before: dict[str, str], after: dict[str, str], sign: int, seed: int
) -> None:
    def side(levels: dict[str, str]) -> Side:
        made = Side(sign)
        shuffled = list(levels.items())
        Random(seed).shuffle(shuffled)
        for each in shuffled:
            made.put(*each)
        return made

    first, second = side(before), side(after)
    for each in first.difference(second):
        first.put(*each)
    expected = sorted(after.items(), key=lambda each: sign * int(each[0]))
    assert first.best(100) == second.best(100) == expected
    assert len(first) == len(after)
