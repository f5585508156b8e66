"""The commands that are measured: new 60 %, cancel 30 %, amend 8 %, immediate-or-cancel 2 %.

So many new orders can only come in where as many leave: about every fifth meets the other side
instead of resting, whenever more orders rest than the workload keeps. Cancels and amendments name
orders that rest at the time, so hardly any command is refused; to know them, the commands are
applied once while they are made.

Columns go by their names, so kernels whose rows differ can be given the same commands.
"""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt
from tests.bench.core.measure import BATCH, NAME_COLUMNS, rows_of

from tigerex_core import Core
from tigerex_core.records import (
    FEES_ACCOUNT,
    WORLD_ACCOUNT,
    CommandKind,
    Event,
    EventKind,
    OrderType,
    Rows,
    Side,
    TimeInForce,
    pack_name,
)

Columns = dict[str, npt.NDArray[np.int64]]

ACCOUNTS = 64
FIRST_ACCOUNT = FEES_ACCOUNT + 2  # after the system's
BASE_ASSET, QUOTE_ASSET = 1, 2
MIDDLE, LEVELS_A_SIDE = 6_000_000, 500
LOTS_MAX = 1_000
SWEEP_LOTS_MAX = 3_000
FUNDS = 10**15
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of a workload; what they leave are immediate-or-cancel orders."""

    new: float = 0.60
    cancel: float = 0.30
    amend: float = 0.08


FULL = Mix()
FIRST_KERNEL = Mix(0.652, 0.326, 0.0)  # of what kernels before amendments know


@dataclass(frozen=True, slots=True)
class Workload:
    """Commands by the names of their columns; `setup` is applied before the clock starts."""

    setup: Columns
    commands: Columns

    def __len__(self) -> int:
        return len(self.commands["KIND"])


@dataclass(slots=True)
class _Resting:
    """Orders on the book: drawing one, adding and removing cost the same however many there are."""

    ids: list[int] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)
    lots: dict[int, list[int]] = field(default_factory=dict)  # quantity, remaining

    def put(self, order_id: int, account: int, quantity: int, remaining: int) -> None:
        if order_id not in self.place:
            self.place[order_id] = len(self.ids)
            self.ids.append(order_id)
        self.owner[order_id] = account
        self.lots[order_id] = [quantity, remaining]

    def drop(self, order_id: int) -> None:
        at, last = self.place.pop(order_id), self.ids.pop()
        if last != order_id:
            self.ids[at], self.place[last] = last, at
        del self.owner[order_id], self.lots[order_id]

    def follow(self, events: Rows) -> None:
        for row in events.tolist():
            kind, order_id = row[Event.KIND], row[Event.ORDER_ID]
            if kind in (EventKind.ORDER_RESTED, EventKind.ORDER_AMENDED):
                self.put(order_id, row[Event.ACCOUNT], row[Event.QUANTITY], row[Event.REMAINING])
            elif kind == EventKind.ORDER_CANCELED:
                self.drop(order_id)
            elif kind == EventKind.TRADED:
                maker, remaining = row[Event.OTHER_ORDER], row[Event.REMAINING]
                if remaining:
                    self.lots[maker][1] = remaining
                else:
                    self.drop(maker)


def made(core: Core, *, commands: int, resting: int, markets: int = 1, mix: Mix = FULL) -> Workload:
    """The workload, applied to an empty core while it is made."""
    rng = np.random.default_rng(SEED)
    setup = _setup(markets, _new_orders(rng, resting, markets, first=0))
    known = _Resting()
    known.follow(_applied(core, setup))
    columns = _new_orders(rng, commands, markets, first=resting)
    draw, pick = rng.random(commands), rng.random(commands)
    for start in range(0, commands, BATCH):
        part = {name: values[start : start + BATCH] for name, values in columns.items()}
        _decide(part, known, draw[start:], pick[start:], resting, mix)
        known.follow(_applied(core, part))
    return Workload(setup, columns)


def _decide(
    part: Columns,
    known: _Resting,
    draw: npt.NDArray[np.float64],
    pick: npt.NDArray[np.float64],
    resting: int,
    mix: Mix,
) -> None:
    """Turn some of a batch's new orders into what else there is."""
    taken: set[int] = set()
    for at in range(len(part["KIND"])):
        share, chosen = draw[at], known.ids[int(pick[at] * len(known.ids))] if known.ids else 0
        if share < mix.new:
            if len(known.ids) > resting and share < mix.new / 2:
                _cross(part, at)
        elif share >= mix.new + mix.cancel + mix.amend:
            _cross(part, at)
            part["TIME_IN_FORCE"][at] = TimeInForce.IOC
            part["QUANTITY"][at] = 1 + int(pick[at] * SWEEP_LOTS_MAX)
        elif chosen and chosen not in taken:
            taken.add(chosen)
            amended = share >= mix.new + mix.cancel
            _name_order(part, at, known, chosen, amended=amended)


