"""Arithmetic on money: exact, checked, and rounded in one place.

All amounts are whole units below 2^62. Sums need no check of their own: `ledger` keeps what
accounts may owe below 2^62 in total, and as each asset sums to zero, nothing that exists can be
larger.
"""

from tigerex_core.jit import kernel

PPM = 1_000_000
AMOUNT_MAX = (1 << 62) - 1
OVERFLOW = -1


@kernel
def checked_multiply(left: int, right: int) -> int:
    """left * right for values of 0 or more; OVERFLOW when that exceeds AMOUNT_MAX."""
    if left != 0 and right > AMOUNT_MAX // left:
        return OVERFLOW
    return left * right


@kernel
def fee(amount: int, ppm: int) -> int:
    """The fee on an amount received, rounded up to a whole unit: in the house's favour by less than
    one.

    ceil(amount * ppm / 10^6), split before multiplying so that it cannot overflow.
    """
    return amount // PPM * ppm + (amount % PPM * ppm + PPM - 1) // PPM


@kernel
def power_of_ten(exponent: int) -> int:
    result = 1
    for _ in range(exponent):
        result *= 10
    return result
