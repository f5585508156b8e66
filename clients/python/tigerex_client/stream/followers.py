"""How each channel is made whole: what is new, and what has to be asked for after a gap.

Pure: `repair` is a generator that yields calls and is sent their answers.
"""

from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from tigerex_client import calls
from tigerex_client.calls import Call
from tigerex_client.errors import Gap, GapTooLarge
from tigerex_client.local_book import UpdateIds
from tigerex_client.models.bots import (
    Bot,
    BotChanged,
    BotEvent,
    BotRemoved,
    BotTrade,
    BotTraded,
)
from tigerex_client.models.market import (
    Book,
    BookChanges,
    Candle,
    StreamInterval,
    TopOfBook,
    Trade,
)

REPAIR_PAGES_MAX = 100
PAGE_ROWS = 1_000
BOT_PAGE_ROWS = 500
BOOK_LEVELS = 5_000
NS_PER_MS = 1_000_000

In_contra = TypeVar("In_contra", contravariant=True)
Out = TypeVar("Out")
Row = TypeVar("Row")
Repair = Generator[Call[Any], Any, list[Out]]


class Follower(Protocol[In_contra, Out]):
    """`repair` runs after each (re)connection, before what came meanwhile is accepted."""

    def repair(self) -> "Repair[Out]":
        """What was missed, in order. Raises GapTooLarge."""
        ...

    def accept(self, item: In_contra) -> list[Out]:
        """What of a live item is new. Raises Gap and takes nothing: repair first."""
        ...


class TradesFollower:
    """Every trade once, from the subscription on: their ids leave none out."""

    def __init__(self, market: str) -> None:
        self._market = market
        self._last: int | None = None  # emitted
        self._before_first: int | None = None  # the newest when the subscription began

    def accept(self, item: Trade) -> list[Trade]:
        after = self._after()
        if self._last is not None and item.trade_id <= self._last:
            return []
        if after is not None and item.trade_id > after + 1:
            raise Gap(after + 1, item.trade_id)
        self._last = item.trade_id
        return [item]

    def _after(self) -> int | None:
        return self._before_first if self._last is None else self._last

    def repair(self) -> Repair[Trade]:
        after = self._after()
        if after is None:
            newest: tuple[Trade, ...] = yield calls.trades(self._market, limit=1)
            self._before_first = newest[0].trade_id if newest else 0
            return []
        name = f"trades:{self._market}"
        found = yield from _newer(
            name,
            lambda before: calls.trades(self._market, before=before, limit=PAGE_ROWS),
            lambda trade: trade.trade_id,
            after,
            PAGE_ROWS,
        )
        if not found:
            return []
        if found[0].trade_id != after + 1:  # older ones are not kept any more
            raise GapTooLarge(name, REPAIR_PAGES_MAX)
        self._last = found[-1].trade_id
        return found


class CandlesFollower:
    """Every state of the current candle that comes, and the last one of each that was missed."""

    def __init__(self, market: str, interval: StreamInterval) -> None:
        self._market = market
        self._interval: StreamInterval = interval
        self._last: tuple[int, int, bool] | None = None

    def accept(self, item: Candle) -> list[Candle]:
        position = (item.open_time_ns, item.trades, item.closed)
        if self._last is not None and position <= self._last:
            return []
        self._last = position
        return [item]

    def repair(self) -> Repair[Candle]:
        if self._last is None:
            return []  # the newest comes by itself
        pages: list[tuple[Candle, ...]] = []
        start_ms, end_ms = self._last[0] // NS_PER_MS, 0
        for _ in range(REPAIR_PAGES_MAX):
            page: tuple[Candle, ...] = yield calls.candles(
                self._market, self._interval, start_ms=start_ms, end_ms=end_ms, limit=PAGE_ROWS
            )
            pages.append(page)
            end_ms = page[0].open_time_ns // NS_PER_MS if page else 0
            if len(page) < PAGE_ROWS or end_ms <= start_ms:
                break
        else:
            raise GapTooLarge(f"candles:{self._market}:{self._interval}", REPAIR_PAGES_MAX)
        return [each for page in reversed(pages) for row in page for each in self.accept(row)]


State = TypeVar("State", TopOfBook, Book)


