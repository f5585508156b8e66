"""Random lives of orders as batches of a journal, and what the exchange itself makes of them."""

import numpy as np
from tests.support.core_random import SMALL, commands, start
from tests.support.core_rows import rows_of
from tests.support.reference import Reference

from tigerex_core.records import EVENT_WIDTH, Command, Event
from tigerex_services.directory import Directory
from tigerex_services.exchange.orders import OrderBook
from tigerex_services.order_records import EventRow, OrderRecord
from tigerex_services.stream import Batch

START_NS = 1_700_000_000_000_000_000
HOUR_NS = 3_600_000_000_000
HOURS_MAX = 5_000


class HistoryWorld:
    """`batches` of a seed's commands, `size` in each, and the exchange's own fold of them.

    Random commands have times of a few hundred; here each of them is an hour, from START_NS on, so
    that a hundred commands are some weeks.
    """

    def __init__(self, seed: int, count: int, size: int = 3) -> None:
        self.batches: list[Batch] = []
        self.events: list[EventRow] = []
        self.directory = Directory()
        self.book = OrderBook()
        reference = Reference(SMALL)
        rows = rows_of([*start(), *commands(seed, count)])
        rows[rows[:, Command.TIME_NS] > HOURS_MAX, Command.TIME_NS] = 0  # some are nonsense
        for first in range(0, len(rows), size):
            self._add(reference.apply(rows[first : first + size], len(self.batches) + 1))

    @property
    def orders(self) -> dict[int, OrderRecord]:
        """Every order, as the exchange sees it in the end."""
        state = self.book.state()
        return {order.order_id: order for order in (*state.open, *state.closed)}

    def owners(self) -> set[int]:
        return {order.account for order in self.orders.values()}

    def _add(self, rows: list[EventRow]) -> None:
        events = np.array(rows, np.int64).reshape(-1, EVENT_WIDTH)
        before_ns = self.batches[-1].time_ns if self.batches else START_NS
        events[:, Event.TIME_NS] = START_NS + events[:, Event.TIME_NS] * HOUR_NS
        time_ns = max(before_ns, *events[:, Event.TIME_NS].tolist(), 0)
        self.batches.append(Batch(len(self.batches) + 1, time_ns, events))
        self.directory.apply(events)
        self.book.apply(events.tolist())
        self.events += events.tolist()
