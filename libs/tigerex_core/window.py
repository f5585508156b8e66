"""The window of remembered request ids: a command with a known id is answered, not applied.

A ring of the newest requests with an index; when it is full, the oldest is forgotten. A request is
the same when all columns but time and id hash to the same 64 bits.
"""

import numpy as np

from tigerex_core.index import find_pair, hash_pair, insert, mix, remove
from tigerex_core.jit import kernel
from tigerex_core.layout import Head, Seen, Window
from tigerex_core.output import Out, begin_event
from tigerex_core.records import Command, Event, EventKind, Rows

# Not a Python int: see `index`.
_SEED: int = np.int64(0x1B873593CC9E2D51)  # type: ignore[assignment]


@kernel
def content_of(commands: Rows, c: int) -> int:
    """64 bits for everything that a command says, beside when it came and its id."""
    state = mix(_SEED, commands[c, Command.KIND])
    for column in range(Command.ACCOUNT, commands.shape[1]):
        state = mix(state, commands[c, column])
    return state


@kernel
def find_request(window: Window, commands: Rows, c: int) -> int:
    """The ring's row of the command's request id, 0 when it is not remembered."""
    high, low = commands[c, Command.REQUEST_HI], commands[c, Command.REQUEST_LO]
    return find_pair(window.lookup, window.ring, Seen.ID_HI, high, low)


@kernel
def remember(head: Rows, window: Window, commands: Rows, c: int, seq: int) -> None:
    """Add a request id that is not remembered, in the place of the oldest."""
    ring = window.ring
    size = ring.shape[0] - 1
    row = head[Head.REMEMBERED] % size + 1
    if head[Head.REMEMBERED] >= size:
        remove(window.lookup, hash_pair(ring[row, Seen.ID_HI], ring[row, Seen.ID_LO]), row)
    head[Head.REMEMBERED] += 1
    ring[row, Seen.ID_HI] = commands[c, Command.REQUEST_HI]
    ring[row, Seen.ID_LO] = commands[c, Command.REQUEST_LO]
    ring[row, Seen.CONTENT] = content_of(commands, c)
    ring[row, Seen.SEQ] = seq
    insert(window.lookup, hash_pair(ring[row, Seen.ID_HI], ring[row, Seen.ID_LO]), row)


@kernel
def emit_duplicate(out: Out, seq: int) -> None:
    at = begin_event(out, EventKind.DUPLICATE)
    out.events[at, Event.VALUE] = seq
