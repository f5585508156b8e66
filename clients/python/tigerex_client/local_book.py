"""A book kept in memory: a snapshot and the changes since, by the documented rule.

Changes up to the snapshot's `seq` are dropped; the first applied begins at `seq` + 1 or before,
each next one where the last ended.
"""

from collections.abc import Iterable
from decimal import Decimal

from tigerex_client.errors import Gap
from tigerex_client.models.market import Book, BookChanges, Level


class UpdateIds:
    """Which changes follow a snapshot."""

    def __init__(self, snapshot: Book) -> None:
        self.last = snapshot.seq
        self._fresh = True

    def takes(self, changes: BookChanges) -> bool:
        """Whether they are to be applied; False: they are in the book already.

        Raises Gap where something between is missing; nothing is taken then.
        """
        if changes.last_update_id <= self.last:
            return False
        first, expected = changes.first_update_id, self.last + 1
        if first > expected or (first < expected and not self._fresh):
            raise Gap(expected, first)
        self.last = changes.last_update_id
        self._fresh = False
        return True


class LocalBook:
    """Both sides of a market's book; `seq` is the last update that it holds."""

    def __init__(self, snapshot: Book) -> None:
        self.market = snapshot.market
        self._ids = UpdateIds(snapshot)
        self._bids = {level.price: level.quantity for level in snapshot.bids}
        self._asks = {level.price: level.quantity for level in snapshot.asks}

    @property
    def seq(self) -> int:
        return self._ids.last

    def apply(self, changes: BookChanges) -> bool:
        """False: they were in the book already. Raises Gap and changes nothing."""
        if not self._ids.takes(changes):
            return False
        _set(self._bids, changes.bids)
        _set(self._asks, changes.asks)
        return True

    def bids(self, levels: int | None = None) -> tuple[Level, ...]:
        """Best first."""
        prices = sorted(self._bids, reverse=True)[:levels]
        return tuple(Level(price, self._bids[price]) for price in prices)

    def asks(self, levels: int | None = None) -> tuple[Level, ...]:
        """Best first."""
        prices = sorted(self._asks)[:levels]
        return tuple(Level(price, self._asks[price]) for price in prices)


def _set(side: dict[Decimal, Decimal], levels: Iterable[Level]) -> None:
    for level in levels:
        if level.quantity:
            side[level.price] = level.quantity
        else:
            side.pop(level.price, None)
