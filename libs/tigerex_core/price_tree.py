"""The price levels of one side of a book: a chain in price order over a crit-bit tree of keys.

A fork of the tree tests the highest bit in which the keys below it differ, so its shape depends on
the keys alone, it needs no balancing, and no walk is longer than KEY_BITS. It answers "which level
has this price" and "between which two does a new one belong"; the best level and its successors are
read from the chain. Only a search walks down; what changes the tree goes up from the level found,
which is mostly a step or two.
"""

from tigerex_core.jit import kernel
from tigerex_core.layout import LEVEL_WIDTH, NODE_WIDTH, Books, BookSide, Head, Level, Node
from tigerex_core.pool import give_back, take
from tigerex_core.records import Rows


@kernel
def highest_bit(value: int) -> int:
    """Number of the highest bit set in a value of 1 to 2^62 - 1; without branches, as nothing would
    predict them."""
    bit = 0
    for step in (32, 16, 8, 4, 2, 1):
        shift = step * int(value >> step != 0)
        value >>= shift
        bit += shift
    return bit


@kernel
def find_nearest(books: Books, side: int, key: int) -> int:
    """The level that has the key, if any has it, else one that differs from it in as low a bit as
    any; 0 where there are no levels."""
    at = books.sides[side, BookSide.ROOT]
    while at > 0:
        at = books.nodes[at, Node.LEFT + ((key >> books.nodes[at, Node.BIT]) & 1)]
    return -at


@kernel
def _outermost(books: Books, at: int, column: int) -> int:
    """The lowest (column LEFT) or highest (RIGHT) level below a child."""
    while at > 0:
        at = books.nodes[at, column]
    return -at


@kernel
def _chain_between(books: Books, side: int, before: int, level: int, after: int) -> None:
    """Put a level into the chain; 0 where it becomes the first or the last."""
    books.levels[level, Level.PREVIOUS] = before
    books.levels[level, Level.NEXT] = after
    if before == 0:
        books.sides[side, BookSide.BEST] = level
    else:
        books.levels[before, Level.NEXT] = level
    if after != 0:
        books.levels[after, Level.PREVIOUS] = level


@kernel
def _set_parent(books: Books, child: int, parent: int) -> None:
    if child > 0:
        books.nodes[child, Node.PARENT] = parent
    else:
        books.levels[-child, Level.PARENT] = parent


@kernel
def _replace_child(books: Books, side: int, parent: int, child: int, new: int) -> None:
    """Let the parent (0: the root) lead to another child than before."""
    if parent == 0:
        books.sides[side, BookSide.ROOT] = new
    elif books.nodes[parent, Node.LEFT] == child:
        books.nodes[parent, Node.LEFT] = new
    else:
        books.nodes[parent, Node.RIGHT] = new
    _set_parent(books, new, parent)


@kernel
def insert_level(head: Rows, books: Books, side: int, level: int, near: int) -> None:
    """Add a level whose KEY is set and not in the tree; `near`: what `find_nearest` says of it."""
    books.sides[side, BookSide.LEVELS] += 1
    if near == 0:
        books.sides[side, BookSide.ROOT] = -level
        books.sides[side, BookSide.BEST] = level
        return
    key = books.levels[level, Level.KEY]
    bit = highest_bit(key ^ books.levels[near, Level.KEY])
    at = -near
    parent = books.levels[near, Level.PARENT]
    while parent != 0 and books.nodes[parent, Node.BIT] < bit:
        at = parent
        parent = books.nodes[parent, Node.PARENT]
    node = take(head, Head.FREE_NODE, books.nodes, Node.LEFT)
    _replace_child(books, side, parent, at, node)
    books.nodes[node, Node.BIT] = bit
    if (key >> bit) & 1 != 0:
        books.nodes[node, Node.LEFT] = at
        books.nodes[node, Node.RIGHT] = -level
        before = _outermost(books, at, Node.RIGHT)
        _chain_between(books, side, before, level, books.levels[before, Level.NEXT])
    else:
        books.nodes[node, Node.LEFT] = -level
        books.nodes[node, Node.RIGHT] = at
        after = _outermost(books, at, Node.LEFT)
        _chain_between(books, side, books.levels[after, Level.PREVIOUS], level, after)
    books.levels[level, Level.PARENT] = node
    _set_parent(books, at, node)


@kernel
def _unfork(head: Rows, books: Books, side: int, level: int) -> None:
    """Take the level out of the tree: its sibling takes the place of the fork above them."""
    parent = books.levels[level, Level.PARENT]
    if parent == 0:
        books.sides[side, BookSide.ROOT] = 0
        return
    sibling = books.nodes[parent, Node.LEFT] + books.nodes[parent, Node.RIGHT] + level
    _replace_child(books, side, books.nodes[parent, Node.PARENT], parent, sibling)
    give_back(head, Head.FREE_NODE, books.nodes, Node.LEFT, parent, NODE_WIDTH)


@kernel
def remove_level(head: Rows, books: Books, side: int, level: int) -> None:
    """Take an empty level off and give its row back."""
    _unfork(head, books, side, level)
    before = books.levels[level, Level.PREVIOUS]
    after = books.levels[level, Level.NEXT]
    if before == 0:
        books.sides[side, BookSide.BEST] = after
    else:
        books.levels[before, Level.NEXT] = after
    if after != 0:
        books.levels[after, Level.PREVIOUS] = before
    books.sides[side, BookSide.LEVELS] -= 1
    give_back(head, Head.FREE_LEVEL, books.levels, Level.NEXT, level, LEVEL_WIDTH)
