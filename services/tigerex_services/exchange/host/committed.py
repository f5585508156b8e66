"""What the committed journal says, in memory: names, orders, last prices.

Only committed batches are folded in, so anything read here may leave the process at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tigerex_core.records import Rows
from tigerex_services.directory import Directory
from tigerex_services.exchange.orders import EventRow, OrderBook


@dataclass(frozen=True, slots=True)
class Committed:
    """The fold of every committed batch."""

    directory: Directory = field(default_factory=Directory)
    orders: OrderBook = field(default_factory=OrderBook)

    def apply(self, events: Rows, rows: Sequence[EventRow]) -> None:
        """Fold one committed batch, given as an array and as rows of plain ints."""
        self.directory.apply(events)
        self.orders.apply(rows)
