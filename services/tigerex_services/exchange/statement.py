"""The ledger statement of one account: every movement of its money, told by the stored events.

It computes balances from nothing but events, in a way of its own: that the last line equals what
the core says is a proof of both. Lines of one command are in the order of its events; within it
`available` may pass through values that no caller could have seen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tigerex_core.order_life import CLOSED, OrderState
from tigerex_core.records import FEES_ACCOUNT, WORLD_ACCOUNT, Event, EventKind, Rows, Side
from tigerex_services.directory import Directory
from tigerex_services.exchange.orders import held_by
from tigerex_services.instruments import MarketInfo
from tigerex_services.order_records import (
    FOLLOW,
    OF_TWO_ORDERS,
    EventRow,
    ListRecord,
    OrderRecord,
    accepted,
    placed_list,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One movement; amounts in units of the asset, the balances as they are after it.

    `why` is a word for people and programs; ids are 0 where there is none.
    """

    seq: int
    time_ns: int
    why: str
    asset_id: int
    available_change: int
    held_change: int
    available: int
    held: int
    order_id: int = 0
    trade_id: int = 0
    other_account: int = 0


Balances = dict[int, tuple[int, int]]  # asset id -> available, held
_Part = tuple[str, int, int, int]  # why, asset id, change of available, change of held

_HOLDS: Mapping[int, str] = {
    EventKind.ORDER_ACCEPTED: "hold",
    EventKind.ORDER_AMENDED: "amend",
    EventKind.ORDER_CANCELED: "release",
    EventKind.ORDER_EXPIRED: "release",
    EventKind.ORDER_FILLED: "release",
}


class Statement:
    """A fold of the events of every committed entry, from the first one on."""

    def __init__(self, account: int, directory: Directory | None = None) -> None:
        """A `directory` that already knows every name is not changed by what it hears again."""
        self._account = account
        self._directory = directory or Directory()
        self._orders: dict[int, OrderRecord] = {}  # open ones of the account
        self._lists: dict[int, ListRecord] = {}
        self._holds: dict[int, tuple[int, int]] = {}  # order id -> asset id, units
        self.balances: Balances = {}

    def apply(self, seq: int, events: Rows) -> list[Line]:
        """The movements of one entry; `events` in today's columns."""
        self._directory.apply(events)
        mine = (events[:, Event.ACCOUNT] == self._account) | (
            events[:, Event.OTHER_ACCOUNT] == self._account
        )
        if self._account == FEES_ACCOUNT:
            mine |= events[:, Event.KIND] == EventKind.TRADED
        lines: list[Line] = []
        for row in events[mine].tolist():
            lines += self._lines(seq, row)
        return lines

    def _lines(self, seq: int, row: EventRow) -> Iterator[Line]:
        for why, asset_id, available, held in self._parts(row):
            if available or held:
                before = self.balances.get(asset_id, (0, 0))
                after = before[0] + available, before[1] + held
                self.balances[asset_id] = after
                yield Line(
                    seq,
                    row[Event.TIME_NS],
                    why,
                    asset_id,
                    available,
                    held,
                    *after,
                    self._own_order(row),
                    row[Event.TRADE_ID],
                    self._other(row),
                )

    def _parts(self, row: EventRow) -> list[_Part]:
        kind = row[Event.KIND]
        if kind in _MOVEMENTS:
            return _MOVEMENTS[kind](row, self._account)
        parts: list[_Part] = []
        if kind == EventKind.TRADED:
            market = self._directory.market_by_id(row[Event.MARKET])
            for taker in (True, False):
                parts += self._traded(row, market, taker)
            parts += _fee_income(row, market, self._account)
        return parts + self._held_parts(row)

    # What orders hold

    def _held_parts(self, row: EventRow) -> list[_Part]:
        kind, order_id = row[Event.KIND], row[Event.ORDER_ID]
        if kind == EventKind.LIST_PLACED and row[Event.ACCOUNT] == self._account:
            self._lists[order_id] = placed_list(row)
        elif kind == EventKind.ORDER_ACCEPTED and row[Event.ACCOUNT] == self._account:
            self._orders[order_id] = accepted(row)
            self._holds[order_id] = row[Event.ASSET], row[Event.AMOUNT]
            return [("hold", row[Event.ASSET], -row[Event.AMOUNT], row[Event.AMOUNT])]
        elif kind in FOLLOW:
            both = (order_id, row[Event.OTHER_ORDER]) if kind in OF_TWO_ORDERS else (order_id,)
            return [part for each in both for part in self._follow(each, row)]
        return []

    def _follow(self, order_id: int, row: EventRow) -> list[_Part]:
        order = self._orders.get(order_id)
        if order is None:
            return []
        kind = row[Event.KIND]
        FOLLOW[kind](order, row)
        # What a triggered stop needs beyond its limit order becomes free with that one's cancel.
        parts = [] if kind == EventKind.ORDER_TRIGGERED else self._rehold(order, _HOLDS.get(kind))
        sibling = self._sibling(order)
        if sibling is not None and (
            kind == EventKind.SELF_TRADE_PREVENTED
            or (order.status in CLOSED and sibling.status is not OrderState.WAITING)
        ):
            parts += self._rehold(sibling, None)
        if order.status in CLOSED:
            del self._orders[order_id]
        return parts

    def _rehold(self, order: OrderRecord, why: str | None) -> list[_Part]:
        """Hold what the order needs now."""
        market = self._directory.market_by_id(order.market)
        asset_id, units = held_by(order, market, self._sibling(order))
        units = 0 if order.status in CLOSED else units
        _, before = self._holds.pop(order.order_id, (asset_id, 0))
        if order.status not in CLOSED:
            self._holds[order.order_id] = asset_id, units
        change = units - before
        return [(why or ("hold" if change > 0 else "release"), asset_id, -change, change)]

    def _sibling(self, order: OrderRecord) -> OrderRecord | None:
        found = self._lists.get(order.terms.list_id)
        return self._orders.get(found.sibling(order.order_id)) if found else None

    # What trades move; what the order held for them is released by the order's own change

    def _traded(self, row: EventRow, market: MarketInfo, taker: bool) -> list[_Part]:
        if row[Event.ACCOUNT if taker else Event.OTHER_ACCOUNT] != self._account:
            return []
        buys = (row[Event.SIDE] == Side.BUY) == taker
        base = row[Event.QUANTITY] * market.lot
        gives = (market.quote.asset_id, row[Event.AMOUNT])
        gets = (market.base.asset_id, base)
        if not buys:
            gives, gets = gets, gives
        fee_asset, fee = _fee(row, market, taker)
        return [
            ("fill", gives[0], -gives[1], 0),
            ("fill", gets[0], gets[1], 0),
            ("fee", fee_asset, -fee, 0),
        ]

    def _own_order(self, row: EventRow) -> int:
        if row[Event.ACCOUNT] == self._account or row[Event.KIND] not in OF_TWO_ORDERS:
            return row[Event.ORDER_ID]
        return row[Event.OTHER_ORDER] if row[Event.OTHER_ACCOUNT] == self._account else 0

    def _other(self, row: EventRow) -> int:
        if row[Event.KIND] not in _MOVEMENTS:
            return 0
        mine = row[Event.ACCOUNT] == self._account
        return row[Event.OTHER_ACCOUNT if mine else Event.ACCOUNT]