def _cross(part: Columns, at: int) -> None:
    """Let an order reach through the whole other side."""
    buys = part["SIDE"][at] == Side.BUY
    part["PRICE"][at] = MIDDLE + LEVELS_A_SIDE if buys else MIDDLE - LEVELS_A_SIDE


def _name_order(part: Columns, at: int, known: _Resting, order_id: int, *, amended: bool) -> None:
    """A cancel, or an amendment to less (keeping its place) or more (losing it)."""
    quantity, remaining = known.lots[order_id]
    lots = int(part["QUANTITY"][at])
    smaller = quantity - remaining // 2
    wanted = smaller if remaining > 1 and lots % 2 else quantity + lots
    for name in ("SIDE", "ORDER_TYPE", "TIME_IN_FORCE", "PRICE", "NAME", "MARKET"):
        part[name][at] = 0
    part["KIND"][at] = CommandKind.AMEND_ORDER if amended else CommandKind.CANCEL_ORDER
    part["ACCOUNT"][at], part["ORDER_ID"][at] = known.owner[order_id], order_id
    part["QUANTITY"][at] = wanted if amended else 0


def _new_orders(rng: np.random.Generator, number: int, markets: int, *, first: int) -> Columns:
    """GTC orders near the middle that never cross; each with ids of its own."""
    side = rng.integers(Side.BUY, Side.SELL + 1, number)
    away = rng.integers(1, LEVELS_A_SIDE + 1, number)
    names = np.zeros((number, NAME_COLUMNS), np.int64)
    digits = [list(f"{first + at:08d}".encode()) for at in range(number)]
    names[:, 0] = np.array(digits, np.uint8).reshape(-1, 8).view(np.int64)[:, 0]
    return {
        "KIND": np.full(number, int(CommandKind.PLACE_ORDER)),
        "TIME_NS": np.arange(first, first + number),
        "REQUEST_HI": rng.integers(1, 2**62, number),
        "REQUEST_LO": rng.integers(1, 2**62, number),
        "ACCOUNT": rng.integers(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS, number),
        "MARKET": rng.integers(1, markets + 1, number),
        "ORDER_ID": np.zeros(number, np.int64),
        "SIDE": side,
        "ORDER_TYPE": np.full(number, int(OrderType.LIMIT)),
        "TIME_IN_FORCE": np.full(number, int(TimeInForce.GTC)),
        "PRICE": np.where(side == Side.BUY, MIDDLE - away, MIDDLE + away),
        "QUANTITY": rng.integers(1, LOTS_MAX + 1, number),
        "NAME": names,
    }


def _setup(markets: int, orders: Columns) -> Columns:
    """Assets and markets with scales as BTC and USDT have them, fees, money, resting orders."""
    kind, rows = CommandKind, _Setup()
    rows.add(kind.CREATE_ASSET, "BTC", VALUE=8)
    rows.add(kind.CREATE_ASSET, "USDT", VALUE=8)
    for market in range(markets):
        rows.add(
            kind.CREATE_MARKET,
            f"btc-usdt-{market}",
            ASSET=BASE_ASSET,
            AUX=QUOTE_ASSET,
            VALUE=10**6,
            ORDER_ID=10**4,
            PRICE=10**9,
            QUANTITY=10**7,
        )
    rows.add(kind.SET_FEE_TIER, AMOUNT=1_000, AUX=1_000)
    for account in range(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS):
        rows.add(kind.CREATE_USER, f"user-{account}")
        for asset in (BASE_ASSET, QUOTE_ASSET):
            rows.add(
                kind.TRANSFER, ACCOUNT=WORLD_ACCOUNT, TO_ACCOUNT=account, ASSET=asset, AMOUNT=FUNDS
            )
    return rows.columns(orders)


class _Setup:
    def __init__(self) -> None:
        self._rows: list[tuple[str, dict[str, int]]] = []

    def add(self, kind: CommandKind, name: str = "", **columns: int) -> None:
        self._rows.append((name, {"KIND": int(kind), **columns}))

    def columns(self, orders: Columns) -> Columns:
        """These commands, then the orders."""
        number = len(self._rows)
        names = {name for _, columns in self._rows for name in columns} | orders.keys()
        result = {}
        for name in sorted(names - {"NAME"}):
            head = np.array([columns.get(name, 0) for _, columns in self._rows], np.int64)
            tail = orders.get(name, np.zeros(len(orders["KIND"]), np.int64))
            result[name] = np.concatenate([head, tail])
        packed = np.array([pack_name(name) for name, _ in self._rows]).reshape(number, NAME_COLUMNS)
        result["NAME"] = np.concatenate([packed, orders["NAME"]])
        return result


_seqs = count(1)


def _applied(core: Core, columns: Columns) -> Rows:
    return core.apply(rows_of(columns), next(_seqs))
