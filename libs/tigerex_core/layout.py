"""The state: which arrays there are, which columns they have, and the empty state.

Rows are int64; row 0 of every table is unused, so 0 means "none" wherever a row is referred to.
Tables whose rows come and go (orders, levels, nodes, transfers) chain their free rows through a
column.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tigerex_core.capacity import Capacity
from tigerex_core.records import (
    CLEARING_ACCOUNT,
    FEES_ACCOUNT,
    NAME_WORDS,
    WORLD_ACCOUNT,
    AccountKind,
    Rows,
    pack_name,
)

# Named limits.
ISSUED_MAX = (1 << 62) - 1  # units of one asset that all accounts together may be below zero
SCALE_MAX = 8
TIER_MAX = 15
FEE_PPM_MAX = 100_000
FILLS_MAX = 512  # trades of one command; what remains then and still crosses expires
COMMAND_EVENTS_MAX = FILLS_MAX + 2  # and ORDER_ACCEPTED, and ORDER_RESTED or ORDER_EXPIRED
KEY_BITS = 62  # a price is below 2^62


class Head(IntEnum):
    """The state's single values."""

    TIME_NS = 0
    ASSETS = 1  # counts
    MARKETS = 2
    USERS = 3
    ACCOUNTS = 4
    BALANCES = 5
    ORDERS = 6  # open
    LAST_ORDER_ID = 7
    FREE_ORDER = 8  # first of the chain of free rows
    FREE_LEVEL = 9
    FREE_NODE = 10
    FREE_TRANSFER = 11
    REMEMBERED = 12  # request ids ever put into the window


HEAD_WIDTH = len(Head)


class Asset(IntEnum):
    SCALE = 0
    # units by which accounts are below zero: the sum over all accounts of max(0, -available)
    ISSUED = 1
    NAME = 2  # first of five


class Market(IntEnum):
    BASE = 0
    QUOTE = 1
    TICK = 2  # quote units per whole base
    LOT = 3  # base units
    UNIT = 4  # quote units of one lot at one tick
    PRICE_MAX = 5
    QUANTITY_MAX = 6
    NOTIONAL_MIN = 7
    STATE = 8
    LAST_TRADE_ID = 9
    FEE_BASE = 10  # balance rows of the fees account
    FEE_QUOTE = 11
    NAME = 12


class Tier(IntEnum):
    MAKER_PPM = 0
    TAKER_PPM = 1


class User(IntEnum):
    ZERO = 0  # the key of the index is an owner and a name: users have no owner
    NAME = 1
    MAIN_ACCOUNT = 6


class Account(IntEnum):
    USER = 0  # key: USER, NAME
    NAME = 1
    KIND = 6
    TIER = 7
    FROZEN = 8
    EPOCH = 9


class Balance(IntEnum):
    ACCOUNT = 0  # key: ACCOUNT, ASSET
    ASSET = 1
    AVAILABLE = 2
    HELD = 3
    MAY_OWE = 4  # 1: may be below zero


class Order(IntEnum):
    ID = 0  # key: ID, ACCOUNT
    ACCOUNT = 1  # key: ACCOUNT, NAME
    NAME = 2
    MARKET = 7
    SIDE = 8
    PRICE = 9  # ticks; 0: a market order, never on the book
    QUANTITY = 10
    REMAINING = 11
    LEVEL = 12  # 0: not on the book
    NEXT = 13  # younger order of the level; chains free rows
    PREVIOUS = 14
    PAYS = 15  # balance row that holds what it gives
    GETS = 16  # balance row that receives


class Level(IntEnum):
    KEY = 0  # ascending from best to worst: see `book.key_of`
    PRICE = 1
    LOTS = 2
    COUNT = 3
    FIRST = 4  # oldest order
    LAST = 5
    NEXT = 6  # next worse level; chains free rows
    PREVIOUS = 7


class Node(IntEnum):
    """A fork of a side's price tree; children are nodes (above 0) or levels (below 0, negated)."""

    BIT = 0
    LEFT = 1  # where the bit of the key is 0; chains free rows
    RIGHT = 2


class BookSide(IntEnum):
    """One side of one market: row 2 * market + side - 1."""

    BEST = 0  # level
    ROOT = 1  # of the price tree: node, negated level, or 0
    LEVELS = 2


class Transfer(IntEnum):
    ID_HI = 0  # key: both halves
    ID_LO = 1
    ACCOUNT = 2
    TO_ACCOUNT = 3
    ASSET = 4
    AMOUNT = 5
    PAYS = 6  # balance row that holds the amount
    GETS = 7  # balance row that receives it when posted
    NEXT = 8  # chains free rows


