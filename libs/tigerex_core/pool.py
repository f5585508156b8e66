"""Rows that come and go: a chain of free ones, its first in the head."""

from tigerex_core.jit import kernel
from tigerex_core.records import Rows


@kernel
def take(head: Rows, first: int, table: Rows, link: int) -> int:
    """A free row, all zeros; the caller has seen that there is one (`head[first]` is not 0)."""
    row = head[first]
    head[first] = table[row, link]
    table[row, link] = 0
    return row


@kernel
def give_back(head: Rows, first: int, table: Rows, link: int, row: int, width: int) -> None:
    """Zero the row and make it the first free one; `width` is the table's, as a constant."""
    for column in range(width):
        table[row, column] = 0
    table[row, link] = head[first]
    head[first] = row
