"""Reading ahead: what the next commands will look up is fetched before they are applied.

A lookup in a large table waits for memory. Commands must be applied one after another, and so would
these waits be; but asked for ahead, they all go on at once. Nothing is decided by it: where a guess
is wrong (the id that an order will get, an order that will be gone), a line is fetched in vain.
"""

from tigerex_core.index import first_entry, hash_named, hash_pair
from tigerex_core.jit import kernel
from tigerex_core.layout import LEVEL_WIDTH, ORDER_WIDTH, Books, Head, Level, Order, Seen, State
from tigerex_core.prefetch import prefetch
from tigerex_core.records import Command, Rows
from tigerex_core.window import request_hash

AHEAD = 32  # commands
_LINE = 8  # words


@kernel
def _ask_entry(index: Rows, hashed: int) -> None:
    prefetch(index, hashed & (index.size - 1))


@kernel
def _ask_order(orders: Rows, order: int, column: int) -> None:
    prefetch(orders, order * ORDER_WIDTH + column)


@kernel
def _named_order(books: Books, commands: Rows, c: int) -> int:
    """The order that a command names by its id, as far as a look says."""
    order_id, account = commands[c, Command.ORDER_ID], commands[c, Command.ACCOUNT]
    return first_entry(books.id_index, hash_pair(order_id, account))


@kernel
def _ask_entries(state: State, commands: Rows, first: int, end: int) -> None:
    """Ask for entries of indexes: of requests, known and forgotten, and of orders."""
    ring, lookup, books = state.window.ring, state.window.lookup, state.books
    size, remembered = ring.shape[0] - 1, state.head[Head.REMEMBERED]
    order_id = state.head[Head.LAST_ORDER_ID]
    for c in range(first, end):
        account = commands[c, Command.ACCOUNT]
        _ask_entry(lookup, request_hash(commands, c))
        if remembered >= size:
            row = (remembered + c - first) % size + 1
            _ask_entry(lookup, hash_pair(ring[row, Seen.ID_HI], ring[row, Seen.ID_LO]))
        if commands[c, Command.ORDER_ID] != 0:
            _ask_entry(books.id_index, hash_pair(commands[c, Command.ORDER_ID], account))
        else:
            market = commands[c, Command.MARKET]
            _ask_entry(books.standing_index, hash_pair(account, market))
            order_id += 1
            _ask_entry(books.id_index, hash_pair(order_id, account))
            _ask_entry(books.name_index, hash_named(account, commands, c, Command.NAME))


@kernel
def read_ahead(state: State, commands: Rows, first: int) -> None:
    """Ask for what the commands from `first` on will look up; AHEAD of them."""
    books, orders = state.books, state.books.orders
    end = min(first + AHEAD, commands.shape[0])
    _ask_entries(state, commands, first, end)
    for c in range(first, end):
        if commands[c, Command.ORDER_ID] != 0:
            order = _named_order(books, commands, c)
            for column in range(0, ORDER_WIDTH, _LINE):
                _ask_order(orders, order, column)
    for c in range(first, end):
        if commands[c, Command.ORDER_ID] != 0:
            order = _named_order(books, commands, c)
            account = orders[order, Order.ACCOUNT]
            _ask_entry(books.name_index, hash_named(account, orders, order, Order.NAME))
            _ask_order(orders, orders[order, Order.OLDER], Order.YOUNGER)
            _ask_order(orders, orders[order, Order.YOUNGER], Order.OLDER)
            _ask_order(orders, orders[order, Order.NEXT], Order.PREVIOUS)
            _ask_order(orders, orders[order, Order.PREVIOUS], Order.NEXT)
            prefetch(books.levels, orders[order, Order.LEVEL] * LEVEL_WIDTH + Level.LOTS)
