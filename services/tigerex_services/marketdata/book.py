"""One market's book as sums per price, folded from the exchange's events. Pure, in ticks and lots.

No orders are kept: an event tells price and lots of what the book shows more or less. So hidden
parts of icebergs and orders that wait for a price are never in it.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tigerex_core.records import Event, EventKind, Side

Levels = list[tuple[int, int]]

SNAPSHOT_LEVELS = 5_000  # what one GetBook answers a side at most
KNOWN_LEVELS_MIN = 1_000  # a cut side with fewer levels left needs a new snapshot

# What changes the book: by VISIBLE lots at PRICE on SIDE …
SHOWING = frozenset(
    (
        EventKind.ORDER_RESTED,
        EventKind.ORDER_EXPIRED,
        EventKind.ORDER_CANCELED,
        EventKind.ORDER_AMENDED,
    )
)
# … or by QUANTITY lots less at PRICE on the maker's side.
MEETING = frozenset((EventKind.TRADED, EventKind.SELF_TRADE_PREVENTED))


class BookError(Exception):
    """An event takes away what is not there: the fold missed something, and must start again."""


class SideBook:
    """Prices and lots of one side.

    A side that began as a cut snapshot knows nothing beyond its worst price then, and ignores
    changes there.
    """

    def __init__(self, side: Side, levels: Sequence[tuple[int, int]] = ()) -> None:
        self._sign = -1 if side is Side.BUY else 1  # sorted ascending by sign * price: best first
        self._lots = {self._sign * price: lots for price, lots in levels}
        self._prices = sorted(self._lots)
        self._edge = self._prices[-1] if len(self._prices) >= SNAPSHOT_LEVELS else None
        self._changed: set[int] = set()

    def __len__(self) -> int:
        return len(self._prices)

    @property
    def needs_snapshot(self) -> bool:
        """Whether too little is left of a cut snapshot."""
        return self._edge is not None and len(self._prices) < KNOWN_LEVELS_MIN

    def add(self, price: int, lots: int) -> None:
        """Add lots at a price; negative ones are taken away. Raises BookError below zero."""
        key = self._sign * price
        if self._edge is not None and key > self._edge:
            return
        before = self._lots.get(key, 0)
        after = before + lots
        if after < 0:
            raise BookError(f"{-lots} lots leave price {price}, where {before} are")
        self._changed.add(key)
        if not before:
            insort(self._prices, key)
        if after:
            self._lots[key] = after
        else:
            self._lots.pop(key, None)
            del self._prices[bisect_left(self._prices, key)]

    def best(self) -> tuple[int, int] | None:
        """(price, lots) of the best level; None while the side is empty."""
        if not self._prices:
            return None
        key = self._prices[0]
        return self._sign * key, self._lots[key]

    def levels(self, count: int) -> Levels:
        """The best `count` levels, best first."""
        return [(self._sign * key, self._lots[key]) for key in self._prices[:count]]

    def take_changes(self) -> Levels:
        """The levels that changed since the last time, best first; 0 lots: it is gone."""
        changed = sorted(self._changed)
        self._changed.clear()
        return [(self._sign * key, self._lots.get(key, 0)) for key in changed]

    def change_from(self, before: "SideBook") -> None:
        """Count everything as changed that is another than before."""
        self._changed = {
            key
            for key in self._lots.keys() | before._lots.keys()
            if self._lots.get(key) != before._lots.get(key)
        } | before._changed


class Row(Protocol):
    """One event, as an array row or a list of ints."""

    def __getitem__(self, column: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Changes:
    """Levels that changed from `first_seq` to `last_seq`, as they are then; 0 lots: it is gone."""

    first_seq: int
    last_seq: int
    bids: Levels
    asks: Levels


class Book:
    """Both sides, as of `seq` at `time_ns`."""

    def __init__(
        self,
        seq: int = 0,
        time_ns: int = 0,
        bids: Sequence[tuple[int, int]] = (),
        asks: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.seq = seq
        self.time_ns = time_ns
        self.bids = SideBook(Side.BUY, bids)
        self.asks = SideBook(Side.SELL, asks)
        self._told_seq = seq

    @property
    def needs_snapshot(self) -> bool:
        return self.bids.needs_snapshot or self.asks.needs_snapshot

    def replace(self, before: "Book") -> None:
        """Go on where another book of the market was: what differs counts as a change."""
        self.bids.change_from(before.bids)
        self.asks.change_from(before.asks)
        self._told_seq = before._told_seq

    def take_changes(self) -> "Changes":
        """What changed since the last time; each one goes on where the one before it ended."""
        changes = Changes(
            self._told_seq + 1, self.seq, self.bids.take_changes(), self.asks.take_changes()
        )
        self._told_seq = self.seq
        return changes

    def apply(self, seq: int, time_ns: int, rows: Iterable[Row]) -> bool:
        """Fold one batch's events of this market; True when the book changed.

        A batch that the book has already seen, by its start from a later snapshot, changes nothing.
        """
        if seq <= self.seq:
            return False
        changed = False
        for row in rows:
            changed |= self._apply_one(row)
        self.seq, self.time_ns = seq, time_ns
        return changed

    def _apply_one(self, row: Row) -> bool:
        side, kind = row[Event.SIDE], row[Event.KIND]
        if kind in SHOWING:
            lots = row[Event.VISIBLE]
        elif kind in MEETING:  # SIDE is the taker's; the maker rests on the other one
            side, lots = Side.BUY + Side.SELL - side, -row[Event.QUANTITY]
        else:
            return False
        if lots == 0:  # nothing of the order was shown, or both met without a loss
            return False
        self._side(side).add(row[Event.PRICE], lots)
        return True

    def _side(self, side: int) -> SideBook:
        return self.bids if side == Side.BUY else self.asks