def _fee(row: EventRow, market: MarketInfo, taker: bool) -> tuple[int, int]:
    """The asset and the amount of a fee; older events leave the asset out."""
    buys = (row[Event.SIDE] == Side.BUY) == taker
    received = market.base.asset_id if buys else market.quote.asset_id
    if taker:
        return row[Event.ASSET] or received, row[Event.FEE]
    return row[Event.OTHER_ASSET] or received, row[Event.VALUE]


def _fee_income(row: EventRow, market: MarketInfo, account: int) -> list[_Part]:
    if account != FEES_ACCOUNT:
        return []
    fees = [_fee(row, market, taker) for taker in (True, False)]
    return [("fee income", asset_id, fee, 0) for asset_id, fee in fees]


def _transferred(row: EventRow, account: int) -> list[_Part]:
    asset_id, amount = row[Event.ASSET], row[Event.AMOUNT]
    if row[Event.ACCOUNT] == account:
        why = "withdrawal" if row[Event.OTHER_ACCOUNT] == WORLD_ACCOUNT else "transfer out"
        return [(why, asset_id, -amount, 0)]
    why = "deposit" if row[Event.ACCOUNT] == WORLD_ACCOUNT else "transfer in"
    return [(why, asset_id, amount, 0)]


def _reserved(row: EventRow, account: int) -> list[_Part]:
    amount = row[Event.AMOUNT] if row[Event.ACCOUNT] == account else 0
    return [("reserve", row[Event.ASSET], -amount, amount)]


def _posted(row: EventRow, account: int) -> list[_Part]:
    if row[Event.ACCOUNT] == account:
        return [("transfer out", row[Event.ASSET], 0, -row[Event.AMOUNT])]
    return _transferred(row, account)


def _voided(row: EventRow, account: int) -> list[_Part]:
    amount = row[Event.AMOUNT] if row[Event.ACCOUNT] == account else 0
    return [("void", row[Event.ASSET], amount, -amount)]


_MOVEMENTS: Mapping[int, Callable[[EventRow, int], list[_Part]]] = {
    EventKind.TRANSFERRED: _transferred,
    EventKind.TRANSFER_RESERVED: _reserved,
    EventKind.TRANSFER_POSTED: _posted,
    EventKind.TRANSFER_VOIDED: _voided,
}


def closing(lines: Sequence[Line], opening: Balances) -> Balances:
    """The balances that lines lead to; raises ValueError where one does not follow the other."""
    balances = dict(opening)
    for line in lines:
        available, held = balances.get(line.asset_id, (0, 0))
        after = available + line.available_change, held + line.held_change
        if after != (line.available, line.held):
            raise ValueError(f"entry {line.seq} does not follow the line before it")
        balances[line.asset_id] = after
    return balances
