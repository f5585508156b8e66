"""Price levels of a grid in whole ticks, computed with integers only: the same on every machine."""


def arithmetic_levels(lower: int, upper: int, levels: int) -> list[int]:
    """`levels` prices in equal steps from `lower` to `upper`, each rounded to the nearest tick."""
    steps = levels - 1
    return [lower + (2 * i * (upper - lower) + steps) // (2 * steps) for i in range(levels)]


def geometric_levels(lower: int, upper: int, levels: int) -> list[int]:
    """`levels` prices in equal ratios from `lower` to `upper`, each rounded to the nearest tick.

    Level i is (lower^(n-i) * upper^i)^(1/n) with n = levels - 1.
    """
    n = levels - 1
    # floor(2x) + 1, halved, is x rounded to the nearest: so the root is taken of 2^n times as much.
    return [(_root((lower ** (n - i) * upper**i) << n, n) + 1) // 2 for i in range(levels)]


def _root(value: int, degree: int) -> int:
    """The largest integer whose `degree`-th power is not above `value`, by Newton's method."""
    if degree == 1:
        return value
    guess = 1 << -(-value.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + value // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better
