"""How the functions of this package are compiled."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from tigerex_core.numba_cache import kept_apart  # before numba, which reads the cache's folder

import numba  # isort: skip

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compiled for its callers here; integers and arrays of them only, nothing is allocated."""
    return cast(Function, numba.njit(nogil=True)(function))


def entry(function: Function) -> Function:
    """Compiled for Python, and kept in numba's cache."""
    with kept_apart("wire", Path(__file__).parent):
        return cast(Function, numba.njit(nogil=True, cache=True)(function))
