"""The one way in which strategies are compiled, and the list of all compiled functions.

Numba's cache does not notice an edited callee in another module, so what it keeps is put into a
folder named after the sources of this package, below the folder that the core chose.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import tigerex_core  # noqa: F401 - chooses numba's cache folder before numba reads it

import numba  # isort: skip

_config: Any = numba.config
Function = TypeVar("Function", bound=Callable[..., Any])

KEY_CHARACTERS: Final = 16
COMPILED: Final[list[Any]] = []  # for the test that walks their types


def compiled(function: Function) -> Function:
    """A function in the kernels' subset, compiled at its first call and cached on disk."""
    with _own_folder():
        result: Any = numba.njit(cache=True, nogil=True)(function)
    COMPILED.append(result)
    return cast("Function", result)


def _sources_key() -> str:
    digest = sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:KEY_CHARACTERS]


_SOURCES_KEY: Final = _sources_key()


@contextmanager
def _own_folder() -> Iterator[None]:
    """Numba chooses a function's folder when it is decorated."""
    chosen = _config.CACHE_DIR
    base = chosen or os.environ.get("NUMBA_CACHE_DIR", "")
    if base:
        _config.CACHE_DIR = str(Path(base) / f"quant-{_SOURCES_KEY}")
    try:
        yield
    finally:
        _config.CACHE_DIR = chosen
