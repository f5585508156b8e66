"""Plain trading from a seed: new orders, cancels and takers over a book of many levels."""

from collections.abc import Iterator
from random import Random

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
        self._random = Random(seed)
        self._levels = levels
        self._open: list[tuple[int, int]] = []  # account, order id
        self._requests = seed << 32

    def start(self) -> list[Row]:
        """One market and two accounts with money."""
        return [[int(v) for v in row] for row in exchange(money=MONEY, price_max=10 * PRICE)]

    def rows(self, count: int) -> Rows:
        """The next commands."""
        rows = np.zeros((count, COMMAND_WIDTH), np.int64)
        for row in rows:
            self._requests += 1
            row[Command.REQUEST_HI], row[Command.REQUEST_LO] = 1, self._requests
            if self._open and self._random.random() < CANCELS_SHARE:
                at = self._random.randrange(len(self._open))
                self._open[at], self._open[-1] = self._open[-1], self._open[at]
                row[Command.KIND] = CommandKind.CANCEL_ORDER
                row[Command.ACCOUNT], row[Command.ORDER_ID] = self._open.pop()
            else:
                self._order(row)
        return rows

    def saw(self, events: Rows) -> None:
        """Learn which orders rest now."""
        rested = events[events[:, Event.KIND] == EventKind.ORDER_RESTED]
        for account, order_id in rested[:, [Event.ACCOUNT, Event.ORDER_ID]].tolist():
            self._open.append((account, order_id))

    def _order(self, row: Rows) -> None:
        random = self._random
        side = random.choice((Side.BUY, Side.SELL))
        takes = random.random() < TAKERS_SHARE
        away = 20 if takes else -random.randrange(self._levels)
        row[Command.KIND] = CommandKind.PLACE_ORDER
        row[Command.ACCOUNT] = random.choice((ADA, BOB))
        row[Command.MARKET], row[Command.SIDE] = MARKET, side
        row[Command.ORDER_TYPE] = OrderType.LIMIT
        row[Command.TIME_IN_FORCE] = TimeInForce.IOC if takes else TimeInForce.GTC
        row[Command.PRICE] = PRICE + away if side == Side.BUY else PRICE + 1 - away
        row[Command.QUANTITY] = random.randint(1, 20)


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
