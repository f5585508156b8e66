"""The one way in which strategies are compiled, and the list of all compiled functions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from tigerex_core.numba_cache import kept_apart  # before numba, which reads the cache's folder

import numba  # isort: skip

Function = TypeVar("Function", bound=Callable[..., Any])

COMPILED: Final[list[Any]] = []  # for the test that walks their types


def compiled(function: Function) -> Function:
    """A function in the kernels' subset, compiled at its first call and cached on disk."""
    with kept_apart("quant", Path(__file__).parent):
        result: Any = numba.njit(cache=True, nogil=True)(function)
    COMPILED.append(result)
    return cast("Function", result)
