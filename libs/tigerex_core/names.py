"""What may be a name: one to forty ASCII characters from space to '~', then zeros.

Checked a word of eight characters at a time; the first character is a word's lowest byte.
"""

from tigerex_core.jit import kernel
from tigerex_core.records import NAME_WORDS, Rows

_HIGH_BITS = -0x7F7F7F7F7F7F7F80  # 0x80 in each byte
_PRINTABLE_BITS = 0x6060606060606060  # a byte of 0x20 or more has one of these
_ONES = 0x0101010101010101
_SEVEN_BITS = 0x7F


@kernel
def is_blank(rows: Rows, row: int, column: int) -> bool:
    """No name at all."""
    for word in range(NAME_WORDS):  # noqa: SIM110 - compiled
        if rows[row, column + word] != 0:
            return False
    return True


@kernel
def same_name(
    rows: Rows, row: int, column: int, others: Rows, other: int, other_column: int
) -> bool:
    for word in range(NAME_WORDS):
        if rows[row, column + word] != others[other, other_column + word]:
            return False
    return True


@kernel
def _present(word: int) -> int:
    """1 in each byte that is 0x20 or more; for bytes below 0x80."""
    bits = word & _PRINTABLE_BITS
    return ((bits | (bits >> 1)) >> 5) & _ONES


@kernel
def is_name(rows: Rows, row: int, column: int) -> bool:
    """Whether the five words at (row, column) are a name."""
    if rows[row, column] == 0:
        return False
    ended = False
    for offset in range(NAME_WORDS):
        word = rows[row, column + offset]
        if ended:
            if word != 0:
                return False
            continue
        present = _present(word)
        if word & _HIGH_BITS != 0 or (word + _ONES) & _HIGH_BITS != 0:  # not ASCII; 0x7F
            return False
        if word & ~(present * _SEVEN_BITS) != 0:  # a control character
            return False
        if (present >> 8) & ~present != 0:  # a zero before a character
            return False
        ended = present != _ONES
    return True
