"""Reading ahead: what the next commands will look up is read before they are applied.

A lookup in a large table waits for memory. Commands must be applied one after another, and so would
these waits be; but reading ahead for many commands, the processor waits for all at once. Nothing is
decided by it: what is read is added up and forgotten.
"""

from tigerex_core.index import first_entry, hash_pair
from tigerex_core.jit import kernel
from tigerex_core.layout import Head, Level, Order, Seen, State
from tigerex_core.output import WARMED, Out
from tigerex_core.records import Command, Rows
from tigerex_core.window import request_hash

AHEAD = 32  # commands


@kernel
def _read_order(state: State, commands: Rows, c: int) -> int:
    """The order that a command names by its id, and what stands next to it."""
    books, orders = state.books, state.books.orders
    hashed = hash_pair(commands[c, Command.ORDER_ID], commands[c, Command.ACCOUNT])
    order = first_entry(books.id_index, hashed)
    read = orders[order, Order.ID] + orders[order, Order.PAYS] + orders[order, Order.DISPLAY]
    read += orders[orders[order, Order.OLDER], Order.YOUNGER]
    read += orders[orders[order, Order.YOUNGER], Order.OLDER]
    read += orders[orders[order, Order.NEXT], Order.PREVIOUS]
    read += orders[orders[order, Order.PREVIOUS], Order.NEXT]
    return read + books.levels[orders[order, Order.LEVEL], Level.LOTS]


@kernel
def read_ahead(state: State, out: Out, commands: Rows, first: int) -> None:
    """Read what the commands from `first` on will look up; AHEAD of them."""
    ring, lookup = state.window.ring, state.window.lookup
    size = ring.shape[0] - 1
    read = 0
    for c in range(first, min(first + AHEAD, commands.shape[0])):
        read += first_entry(lookup, request_hash(commands, c))
        if commands[c, Command.ORDER_ID] != 0:
            read += _read_order(state, commands, c)
    if state.head[Head.REMEMBERED] >= size:
        for step in range(AHEAD):
            row = (state.head[Head.REMEMBERED] + step) % size + 1
            read += first_entry(lookup, hash_pair(ring[row, Seen.ID_HI], ring[row, Seen.ID_LO]))
    out.cause[WARMED] += read
