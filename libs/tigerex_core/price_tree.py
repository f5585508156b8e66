"""The price levels of one side of a book: a chain in price order over a crit-bit tree of keys.

A fork of the tree tests the highest bit in which the keys below it differ, so its shape depends on
the keys alone, it needs no balancing, and no walk is longer than KEY_BITS. It answers "which level
has this price" and "between which two does a new one belong"; the best level and its successors are
read from the chain.
"""

from tigerex_core.jit import kernel
from tigerex_core.layout import Books, BookSide, Head, Level, Node
from tigerex_core.pool import give_back, take
from tigerex_core.records import Rows


@kernel
def highest_bit(value: int) -> int:
    """Number of the highest bit set in a value of 1 to 2^62 - 1."""
    bit = 0
    for step in (32, 16, 8, 4, 2, 1):
        if value >> step != 0:
            value >>= step
            bit += step
    return bit


@kernel
def branch(key: int, bit: int) -> int:
    """The child column to follow for a key."""
    return Node.LEFT + ((key >> bit) & 1)


@kernel
def nearest(books: Books, root: int, key: int) -> int:
    """The level that has the key, if any has it; of a tree that is not empty."""
    at = root
    while at > 0:
        at = books.nodes[at, branch(key, books.nodes[at, Node.BIT])]
    return -at


@kernel
def outermost(books: Books, at: int, column: int) -> int:
    """The lowest (column LEFT) or highest (RIGHT) level below a child."""
    while at > 0:
        at = books.nodes[at, column]
    return -at


@kernel
def find_level(books: Books, side: int, key: int) -> int:
    """The level of the key, 0 when there is none."""
    root = books.sides[side, BookSide.ROOT]
    if root == 0:
        return 0
    level = nearest(books, root, key)
    if books.levels[level, Level.KEY] == key:
        return level
    return 0


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
def _put_child(books: Books, side: int, parent: int, column: int, child: int) -> None:
    """Make `child` what the parent (0: the root) leads to."""
    if parent == 0:
        books.sides[side, BookSide.ROOT] = child
    else:
        books.nodes[parent, column] = child


@kernel
def insert_level(head: Rows, books: Books, side: int, level: int) -> None:
    """Add a level whose KEY is set and not in the tree."""
    books.sides[side, BookSide.LEVELS] += 1
    root = books.sides[side, BookSide.ROOT]
    if root == 0:
        books.sides[side, BookSide.ROOT] = -level
        books.sides[side, BookSide.BEST] = level
        return
    key = books.levels[level, Level.KEY]
    bit = highest_bit(key ^ books.levels[nearest(books, root, key), Level.KEY])
    parent = 0
    column = 0
    at = root
    while at > 0 and books.nodes[at, Node.BIT] > bit:
        parent = at
        column = branch(key, books.nodes[at, Node.BIT])
        at = books.nodes[at, column]
    node = take(head, Head.FREE_NODE, books.nodes, Node.LEFT)
    books.nodes[node, Node.BIT] = bit
    if (key >> bit) & 1 != 0:
        books.nodes[node, Node.LEFT] = at
        books.nodes[node, Node.RIGHT] = -level
        before = outermost(books, at, Node.RIGHT)
        _chain_between(books, side, before, level, books.levels[before, Level.NEXT])
    else:
        books.nodes[node, Node.LEFT] = -level
        books.nodes[node, Node.RIGHT] = at
        after = outermost(books, at, Node.LEFT)
        _chain_between(books, side, books.levels[after, Level.PREVIOUS], level, after)
    _put_child(books, side, parent, column, node)


@kernel
def _unfork(head: Rows, books: Books, side: int, level: int) -> None:
    """Take the level out of the tree: its sibling takes the place of the fork above them."""
    key = books.levels[level, Level.KEY]
    grandparent = 0
    grandparent_column = 0
    parent = 0
    column = 0
    at = books.sides[side, BookSide.ROOT]
    while at > 0:
        grandparent = parent
        grandparent_column = column
        parent = at
        column = branch(key, books.nodes[at, Node.BIT])
        at = books.nodes[at, column]
    if parent == 0:
        books.sides[side, BookSide.ROOT] = 0
        return
    sibling = books.nodes[parent, Node.LEFT + Node.RIGHT - column]
    _put_child(books, side, grandparent, grandparent_column, sibling)
    give_back(head, Head.FREE_NODE, books.nodes, Node.LEFT, parent)


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
    give_back(head, Head.FREE_LEVEL, books.levels, Level.NEXT, level)
