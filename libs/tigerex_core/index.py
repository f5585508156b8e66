"""Open-addressed indexes: from a key that stands in a table's row to the number of that row.

An entry is hash * 2^32 + row; 0 is empty. The hash in the entry settles nearly every comparison,
and lets an entry be moved, without touching the table. Collisions go to the next entry; a removal
moves later entries back, so there are no tombstones. An index is at most half full (see `layout`),
so each walk ends.

Two kinds of keys: a pair of int64, and an owner with a name of five. A table's row holds its key in
consecutive columns. Hashes are fixed functions: every process computes the same.
"""

import numpy as np

from tigerex_core.jit import entry, kernel
from tigerex_core.records import NAME_WORDS, Rows

HASH_MASK = 0xFFFFFFFF
# Not a Python int: uncompiled, the product must wrap, too.
_START: int = np.int64(0x2545F4914F6CDD1D)  # type: ignore[assignment]
_MIX = -0x61C8864680B583EB  # 2^64 divided by the golden ratio, as int64
_FINISH = -0x3B314601E57A13AD


@kernel
def mix(state: int, word: int) -> int:
    """Fold one word into a running hash; multiplication wraps at 64 bits."""
    state = (state ^ word) * _MIX
    return state ^ (state >> 29)


@kernel
def finish(state: int) -> int:
    """The final 32 bits."""
    state = state * _FINISH
    return (state >> 32) & HASH_MASK


@kernel
def hash_pair(first: int, second: int) -> int:
    return finish(mix(mix(_START, first), second))


@kernel
def hash_named(owner: int, rows: Rows, row: int, column: int) -> int:
    """Of an owner and the name at (row, column)."""
    state = mix(_START, owner)
    for word in range(NAME_WORDS):
        state = mix(state, rows[row, column + word])
    return finish(state)


@kernel
def find_hashed(index: Rows, rows: Rows, column: int, hashed: int, first: int, second: int) -> int:
    """As `find_pair`, for a caller that knows the pair's hash."""
    mask = index.size - 1
    at = hashed & mask
    while index[at] != 0:
        entry = index[at]
        if (entry >> 32) & HASH_MASK == hashed:
            row = entry & HASH_MASK
            if rows[row, column] == first and rows[row, column + 1] == second:
                return row
        at = (at + 1) & mask
    return 0


@entry
def find_pair(index: Rows, rows: Rows, column: int, first: int, second: int) -> int:
    """The row whose key, from `column` on, is the pair; 0 when there is none."""
    return find_hashed(index, rows, column, hash_pair(first, second), first, second)


@entry
def find_named(
    index: Rows, rows: Rows, column: int, owner: int, names: Rows, name_row: int, name_column: int
) -> int:
    """The row whose key, from `column` on, is the owner and the name at (name_row, name_column) of
    `names`."""
    hashed = hash_named(owner, names, name_row, name_column)
    mask = index.size - 1
    at = hashed & mask
    while index[at] != 0:
        entry = index[at]
        if (entry >> 32) & HASH_MASK == hashed:
            row = entry & HASH_MASK
            same = rows[row, column] == owner
            for word in range(NAME_WORDS):
                same = same and rows[row, column + 1 + word] == names[name_row, name_column + word]
            if same:
                return row
        at = (at + 1) & mask
    return 0


@kernel
def first_entry(index: Rows, hashed: int) -> int:
    """The row that a search for this hash looks at first; 0: none."""
    return index[hashed & (index.size - 1)] & HASH_MASK


@kernel
def insert(index: Rows, hashed: int, row: int) -> None:
    """Add an entry for a key that is not there; the caller knows that the table had a free row."""
    mask = index.size - 1
    at = hashed & mask
    while index[at] != 0:
        at = (at + 1) & mask
    index[at] = (hashed << 32) | row


@entry
def insert_pair(index: Rows, first: int, second: int, row: int) -> None:
    """Add an entry for a pair that is not there."""
    insert(index, hash_pair(first, second), row)


@kernel
def remove(index: Rows, hashed: int, row: int) -> None:
    """Remove the entry of `row`, which is there, and close the gap."""
    mask = index.size - 1
    entry = (hashed << 32) | row
    gap = hashed & mask
    while index[gap] != entry:
        gap = (gap + 1) & mask
    at = (gap + 1) & mask
    while index[at] != 0:
        home = (index[at] >> 32) & mask
        if (at - home) & mask >= (at - gap) & mask:  # its walk passes over the gap
            index[gap] = index[at]
            gap = at
        at = (at + 1) & mask
    index[gap] = 0
