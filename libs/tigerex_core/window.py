"""The window of remembered request ids: a command with a known id is answered, not applied.

A ring of the newest requests with an index; when it is full, the oldest is forgotten. A request is
the same when all columns but time and id hash to the same 64 bits.
"""

import numpy as np

from tigerex_core.index import find_hashed, hash_pair, insert, remove
from tigerex_core.jit import kernel
from tigerex_core.layout import Head, Seen, Window
from tigerex_core.output import Out, begin_event
from tigerex_core.records import COMMAND_WIDTH, Command, Event, EventKind, Rows

_WORD = 1 << 64


def _random_words(count: int) -> Rows:
    """Fixed words without a pattern (the steps of a congruential generator, mixed)."""
    words = []
    state = 0x1B873593CC9E2D51
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % _WORD
        words.append((state ^ (state >> 29)) * 0xC4CEB9FE1A85EC53 % _WORD)
    return np.array(words, np.uint64).view(np.int64)


_FIRST = Command.ACCOUNT + 1
_PAIRS = (COMMAND_WIDTH - _FIRST) // 2
assert _FIRST + 2 * _PAIRS == COMMAND_WIDTH  # noqa: S101 - no column is left over
_KEYS = _random_words(COMMAND_WIDTH)


@kernel
def content_of(commands: Rows, c: int) -> int:
    """64 bits for everything that a command says, beside when it came and its id; never 0.

    Products of pairs of words, each with a key added: they need not wait for each other, as a
    running hash would. High bits are added below, as a product with an even number loses them.
    """
    content = (commands[c, Command.KIND] + _KEYS[0]) * (commands[c, Command.ACCOUNT] + _KEYS[1])
    for pair in range(_PAIRS):
        column = _FIRST + 2 * pair
        left = commands[c, column] + _KEYS[column]
        right = commands[c, column + 1] + _KEYS[column + 1]
        content += left * right + (left >> 29) + (right >> 31)
    return content if content != 0 else 1


@kernel
def request_hash(commands: Rows, c: int) -> int:
    return hash_pair(commands[c, Command.REQUEST_HI], commands[c, Command.REQUEST_LO])


@kernel
def find_request(window: Window, commands: Rows, c: int, hashed: int) -> int:
    """The ring's row of the command's request id, 0 when it is not remembered."""
    high, low = commands[c, Command.REQUEST_HI], commands[c, Command.REQUEST_LO]
    return find_hashed(window.lookup, window.ring, Seen.ID_HI, hashed, high, low)


@kernel
def same_content(window: Window, row: int, commands: Rows, c: int) -> bool:
    """Whether a remembered request said the same; of one with content 0 that is not known."""
    content = window.ring[row, Seen.CONTENT]
    return content == 0 or content == content_of(commands, c)


@kernel
def remember(head: Rows, window: Window, commands: Rows, c: int, seq: int, hashed: int) -> None:
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
    insert(window.lookup, hashed, row)


@kernel
def emit_duplicate(out: Out, seq: int) -> None:
    at = begin_event(out, EventKind.DUPLICATE)
    out.events[at, Event.VALUE] = seq
