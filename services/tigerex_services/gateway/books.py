"""The books and last prices of markets that somebody looks at, kept here: read without asking
anybody, and followed change by change.

A book begins with a snapshot of market data's and goes on with its changes. When the stream breaks
or misses something, a new snapshot is taken, and what differs from the book before it is told as
one change: a listener never sees a gap.
"""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from tigerex.marketdata.v1 import marketdata_pb2 as pb

from tigerex_platform.errors import DeadlineExceeded, TigerExError, Unavailable
from tigerex_services.gateway.upstream import Upstream, call, keep_following

SNAPSHOT_LEVELS = 5_000  # a side
FOLLOWED_MAX = 1_000
FORMS_MAX = 64  # of one book
IDLE_S = 60.0  # after which a book that nobody read or listens to is let go
FIRST_BOOK_S = 5.0

Level = tuple[str, str]
"""Price and quantity, as market data spells them."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Levels as they are after the journal entries `first_seq` to `last_seq`; "0": gone."""

    market: str
    first_seq: int
    last_seq: int
    time_ns: int
    bids: list[Level]
    asks: list[Level]


Listener = Callable[[Changes], None]


class Side:
    """Levels of one side by price."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._order: list[Decimal] = []  # sign * price, best first
        self._levels: dict[Decimal, Level] = {}

    def __len__(self) -> int:
        return len(self._order)

    def put(self, price: str, quantity: str) -> None:
        """Set a level; "0" takes it away."""
        key = self._sign * Decimal(price)
        known = key in self._levels
        if quantity == "0":
            if known:
                del self._levels[key]
                del self._order[bisect_left(self._order, key)]
            return
        if not known:
            insort(self._order, key)
        self._levels[key] = (price, quantity)

    def best(self, count: int) -> list[Level]:
        """The best `count` levels, best first."""
        return [self._levels[key] for key in self._order[:count]]

    def difference(self, after: "Side") -> list[Level]:
        """What has to be put to make this side the other one."""
        gone = [(level[0], "0") for key, level in self._levels.items() if key not in after._levels]
        return gone + [
            level for key, level in after._levels.items() if self._levels.get(key) != level
        ]


class Book:
    """A market's book as of `seq`."""

    def __init__(self, snapshot: pb.Depth | None = None) -> None:
        self.seq = snapshot.seq if snapshot else 0
        self.time_ns = snapshot.time_ns if snapshot else 0
        self.bids, self.asks = Side(-1), Side(1)
        self._shown: dict[object, bytes] = {}
        if snapshot:
            _put(self.bids, ((level.price, level.quantity) for level in snapshot.bids))
            _put(self.asks, ((level.price, level.quantity) for level in snapshot.asks))

    def apply(self, changes: Changes) -> None:
        _put(self.bids, changes.bids)
        _put(self.asks, changes.asks)
        self.seq, self.time_ns = changes.last_seq, changes.time_ns
        self._shown.clear()

    def shown(self, form: object, make: Callable[["Book"], bytes]) -> bytes:
        """The book in a form, which is made once for all who ask before it changes."""
        found = self._shown.get(form)
        if found is None:
            if len(self._shown) >= FORMS_MAX:
                self._shown.clear()
            found = self._shown[form] = make(self)
        return found


def _put(side: Side, levels: Iterable[Level]) -> None:
    for price, quantity in levels:
        side.put(price, quantity)


def _changes(message: pb.BookChanges) -> Changes:
    return Changes(
        message.market,
        message.first_seq,
        message.last_seq,
        message.time_ns,
        [(level.price, level.quantity) for level in message.bids],
        [(level.price, level.quantity) for level in message.asks],
    )


