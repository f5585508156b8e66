"""How the functions of this package are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compiled for its callers here; integers and arrays of them only, nothing is allocated."""
    return cast(Function, numba.njit(nogil=True)(function))


def entry(function: Function) -> Function:
    """Compiled for Python, and kept in numba's cache: all that it calls is in the same module."""
    return cast(Function, numba.njit(nogil=True, cache=True)(function))
