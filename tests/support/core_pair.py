"""The compiled core and the plain reference, given the same commands and compared in all they
say."""

from collections.abc import Sequence

from tests.support.core_random import SMALL
from tests.support.core_rows import Row, rows_of, totals
from tests.support.reference import Order, Reference, assert_sound

from tigerex_core import Core, OpenOrder
from tigerex_core.capacity import Capacity
from tigerex_core.records import Event, EventKind, Reason, Rows, Side, pack_name

LEVELS = 1_000


def say(event: Sequence[int]) -> str:
    """An event in words, for the message of a failed comparison."""
    words = [EventKind(event[Event.KIND]).name]
    for column in list(Event)[1:]:
        value = event[column]
        if value:
            reason = column is Event.REASON
            words.append(f"{column.name}={Reason(value).name if reason else value}")
    return " ".join(words)


def said(order: OpenOrder) -> dict[str, int | tuple[int, ...]]:
    """What the core tells of an open order, in the reference's terms."""
    words: dict[str, int | tuple[int, ...]] = {
        name: int(getattr(order, name)) for name in OPEN_ORDER_COLUMNS
    }
    words["name"] = tuple(int(word) for word in pack_name(order.client_order_id))
    return words


def meant(order: Order) -> dict[str, int | tuple[int, ...]]:
    words: dict[str, int | tuple[int, ...]] = {
        name: int(getattr(order, name)) for name in OPEN_ORDER_COLUMNS
    }
    words["name"] = order.name
    return words


OPEN_ORDER_COLUMNS = (
    "order_id",
    "account",
    "market",
    "side",
    "price",
    "quantity",
    "remaining",
    "order_type",
    "time_in_force",
    "post_only",
    "stop_price",
    "trailing",
    "display",
    "visible",
    "expire_ns",
    "self_trade",
    "list_id",
    "waiting",
)


class CorePair:
    """Both, after the same commands."""

    def __init__(self, first: Sequence[Row], capacity: Capacity = SMALL) -> None:
        self.core, self.reference = Core(capacity), Reference(capacity)
        self.seq = 0
        self.send(*first)

    def send(self, *commands: Row) -> list[list[int]]:
        """One batch; its events."""
        return self.apply(rows_of(commands))

    def apply(self, rows: Rows) -> list[list[int]]:
        self.seq += 1
        events: list[list[int]] = self.core.apply(rows, self.seq).tolist()
        expected = self.reference.apply(rows, self.seq)
        assert [say(event) for event in events] == [say(event) for event in expected]
        assert events == expected
        self.assert_same_state()
        return events

    def has(self, account: int, asset: int) -> tuple[int, int]:
        """(available, held)"""
        return self.core.balances(account).get(asset, (0, 0))

    def assert_same_state(self) -> None:
        core, reference = self.core, self.reference
        balances = {account: core.balances(account) for account in reference.accounts}
        assert balances == {account: reference.balances(account) for account in reference.accounts}
        assert not any(totals(balances).values()), "the sum over all accounts is not zero"
        for account in reference.accounts:
            orders = [said(order) for order in core.open_orders(account)]
            assert orders == [meant(order) for order in reference.open_orders(account)]
        for market in range(1, len(reference.site.markets) + 1):
            bids, asks = core.depth(market, LEVELS)
            assert bids == reference.depth(market, Side.BUY)
            assert asks == reference.depth(market, Side.SELL)
            assert core.last_price(market) == reference.last_price(market)
        assert bool(core.pending) == reference.pending
        assert core.check() == []
        assert_sound(reference)