class Seen(IntEnum):
    """A remembered request."""

    ID_HI = 0  # key: both halves
    ID_LO = 1
    CONTENT = 2  # hash
    SEQ = 3


class Registry(NamedTuple):
    """What is created by people and never deleted."""

    assets: Rows
    markets: Rows
    tiers: Rows
    users: Rows
    accounts: Rows
    user_index: Rows
    account_index: Rows


class Ledger(NamedTuple):
    """Who has what."""

    assets: Rows
    balances: Rows
    lookup: Rows


class Books(NamedTuple):
    """Open orders."""

    sides: Rows
    levels: Rows
    nodes: Rows
    orders: Rows
    id_index: Rows
    name_index: Rows


class Transfers(NamedTuple):
    rows: Rows
    lookup: Rows


class Window(NamedTuple):
    """The newest request ids, in a ring."""

    ring: Rows
    lookup: Rows


class State(NamedTuple):
    """All of it. `Ledger.assets` is `Registry.assets`: who changes balances needs no registry."""

    head: Rows
    registry: Registry
    ledger: Ledger
    books: Books
    transfers: Transfers
    window: Window


def side_row(market: int, side: int) -> int:
    """The row of a market's side in `Books.sides`."""
    return 2 * market + side - 1


def _table(rows: int, width: int) -> Rows:
    """Zeros that are really there: a page that the kernel is the first to touch costs ten times the
    time."""
    table = np.empty((rows + 1, width), np.int64)
    table.fill(0)
    return table


def _index(rows: int) -> Rows:
    """For at most `rows` entries, so that at least half of it stays empty."""
    index = np.empty(1 << (2 * rows - 1).bit_length(), np.int64)
    index.fill(0)
    return index


def _chain(table: Rows, link: int) -> int:
    """Chain all rows as free; the first of them."""
    table[1:-1, link] = np.arange(2, len(table))
    return 1


def allocate(capacity: Capacity) -> State:
    """The empty state: system accounts, and nothing else."""
    assets = _table(capacity.assets, Asset.NAME + NAME_WORDS)
    registry = Registry(
        assets,
        _table(capacity.markets, Market.NAME + NAME_WORDS),
        _table(TIER_MAX, len(Tier)),
        _table(capacity.users, User.MAIN_ACCOUNT + 1),
        _table(capacity.accounts, Account.EPOCH + 1),
        _index(capacity.users),
        _index(capacity.accounts),
    )
    ledger = Ledger(assets, _table(capacity.balances, len(Balance)), _index(capacity.balances))
    books = Books(
        _table(2 * capacity.markets + 1, len(BookSide)),
        _table(capacity.orders, len(Level)),
        _table(capacity.orders, len(Node)),
        _table(capacity.orders + 1, Order.GETS + 1),  # one for the order that is being matched
        _index(capacity.orders),
        _index(capacity.orders),
    )
    transfers = Transfers(_table(capacity.transfers, len(Transfer)), _index(capacity.transfers))
    # The ring is filled in order, a page for each 128 commands: not worth its memory before.
    ring = np.zeros((capacity.window + 1, len(Seen)), np.int64)
    window = Window(ring, _index(capacity.window))
    head = np.zeros(HEAD_WIDTH, np.int64)
    head[Head.FREE_ORDER] = _chain(books.orders, Order.NEXT)
    head[Head.FREE_LEVEL] = _chain(books.levels, Level.NEXT)
    head[Head.FREE_NODE] = _chain(books.nodes, Node.LEFT)
    head[Head.FREE_TRANSFER] = _chain(transfers.rows, Transfer.NEXT)
    _add_system_accounts(head, registry.accounts)
    return State(head, registry, ledger, books, transfers, window)


def _add_system_accounts(head: Rows, accounts: Rows) -> None:
    for account, name in (
        (WORLD_ACCOUNT, "world"),
        (FEES_ACCOUNT, "fees"),
        (CLEARING_ACCOUNT, "clearing"),
    ):
        accounts[account, Account.NAME : Account.NAME + NAME_WORDS] = pack_name(name)
        accounts[account, Account.KIND] = AccountKind.SYSTEM
    head[Head.ACCOUNTS] = CLEARING_ACCOUNT


def tables(state: State) -> list[Rows]:
    """Every array of the state, once."""
    return [
        state.head,
        *state.registry,
        state.ledger.balances,
        state.ledger.lookup,
        *state.books,
        *state.transfers,
        *state.window,
    ]
