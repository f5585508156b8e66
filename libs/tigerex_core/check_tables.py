"""The invariants of indexes and of chains of free rows."""

import numpy as np

from tigerex_core.check_rows import used
from tigerex_core.index import HASH_MASK, find_named, find_pair
from tigerex_core.jit import entry
from tigerex_core.layout import (
    Account,
    Balance,
    Head,
    Level,
    Node,
    Order,
    Seen,
    Standing,
    State,
    Transfer,
    User,
)
from tigerex_core.records import CLEARING_ACCOUNT, Rows

Indexed = tuple[str, Rows, Rows, int, Rows]  # name, index, table, first column of the key, rows


def broken_tables(state: State) -> list[str]:
    """Rows that their index does not find, entries too many, free rows lost."""
    with np.errstate(over="ignore"):  # hashes wrap by design
        return [*_index_faults(state), *_free_faults(state)]


@entry
def _lost_pairs(index: Rows, table: Rows, column: int, rows: Rows) -> int:
    """How many of the rows are not found by the pair from `column` on."""
    lost = 0
    for row in rows:
        if find_pair(index, table, column, table[row, column], table[row, column + 1]) != row:
            lost += 1
    return lost


@entry
def _lost_names(index: Rows, table: Rows, column: int, rows: Rows) -> int:
    """How many of the rows are not found by the owner and name from `column` on."""
    lost = 0
    for row in rows:
        owner = table[row, column]
        if find_named(index, table, column, owner, table, row, column + 1) != row:
            lost += 1
    return lost


def _counted(first: int, last: int) -> Rows:
    return np.arange(first, last + 1, dtype=np.int64)


def _by_pair(state: State) -> list[Indexed]:
    orders, transfers, ring = state.books.orders, state.transfers.rows, state.window.ring
    remembered = _counted(1, min(int(state.head[Head.REMEMBERED]), len(ring) - 1))
    balances = _counted(1, int(state.head[Head.BALANCES]))
    reserved = used(transfers[:, Transfer.AMOUNT])
    books = state.books
    standings = used(books.standings[:, Standing.ACCOUNT])
    return [
        ("balances", state.ledger.lookup, state.ledger.balances, Balance.ACCOUNT, balances),
        ("order ids", state.books.id_index, orders, Order.ID, used(orders[:, Order.PLACE])),
        ("standings", books.standing_index, books.standings, Standing.ACCOUNT, standings),
        ("transfers", state.transfers.lookup, transfers, Transfer.ID_HI, reserved),
        ("window", state.window.lookup, ring, Seen.ID_HI, remembered),
    ]


def _by_name(state: State) -> list[Indexed]:
    users, accounts, orders = state.registry.users, state.registry.accounts, state.books.orders
    named = used(orders[:, Order.PLACE] * (orders[:, Order.NAME] != 0))
    people = _counted(1, int(state.head[Head.USERS]))
    owned = _counted(CLEARING_ACCOUNT + 1, int(state.head[Head.ACCOUNTS]))
    return [
        ("users", state.registry.user_index, users, User.ZERO, people),
        ("accounts", state.registry.account_index, accounts, Account.USER, owned),
        ("client order ids", state.books.name_index, orders, Order.ACCOUNT, named),
    ]


def _index_faults(state: State) -> list[str]:
    faults = []
    for lost_of, indexes in ((_lost_pairs, _by_pair(state)), (_lost_names, _by_name(state))):
        for name, index, table, column, rows in indexes:
            lost = lost_of(index, table, int(column), rows)
            if lost:
                faults.append(f"index of {name}: {lost} rows are not found by their key")
            entries = index[index != 0]
            if not np.array_equal(np.sort(entries & HASH_MASK), np.sort(rows)):
                faults.append(f"index of {name}: {len(entries)} entries for {len(rows)} rows")
    return faults


def _free_faults(state: State) -> list[str]:
    """Every row of a chained table is either in use or in the chain of free ones."""
    books, transfers = state.books, state.transfers.rows
    levels = int((books.levels[:, Level.COUNT] != 0).sum())
    forks = int((books.nodes[:, Node.RIGHT] != 0).sum())
    tables: list[tuple[str, Rows, int, int, int]] = [
        ("orders", books.orders, Head.FREE_ORDER, Order.NEXT, int(state.head[Head.ORDERS])),
        (
            "standings",
            books.standings,
            Head.FREE_STANDING,
            Standing.FIRST,
            int((books.standings[:, Standing.ACCOUNT] != 0).sum()),
        ),
        ("levels", books.levels, Head.FREE_LEVEL, Level.NEXT, levels),
        ("forks", books.nodes, Head.FREE_NODE, Node.LEFT, forks),
        (
            "transfers",
            transfers,
            Head.FREE_TRANSFER,
            Transfer.NEXT,
            int((transfers[:, Transfer.AMOUNT] != 0).sum()),
        ),
    ]
    faults = []
    for name, table, first, link, count in tables:
        free = 0
        links = table[:, link].tolist()
        row = int(state.head[first])
        while row and free < len(table):
            free += 1
            row = links[row]
        if free + count != len(table) - 1:
            faults.append(f"{name}: {count} rows used and {free} free, of {len(table) - 1}")
    return faults
