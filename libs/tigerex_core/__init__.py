"""The exchange as a pure state machine: money, accounts, order books. No I/O, no clock, no
randomness.

`records` says what commands and events look like; whoever only reads events never loads the
compiler.
"""

from typing import TYPE_CHECKING, Any

from tigerex_core import numba_cache
from tigerex_core.capacity import Capacity

numba_cache.configure()

if TYPE_CHECKING:
    from tigerex_core.core import KERNEL_VERSION, Core, OpenOrder, compile_kernels

__all__ = ["KERNEL_VERSION", "Capacity", "Core", "OpenOrder", "compile_kernels"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module's attributes are
    """Load the kernels with the first use of one of them: importing numba costs 70 MB."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tigerex_core import core  # noqa: PLC0415

    return getattr(core, name)
