"""The exchange's state machine as an object: commands in, events out, and questions about the
state."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from tigerex_core.capacity import Capacity
from tigerex_core.check import broken_invariants
from tigerex_core.dispatch import apply_batch
from tigerex_core.index import find_named, find_pair, insert_pair
from tigerex_core.jit import UNCOMPILED
from tigerex_core.layout import (
    CANCELS_MAX,
    COMMAND_EVENTS_MAX,
    Account,
    Balance,
    BookSide,
    Head,
    Level,
    Market,
    Order,
    Place,
    State,
    Tier,
    book_row,
)
from tigerex_core.memory import allocate, state_at, tables
from tigerex_core.output import CAUSE_WIDTH, EVENTS_MOST, WRITTEN, Out
from tigerex_core.records import (
    COMMAND_WIDTH,
    EVENT_WIDTH,
    NAME_WORDS,
    Command,
    CommandKind,
    Rows,
    Side,
    unpack_name,
)
from tigerex_core.snapshot import Image, capacity_of, image_of, restore

# Raised with any change of the kernel after which the same commands give other events.
KERNEL_VERSION: int = 2

_INT64 = np.dtype(np.int64)
EVENT_BUFFER_ROWS = 4 * COMMAND_EVENTS_MAX  # of one run of the kernel; 1.1 MB

Depth = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order on the book, or a stop that waits; prices in ticks, quantities in lots."""

    order_id: int
    account: int
    market: int
    side: int
    price: int
    quantity: int
    remaining: int
    client_order_id: str
    order_type: int
    time_in_force: int
    post_only: bool
    stop_price: int
    trailing: int  # basis points
    display: int
    visible: int  # what the book shows
    expire_ns: int
    self_trade: int  # as commanded
    list_id: int
    waiting: bool


