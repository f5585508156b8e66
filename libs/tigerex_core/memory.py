"""The state's memory: one block of words, of which all tables are parts; and the empty state.

One block for two reasons. A large one is given pages of 2 MB where the system has them: finding one
of many small pages takes longer than reading it. And Python hands two arrays to the kernel instead
of some thirty in nested tuples, whose types numba would find out anew at every call.
"""

import numpy as np
from numba.extending import register_jitable

from tigerex_core.capacity import Capacity
from tigerex_core.layout import (
    HEAD_WIDTH,
    LEVEL_WIDTH,
    NODE_WIDTH,
    ORDER_WIDTH,
    SIDES,
    STANDING_WIDTH,
    TIER_MAX,
    TRANSFER_WIDTH,
    Account,
    Asset,
    Balance,
    Books,
    BookSide,
    Head,
    Ledger,
    Level,
    Market,
    Node,
    Order,
    Registry,
    Seen,
    Standing,
    State,
    Tier,
    Transfer,
    Transfers,
    User,
    Window,
)
from tigerex_core.records import (
    CLEARING_ACCOUNT,
    FEES_ACCOUNT,
    NAME_WORDS,
    WORLD_ACCOUNT,
    AccountKind,
    Rows,
    pack_name,
)

_INLINED = {"_nrt": False, "forceinline": True}


def _index(rows: int) -> tuple[int, int]:
    """Shape of an index of at most `rows` entries, so that at least half of it stays empty."""
    return 1 << (2 * rows - 1).bit_length(), 1


def _shapes(capacity: Capacity) -> list[tuple[int, int]]:
    """Rows and columns of the tables, in the order of `state_at`; row 0 is unused."""
    orders, accounts, users = capacity.orders + 1, capacity.accounts, capacity.users
    return [
        (1, HEAD_WIDTH),
        (capacity.assets + 1, Asset.NAME + NAME_WORDS),
        (capacity.markets + 1, Market.NAME + NAME_WORDS),
        (TIER_MAX + 1, len(Tier)),
        (users + 1, User.MAIN_ACCOUNT + 1),
        (accounts + 1, Account.FEE_PAYMENT + 1),
        _index(users),
        _index(accounts),
        (capacity.balances + 1, len(Balance)),
        _index(capacity.balances),
        (SIDES * (capacity.markets + 1), len(BookSide)),
        (orders, LEVEL_WIDTH),
        (orders, NODE_WIDTH),
        (orders + 1, ORDER_WIDTH),  # one for the order that is being matched
        _index(capacity.orders),
        _index(capacity.orders),
        (orders, STANDING_WIDTH),  # at most one an open order: never full
        _index(capacity.orders),
        (orders, 1),
        (capacity.transfers + 1, TRANSFER_WIDTH),
        _index(capacity.transfers),
        (capacity.window + 1, len(Seen)),
        _index(capacity.window),
    ]


@register_jitable(**_INLINED)
def _table(words: Rows, places: Rows, number: int) -> tuple[Rows]:
    """A part of the block; in a tuple, as no compiled function that does not count references may
    return an array."""
    first, rows, width = places[number, 0], places[number, 1], places[number, 2]
    return (words[first : first + rows * width].reshape((rows, width)),)


@register_jitable(**_INLINED)
def _column(words: Rows, places: Rows, number: int) -> tuple[Rows]:
    first = places[number, 0]
    return (words[first : first + places[number, 1] * places[number, 2]],)


@register_jitable(**_INLINED)
def state_at(words: Rows, places: Rows) -> State:
    """The tables in a block; for Python and for the kernel."""
    assets = _table(words, places, 1)[0]
    registry = Registry(
        assets,
        _table(words, places, 2)[0],
        _table(words, places, 3)[0],
        _table(words, places, 4)[0],
        _table(words, places, 5)[0],
        _column(words, places, 6)[0],
        _column(words, places, 7)[0],
    )
    ledger = Ledger(assets, _table(words, places, 8)[0], _column(words, places, 9)[0])
    books = Books(
        _table(words, places, 10)[0],
        _table(words, places, 11)[0],
        _table(words, places, 12)[0],
        _table(words, places, 13)[0],
        _column(words, places, 14)[0],
        _column(words, places, 15)[0],
        _table(words, places, 16)[0],
        _column(words, places, 17)[0],
        _column(words, places, 18)[0],
    )
    transfers = Transfers(_table(words, places, 19)[0], _column(words, places, 20)[0])
    window = Window(_table(words, places, 21)[0], _column(words, places, 22)[0])
    return State(_column(words, places, 0)[0], registry, ledger, books, transfers, window)


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


def allocate(capacity: Capacity) -> tuple[Rows, Rows]:
    """The empty state, system accounts and nothing else: the block, and where the tables are in it
    (first word, rows, columns).

    The zeros are really there: a page that the kernel is the first to touch costs ten times the
    time. Only the ring of the window is left for later, as it is filled in order.
    """
    shapes = np.array(_shapes(capacity), np.int64)
    sizes = shapes.prod(axis=1)
    places = np.column_stack([np.cumsum(sizes) - sizes, shapes])
    words = np.zeros(int(sizes.sum()), np.int64)
    state = state_at(words, places)
    for table in tables(state):
        if table is not state.window.ring:
            table.fill(0)
    head, books = state.head, state.books
    head[Head.FREE_ORDER] = _chain(books.orders, Order.NEXT)
    head[Head.FREE_LEVEL] = _chain(books.levels, Level.NEXT)
    head[Head.FREE_NODE] = _chain(books.nodes, Node.LEFT)
    head[Head.FREE_TRANSFER] = _chain(state.transfers.rows, Transfer.NEXT)
    head[Head.FREE_STANDING] = _chain(books.standings, Standing.FIRST)
    _add_system_accounts(head, state.registry.accounts)
    return words, places


def _chain(table: Rows, link: int) -> int:
    """Chain all rows as free; the first of them."""
    table[1:-1, link] = np.arange(2, len(table))
    return 1


def _add_system_accounts(head: Rows, accounts: Rows) -> None:
    for account, name in (
        (WORLD_ACCOUNT, "world"),
        (FEES_ACCOUNT, "fees"),
        (CLEARING_ACCOUNT, "clearing"),
    ):
        accounts[account, Account.NAME : Account.NAME + NAME_WORDS] = pack_name(name)
        accounts[account, Account.KIND] = AccountKind.SYSTEM
    head[Head.ACCOUNTS] = CLEARING_ACCOUNT
