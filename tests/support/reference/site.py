"""The state of one exchange, its money, and the events that come out."""

from collections import OrderedDict
from dataclasses import dataclass, field

from tests.support.reference.state import (
    LIMIT,
    NO_NAME,
    Account,
    Market,
    Name,
    Order,
    Transfer,
    need,
)

from tigerex_core.capacity import Capacity
from tigerex_core.records import EVENT_WIDTH, Command, Event, EventKind, Reason


@dataclass
class Site:
    capacity: Capacity
    assets: list[tuple[Name, int]] = field(default_factory=list)
    markets: list[Market] = field(default_factory=list)
    users: list[Name] = field(default_factory=list)
    accounts: dict[int, Account] = field(default_factory=dict)
    tiers: dict[int, tuple[int, int]] = field(default_factory=dict)
    discount_asset: int = 0
    discount_ppm: int = 0
    available: dict[tuple[int, int], int] = field(default_factory=dict)
    held: dict[tuple[int, int], int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)  # open ones, on the book or waiting
    order_ids: int = 0
    places: int = 0
    fired: list[int] = field(default_factory=list)  # ids of stops whose turn comes, in this order
    transfers: dict[tuple[int, int], Transfer] = field(default_factory=dict)
    window: OrderedDict[tuple[int, int], tuple[tuple[int, ...], int]] = field(
        default_factory=OrderedDict
    )
    time_ns: int = 0
    # Of the command at work.
    events: list[list[int]] = field(default_factory=list)
    index: int = 0
    row: list[int] = field(default_factory=list)
    steps_left: int = 0
    fills_left: int = 0
    in_step: bool = False

    def name(self, column: Command = Command.NAME) -> Name:
        return tuple(self.row[column : column + 5])

    def market_of(self, order: Order) -> Market:
        return self.markets[order.market - 1]

    # Events

    def emit(self, kind: EventKind, name: Name = NO_NAME, **columns: int) -> None:
        event = [0] * EVENT_WIDTH
        event[Event.KIND] = kind
        event[Event.TIME_NS] = self.time_ns
        event[Event.COMMAND] = self.index
        if not self.in_step:
            event[Event.REQUEST_HI] = self.row[Command.REQUEST_HI]
            event[Event.REQUEST_LO] = self.row[Command.REQUEST_LO]
        for column, value in columns.items():
            event[Event[column.upper()]] = int(value)
        event[Event.NAME : Event.NAME + 5] = name
        self.events.append(event)

    def emit_order(
        self, kind: EventKind, order: Order, name: Name = NO_NAME, **columns: int
    ) -> None:
        self.emit(
            kind,
            name,
            account=order.account,
            market=order.market,
            order_id=order.order_id,
            side=order.side,
            price=order.price,
            quantity=order.quantity,
            remaining=order.remaining,
            **columns,
        )

    # Money

    def ensure(self, account: int, asset: int) -> None:
        self.available.setdefault((account, asset), 0)
        self.held.setdefault((account, asset), 0)

    def need_rows(self, *keys: tuple[int, int]) -> None:
        missing = len({key for key in keys if key not in self.available})
        free = self.capacity.balances - len(self.available)
        need(missing <= free, Reason.CAPACITY, Command.ASSET)

    def spendable(self, account: int, asset: int) -> int:
        available = self.available.get((account, asset), 0)
        if not self.accounts[account].may_owe:
            return available
        owed = sum(max(0, -units) for (_, of), units in self.available.items() if of == asset)
        return max(0, available) + LIMIT - owed

    def need_money(self, account: int, asset: int, amount: int, column: Command) -> None:
        may_owe = self.accounts[account].may_owe
        reason = Reason.OVERFLOW if may_owe else Reason.INSUFFICIENT_BALANCE
        need(amount <= self.spendable(account, asset), reason, column)

    # What a command names

    def need_account(self, column: Command = Command.ACCOUNT) -> None:
        need(self.row[column] in self.accounts, Reason.UNKNOWN_ACCOUNT, column)

    def need_asset(self, column: Command) -> None:
        need(1 <= self.row[column] <= len(self.assets), Reason.UNKNOWN_ASSET, column)

    def need_market(self) -> Market:
        market = self.row[Command.MARKET]
        need(1 <= market <= len(self.markets), Reason.UNKNOWN_MARKET, Command.MARKET)
        return self.markets[market - 1]

    def need_epoch(self) -> None:
        """An epoch may be left out where nothing new is asked for."""
        epoch, current = self.row[Command.EPOCH], self.accounts[self.row[Command.ACCOUNT]].epoch
        need(epoch == 0 or epoch >= current, Reason.STALE_EPOCH, Command.EPOCH)