class MarketBook:
    """Follows one market's book."""

    def __init__(self, upstream: Upstream, market: str) -> None:
        self._upstream = upstream
        self._market = market
        self.book = Book()
        self.last_price = ""  # before the first trade
        self.settled = asyncio.Event()  # there is a book, or a reason why there is none
        self.failure: TigerExError | None = None  # of the newest attempt
        self.listeners: set[Listener] = set()
        self.used_s = 0.0
        name = f"book of {market}"
        following = keep_following(name, self._follow, self._failed)
        self.task = asyncio.create_task(following, name=name)

    def _failed(self, reason: TigerExError) -> None:
        self.failure = reason
        self.settled.set()

    async def _follow(self) -> None:
        """Opens the stream first, so that nothing can be missed between it and the snapshot."""
        stream = self._upstream.market_data.Subscribe(
            pb.SubscribeRequest(
                markets=[self._market], channels=[pb.CHANNEL_CHANGES, pb.CHANNEL_TRADES]
            )
        )
        try:
            await stream.initial_metadata()
            answer = await call(
                self._upstream.market_data.GetDepth,
                pb.GetDepthRequest(market=self._market, levels=SNAPSHOT_LEVELS),
            )
            trades = await call(
                self._upstream.market_data.ListTrades,
                pb.ListTradesRequest(market=self._market, limit=1),
            )
            if trades.trades:
                self.last_price = trades.trades[0].price
            self._begin(Book(answer.depth))
            async for event in stream:
                if event.HasField("trade"):
                    self.last_price = event.trade.price
                else:
                    self._go_on(_changes(event.changes))
        finally:
            stream.cancel()

    def _begin(self, book: Book) -> None:
        before, self.book = self.book, book
        self.failure = None
        self.settled.set()
        if not before.seq or book.seq <= before.seq:
            return
        bids, asks = before.bids.difference(book.bids), before.asks.difference(book.asks)
        self._tell(Changes(self._market, before.seq + 1, book.seq, book.time_ns, bids, asks))

    def _go_on(self, changes: Changes) -> None:
        if changes.last_seq <= self.book.seq:
            return
        if changes.first_seq > self.book.seq + 1:
            raise Unavailable(
                f"changes go on at seq {changes.first_seq}, the book ends at {self.book.seq}"
            )
        self.book.apply(changes)
        self._tell(changes)

    def _tell(self, changes: Changes) -> None:
        for listener in self.listeners:
            listener(changes)


class Books:
    """Followed books by market: one stream of each, however many look at it."""

    def __init__(self, upstream: Upstream, *, followed_max: int = FOLLOWED_MAX) -> None:
        self._upstream = upstream
        self._followed_max = followed_max
        self._books: dict[str, MarketBook] = {}

    async def read(self, market: str) -> Book:
        """The book as it is now. Raises as `follow`."""
        return (await self.follow(market)).book

    async def follow(self, market: str) -> MarketBook:
        """The market's book and last price, followed from here on. Raises TigerExError: NotFound
        for an unknown market, Unavailable where there is no book yet."""
        followed = self._followed(market)
        try:
            async with asyncio.timeout(FIRST_BOOK_S):
                await followed.settled.wait()
        except TimeoutError as error:
            raise DeadlineExceeded("market data did not answer in time") from error
        if followed.failure is None:
            return followed
        if not followed.failure.retryable and not followed.listeners:
            self._drop(market)  # who listens is told when there is a book again
        raise followed.failure

    def listen(self, market: str, listener: Listener) -> None:
        """Tells every change from now on. Raises Unavailable when too many are followed."""
        self._followed(market).listeners.add(listener)

    def leave(self, market: str, listener: Listener) -> None:
        if market in self._books:
            self._books[market].listeners.discard(listener)

    def close(self) -> None:
        """Ends every stream."""
        for market in list(self._books):
            self._drop(market)

    def _followed(self, market: str) -> MarketBook:
        now_s = asyncio.get_running_loop().time()
        followed = self._books.get(market)
        if followed is None:
            self._let_go(now_s)
            if len(self._books) >= self._followed_max:
                raise Unavailable(f"{self._followed_max} books are followed here already")
            followed = self._books[market] = MarketBook(self._upstream, market)
        followed.used_s = now_s
        return followed

    def _let_go(self, now_s: float) -> None:
        """Of books that nobody looks at; whenever another one is asked for."""
        for market, followed in list(self._books.items()):
            if not followed.listeners and now_s - followed.used_s > IDLE_S:
                self._drop(market)

    def _drop(self, market: str) -> None:
        followed = self._books.pop(market, None)
        if followed is not None:
            followed.task.cancel()
