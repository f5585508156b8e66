"""Plain trading from a seed: new orders, cancels and takers over a book of many levels."""

from collections.abc import Iterator

import numpy as np
from tests.support.core_rows import ADA, BOB, MARKET, Row, exchange

from tigerex_core import KERNEL_VERSION, Core
from tigerex_core.records import (
    COMMAND_WIDTH,
    Command,
    CommandKind,
    Event,
    EventKind,
    OrderType,
    Rows,
    Side,
    TimeInForce,
)
from tigerex_services.exchange.entry import Head, JournalEntry, head_of, seal

MONEY = 2**50
PRICE = 50_000
CANCELS_SHARE, TAKERS_SHARE = 0.4, 0.05
START_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000_000


class Flow:
    """Commands that follow what has happened: cancels name orders that are open."""

    def __init__(self, seed: int, levels: int = 500) -> None:
        self._random = np.random.default_rng(seed)
        self._levels = levels
        self._open = np.zeros((0, 2), np.int64)  # account, order id
        self._requests = seed << 32

    def start(self) -> list[Row]:
        """One market and two accounts with money."""
        return [[int(v) for v in row] for row in exchange(money=MONEY, price_max=10 * PRICE)]

    def rows(self, count: int) -> Rows:
        """The next commands."""
        random = self._random
        rows = np.zeros((count, COMMAND_WIDTH), np.int64)
        side = random.integers(Side.BUY, Side.SELL, count, endpoint=True)
        takes = random.random(count) < TAKERS_SHARE
        away = np.where(takes, 20, -random.integers(0, self._levels, count))
        rows[:, Command.KIND] = CommandKind.PLACE_ORDER
        rows[:, Command.ACCOUNT] = random.integers(ADA, BOB, count, endpoint=True)
        rows[:, Command.MARKET], rows[:, Command.SIDE] = MARKET, side
        rows[:, Command.ORDER_TYPE] = OrderType.LIMIT
        rows[:, Command.TIME_IN_FORCE] = np.where(takes, TimeInForce.IOC, TimeInForce.GTC)
        rows[:, Command.PRICE] = np.where(side == Side.BUY, PRICE + away, PRICE + 1 - away)
        rows[:, Command.QUANTITY] = random.integers(1, 20, count, endpoint=True)
        self._cancel_some(rows)
        rows[:, Command.REQUEST_HI] = 1
        rows[:, Command.REQUEST_LO] = self._requests + 1 + np.arange(count)
        self._requests += count
        return rows

    def saw(self, events: Rows) -> None:
        """Learn which orders rest now."""
        rested = events[events[:, Event.KIND] == EventKind.ORDER_RESTED]
        self._open = np.concatenate([self._open, rested[:, [Event.ACCOUNT, Event.ORDER_ID]]])

    def _cancel_some(self, rows: Rows) -> None:
        """Make some of the rows cancels of open orders, of which some are filled by then."""
        random = self._random
        cancels = np.flatnonzero(random.random(len(rows)) < CANCELS_SHARE)[: len(self._open)]
        chosen = random.permutation(len(self._open))
        named, self._open = self._open[chosen[: len(cancels)]], self._open[chosen[len(cancels) :]]
        rows[cancels] = 0
        rows[cancels, Command.KIND] = CommandKind.CANCEL_ORDER
        rows[cancels, Command.ACCOUNT] = named[:, 0]
        rows[cancels, Command.ORDER_ID] = named[:, 1]


def entries(flow: Flow, core: Core, count: int, batch: int) -> Iterator[JournalEntry]:
    """Journal entries of `count` commands after the start, `batch` in each."""
    head = Head(0, START_NS)
    todo = np.array(flow.start(), np.int64)
    done = -len(todo)
    while True:
        todo[:, Command.TIME_NS] = head.time_ns + STEP_NS
        events = core.apply(todo, head.seq + 1)
        flow.saw(events)
        entry = seal(head, KERNEL_VERSION, head.time_ns + STEP_NS, todo.tobytes(), events.tobytes())
        head = head_of(entry)
        yield entry
        done += len(todo)
        if done >= count:
            return
        todo = flow.rows(min(batch, count - done))
