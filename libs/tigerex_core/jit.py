"""The two ways in which the core compiles a function, and the list of all of them.

Measured: without reference counts (nothing here allocates or keeps an array) and with every call
inlined (no call passes the state's three hundred words), commands run twenty times as fast, in the
same compile time.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import config

Function = TypeVar("Function", bound=Callable[..., Any])

UNCOMPILED: bool = bool(getattr(config, "DISABLE_JIT", 0))  # plain Python, same results

# Every compiled function, for the tests that walk their types and their callers.
KERNELS: list[Any] = []
ENTRIES: list[Any] = []


def kernel(function: Function) -> Function:
    """A part of the kernel: int64 and arrays of it.

    For compiled callers only. It has no wrapper for Python, which halves the time to compile; a
    test sees to it that no Python code calls one.
    """
    return _compile(function, KERNELS, True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def routine(function: Function) -> Function:
    """A part of the kernel that is called, not inlined: for what happens seldom, where another copy
    of it would cost more time to compile than passing the state does."""
    return _compile(function, KERNELS, False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def entry(function: Function) -> Function:
    """A compiled function that Python calls; only these are worth a place in numba's cache."""
    return _compile(function, ENTRIES, True, cache=True, no_cfunc_wrapper=True)


def _compile(
    function: Function,
    known: list[Any],
    inlined: bool,
    **options: bool,
) -> Function:
    compiled: Any = numba.njit(nogil=True, _nrt=False, forceinline=inlined, **options)(function)  # type: ignore[call-overload]
    known.append(compiled)
    return cast(Function, compiled)