class StateFollower:
    """The newest state; it comes by itself after a subscription, older ones are dropped."""

    def __init__(self) -> None:
        self._last = (-1, -1)

    def accept(self, item: State) -> list[State]:
        position = (item.seq, item.time_ns or 0)
        if position <= self._last:
            return []
        self._last = position
        return [item]

    def repair(self) -> Repair[Any]:
        yield from ()
        return []


class ChangesFollower:
    """A snapshot, the changes that follow it, and a new snapshot after each gap."""

    def __init__(self, market: str) -> None:
        self._market = market
        self._ids: UpdateIds | None = None

    def accept(self, item: BookChanges) -> list[Book | BookChanges]:
        if self._ids is None:
            raise Gap(1, item.first_update_id)
        return [item] if self._ids.takes(item) else []

    def repair(self) -> Repair[Book | BookChanges]:
        snapshot: Book = yield calls.book(self._market, BOOK_LEVELS)
        self._ids = UpdateIds(snapshot)
        return [snapshot]


class BotsFollower:
    """All bots, then what changes; trades of bots by id, also those of a time without a socket."""

    def __init__(self) -> None:
        self._bots: dict[str, Bot] = {}
        self._last_trade: dict[str, int] = {}

    def accept(self, item: BotEvent) -> list[BotEvent]:
        match item:
            case BotTraded(bot_id, trade):
                if trade.trade_id <= self._last_trade.get(bot_id, 0):
                    return []
                self._last_trade[bot_id] = trade.trade_id
            case BotChanged(bot):
                if self._bots.get(bot.bot_id) == bot:
                    return []
                self._bots[bot.bot_id] = bot
            case BotRemoved(bot_id):
                self._last_trade.pop(bot_id, None)
                if self._bots.pop(bot_id, None) is None:
                    return []
        return [item]

    def repair(self) -> Repair[BotEvent]:
        if not self._bots:
            return []  # all of them come by themselves
        listed = yield from self._list()
        missed: list[BotEvent] = [BotRemoved(i) for i in self._bots if i not in listed]
        for bot_id, before in self._bots.items():
            if bot_id in listed:
                trades = yield from self._missed_trades(before, listed[bot_id])
                missed += [BotTraded(bot_id, trade) for trade in trades]
                missed.append(BotChanged(listed[bot_id]))
        return [each for event in missed for each in self.accept(event)]

    def _list(self) -> Generator[Call[Any], Any, dict[str, Bot]]:
        listed: dict[str, Bot] = {}
        token = ""
        for _ in range(REPAIR_PAGES_MAX):
            page = yield calls.bots(page_size=BOT_PAGE_ROWS, page_token=token)
            listed |= {bot.bot_id: bot for bot in page.bots}
            token = page.next_page_token or ""
            if not token:
                return listed
        raise GapTooLarge("bots", REPAIR_PAGES_MAX)

    def _missed_trades(self, before: Bot, now: Bot) -> Generator[Call[Any], Any, list[BotTrade]]:
        count = _trades_of(now) - _trades_of(before)
        if count <= 0:
            return []
        last = self._last_trade.get(now.bot_id, 0)
        found: list[BotTrade] = yield from _newer(
            f"trades of the bot {now.bot_id}",
            lambda oldest: calls.bot_trades(now.bot_id, before=oldest, limit=BOT_PAGE_ROWS),
            lambda trade: trade.trade_id,
            last,
            BOT_PAGE_ROWS,
            # Without one that was seen, the count tells which are new.
            rows_max=None if last else count,
        )
        return found if last else found[-count:]


def _trades_of(bot: Bot) -> int:
    return bot.performance.trades if bot.performance else 0


def _newer(
    name: str,
    page_before: Callable[[int], Call[tuple[Row, ...]]],
    id_of: Callable[[Row], int],
    after: int,
    page_rows: int,
    rows_max: int | None = None,
) -> Generator[Call[Any], Any, list[Row]]:
    """Rows with ids above `after`, oldest first, from pages that begin with the newest."""
    found: list[Row] = []
    before = 0
    for _ in range(REPAIR_PAGES_MAX):
        page: tuple[Row, ...] = yield page_before(before)
        found += [row for row in page if id_of(row) > after]
        enough = rows_max is not None and len(found) >= rows_max
        if len(page) < page_rows or id_of(page[-1]) <= after or enough:
            return found[::-1]
        before = id_of(page[-1])
    raise GapTooLarge(name, REPAIR_PAGES_MAX)
