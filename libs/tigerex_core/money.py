"""Arithmetic on money: exact, checked, and rounded in one place.

All amounts are whole units below 2^62. Sums need no check of their own: `ledger` keeps what
accounts may owe below 2^62 in total, and as each asset sums to zero, nothing that exists can be
larger.
"""

from tigerex_core.jit import kernel, routine

PPM = 1_000_000
AMOUNT_MAX = (1 << 62) - 1
OVERFLOW = -1
_AMOUNT_BITS = 62


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
def share(amount: int, ppm: int) -> int:
    """floor(amount * ppm / 10^6), at most AMOUNT_MAX; ppm up to 10^9."""
    whole = amount // PPM
    if ppm != 0 and whole > AMOUNT_MAX // ppm:
        return AMOUNT_MAX
    return min(whole * ppm + amount % PPM * ppm // PPM, AMOUNT_MAX)


@routine
def scale_up(amount: int, factor: int, divisor: int) -> int:
    """ceil(amount * factor / divisor), or OVERFLOW when that exceeds AMOUNT_MAX.

    For values of 0 or more, divisor above 0, all below 2^62. Long division, a bit of the factor at
    a time: the rest stays below the divisor, so its double does not overflow.
    """
    result = checked_multiply(amount // divisor, factor)
    if result == OVERFLOW:
        return OVERFLOW
    part = amount % divisor
    quotient = 0
    rest = 0
    for bit in range(_AMOUNT_BITS - 1, -1, -1):
        quotient *= 2
        rest *= 2
        if rest >= divisor:
            rest -= divisor
            quotient += 1
        if (factor >> bit) & 1 != 0:
            rest += part
            if rest >= divisor:
                rest -= divisor
                quotient += 1
    if rest != 0:
        quotient += 1
    result += quotient  # both are below 2^62
    if result > AMOUNT_MAX:
        return OVERFLOW
    return result


@kernel
def power_of_ten(exponent: int) -> int:
    result = 1
    for _ in range(exponent):
        result *= 10
    return result