class Core:
    """One tenant's money, accounts and order books. Not for use by two threads at once."""

    def __init__(self, capacity: Capacity = Capacity()) -> None:  # noqa: B008 - immutable
        """The empty state: system accounts, and nothing else."""
        self._capacity = capacity
        self._words, self._places = allocate(capacity)
        self._state: State = state_at(self._words, self._places)
        self._out = Out(
            np.zeros((EVENT_BUFFER_ROWS, EVENT_WIDTH), np.int64),
            np.zeros(CAUSE_WIDTH, np.int64),
            np.zeros(CANCELS_MAX, np.int64),
        )

    @classmethod
    def restore(cls, image: Image) -> "Core":
        """The core of a snapshot of this kernel version; raises SnapshotError."""
        core = cls(capacity_of(image))
        restore(core._state, image.tables)
        return core

    def image(self, about: Mapping[str, Any], texts: Mapping[str, bytes]) -> Image:
        """A copy of the whole state, with what the caller adds."""
        return image_of(self._state, self._capacity, KERNEL_VERSION, about, texts)

    def apply(self, commands: Rows, seq: int) -> Rows:
        """Apply commands in order; their events, at least one for each, as rows of their own.

        `seq` is what later duplicates of these commands are answered with. Any int64 is a valid
        value in any column: what makes no sense is answered by a REJECTED event. Raises ValueError
        for an array of another shape or type.
        """
        rows = _checked(commands)
        parts: list[Rows] = []
        done = 0
        while done < len(rows):  # each run applies at least one
            count, events = self._run(rows, done, seq)
            done += count
            parts.append(events)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else self._out.events[:0].copy()

    def apply_some(self, commands: Rows, seq: int) -> tuple[int, Rows]:
        """As `apply` of the first commands, as many as one run of the kernel takes: how many they
        are, at least one, and their events, at most EVENT_BUFFER_ROWS. Raises ValueError also for
        no commands.
        """
        if not len(commands):
            raise ValueError("there is no command to apply")
        return self._run(_checked(commands), 0, seq)

    def _run(self, rows: Rows, done: int, seq: int) -> tuple[int, Rows]:
        if UNCOMPILED:
            with np.errstate(over="ignore"):  # hashes wrap by design
                end = apply_batch(self._words, self._places, *self._out, rows, done, seq)
        else:
            end = apply_batch(self._words, self._places, *self._out, rows, done, seq)
        assert self._out.cause[EVENTS_MOST] <= COMMAND_EVENTS_MAX  # noqa: S101 - else overrun
        return int(end) - done, self._out.events[: self._out.cause[WRITTEN]].copy()

    def balances(self, account: int) -> dict[int, tuple[int, int]]:
        """Asset id -> (available, held) in units, for every asset that the account ever had."""
        used = self._state.ledger.balances[1 : self._state.head[Head.BALANCES] + 1]
        rows = used[used[:, Balance.ACCOUNT] == account]
        return {
            int(row[Balance.ASSET]): (int(row[Balance.AVAILABLE]), int(row[Balance.HELD]))
            for row in rows
        }

    def fee_rates(self, account: int) -> tuple[int, int]:
        """(maker's, taker's) fee of the account's tier in parts per million of what it receives."""
        registry = self._state.registry
        tier = registry.tiers[registry.accounts[account, Account.TIER]]
        return int(tier[Tier.MAKER_PPM]), int(tier[Tier.TAKER_PPM])

    def open_orders(self, account: int) -> list[OpenOrder]:
        """The account's orders on the book and waiting stops, oldest first."""
        orders = self._state.books.orders
        rows = np.nonzero((orders[:, Order.ACCOUNT] == account) & (orders[:, Order.PLACE] != 0))[0]
        return [self._open_order(int(row)) for row in rows[np.argsort(orders[rows, Order.ID])]]

    def find_order(
        self, account: int, *, order_id: int = 0, name: Rows | None = None
    ) -> OpenOrder | None:
        """An open order by its id or by its client order id (five words); None when there is
        none."""
        books = self._state.books
        with np.errstate(over="ignore"):
            if name is not None:
                words = np.require(name, np.int64, ["C", "A", "W"]).reshape(1, NAME_WORDS)
                row = find_named(
                    books.name_index, books.orders, Order.ACCOUNT, account, words, 0, 0
                )
            else:
                row = find_pair(books.id_index, books.orders, Order.ID, order_id, account)
        return self._open_order(int(row)) if row else None

    def depth(self, market: int, levels: int) -> tuple[Depth, Depth]:
        """Bids and asks of a market: (price in ticks, lots), best first, at most `levels` of
        each."""
        return self._side_depth(market, Side.BUY, levels), self._side_depth(
            market, Side.SELL, levels
        )

    def last_price(self, market: int) -> int:
        """Price of the market's last trade in ticks, 0 when there was none."""
        if not 1 <= market <= self._state.head[Head.MARKETS]:
            return 0
        return int(self._state.registry.markets[market, Market.LAST_PRICE])

    @property
    def pending(self) -> bool:
        """Whether orders are due to expire, or fired stops to be run, that the last command had no
        step left for: another command, a TICK, should follow at once."""
        head, books = self._state.head, self._state.books
        soonest = books.orders[books.expiring[1], Order.EXPIRE_NS] if head[Head.EXPIRING] else 0
        due = soonest != 0 and soonest <= head[Head.TIME_NS]
        return bool(due or head[Head.RUNNABLE] != 0)

    def check(self) -> list[str]:
        """Broken invariants in words; empty when the state is sound. See `check`."""
        return broken_invariants(self._state)

    def digest(self) -> bytes:
        """SHA-256 over the whole state: equal states, equal digests."""
        digest = sha256()
        for table in tables(self._state):
            digest.update(repr(table.shape).encode())
            digest.update(table.data)
        return digest.digest()

    def _side_depth(self, market: int, side: int, levels: int) -> Depth:
        if not 1 <= market <= self._state.head[Head.MARKETS]:
            return []
        rows = self._state.books.levels
        level = self._state.books.sides[book_row(market, side), BookSide.BEST]
        depth: Depth = []
        while level != 0 and len(depth) < levels:
            depth.append((int(rows[level, Level.PRICE]), int(rows[level, Level.LOTS])))
            level = rows[level, Level.NEXT]
        return depth

    def _open_order(self, row: int) -> OpenOrder:
        order = self._state.books.orders[row]
        return OpenOrder(
            order_id=int(order[Order.ID]),
            account=int(order[Order.ACCOUNT]),
            market=int(order[Order.MARKET]),
            side=int(order[Order.SIDE]),
            price=int(order[Order.PRICE]),
            quantity=int(order[Order.QUANTITY]),
            remaining=int(order[Order.REMAINING]),
            client_order_id=unpack_name(order[Order.NAME : Order.NAME + NAME_WORDS]),
            order_type=int(order[Order.TYPE]),
            time_in_force=int(order[Order.TIME_IN_FORCE]),
            post_only=bool(order[Order.POST_ONLY]),
            stop_price=int(order[Order.STOP_PRICE]),
            trailing=int(order[Order.TRAILING]),
            display=int(order[Order.DISPLAY]),
            visible=int(order[Order.VISIBLE]),
            expire_ns=int(order[Order.EXPIRE_NS]),
            self_trade=int(order[Order.SELF_TRADE]),
            list_id=int(order[Order.LIST_ID]),
            waiting=bool(order[Order.PLACE] != Place.BOOK),
        )


def _checked(commands: Rows) -> Rows:
    """The rows as the one type that is compiled."""
    if commands.ndim != 2 or commands.shape[1] != COMMAND_WIDTH or commands.dtype != _INT64:
        raise ValueError(
            f"commands are {commands.dtype} of shape {commands.shape};"
            f" int64 of shape (n, {COMMAND_WIDTH}) is needed"
        )
    if commands.flags.carray:
        return commands
    return np.require(commands, np.int64, ["C", "A", "W"])


def compile_kernels() -> None:
    """Compile all that `Core` calls, or load it from numba's cache: an image does this when it is
    built."""
    core = Core(Capacity.small())
    tick = np.zeros((1, COMMAND_WIDTH), np.int64)
    tick[0, Command.KIND] = CommandKind.TICK
    core.apply(tick, 1)
    core.depth(1, 1)
    core.find_order(1, order_id=1)
    core.find_order(1, name=np.zeros(NAME_WORDS, np.int64))
    core.check()
    insert_pair(np.zeros(2, np.int64), 1, 1, 1)
