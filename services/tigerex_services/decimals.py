"""Plain decimal strings to integers and back, exactly.

The wire carries decimal strings ("0.001", never "1e-3"), the core integers of an asset's smallest
unit. A string finer than the scale is refused, never rounded.
"""

from functools import lru_cache

from tigerex_platform.errors import InvalidField

MAX_UNITS = 2**62 - 1  # the core's bound of one amount
MAX_CHARACTERS = 40  # 2^62 has 19 digits: longer strings carry nothing but zeros
# Prices and quantities of orders repeat: looking one up costs a tenth of reading it.
CACHED_MAX = 16_384


@lru_cache(CACHED_MAX)
def to_units(text: str, scale: int, field: str) -> int:
    """The number of units of 10^-scale in a plain decimal string.

    Raises InvalidField naming `field` for anything but ASCII digits with at most one point and
    `scale` decimals.
    """
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if not (
        whole and digits.isascii() and digits.isdecimal() and len(text) <= MAX_CHARACTERS
    ) or text.endswith("."):
        raise InvalidField(field, text, 'a plain decimal number such as "0.25", not negative')
    if len(fraction) > scale:
        fraction, rest = fraction[:scale], fraction[scale:]
        if rest.strip("0"):
            raise InvalidField(field, text, f"at most {scale} decimals")
    units = int(whole + fraction.ljust(scale, "0"))
    if units > MAX_UNITS:
        raise InvalidField(field, text, f"at most {from_units(MAX_UNITS, scale)}")
    return units


def from_units(units: int, scale: int) -> str:
    """The shortest plain decimal string of a number of units of 10^-scale."""
    if scale == 0:
        return str(units)
    digits = str(abs(units)).zfill(scale + 1)
    text = f"{digits[:-scale]}.{digits[-scale:]}".rstrip("0").rstrip(".")
    return text if units >= 0 else f"-{text}"
