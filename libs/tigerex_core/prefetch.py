"""Asking for memory that will be read soon: the processor fetches it meanwhile, nobody waits.

An address is only asked for, never read, so any row number will do. Uncompiled nothing is asked.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from tigerex_core.jit import UNCOMPILED
from tigerex_core.records import Rows

_READ, _KEPT, _DATA = 0, 3, 1  # what LLVM's prefetch is told: to be read, again and again, no code


def _nothing(rows: Rows, word: int) -> None:
    pass


def _prefetch(_typing: Any, rows: Any, word: Any) -> Any:  # noqa: ANN401 - numba's types
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
        array = make_array(signature.args[0])(context, builder, values[0])  # type: ignore[no-untyped-call]
        address = builder.bitcast(builder.gep(array.data, [values[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        asked = builder.module.declare_intrinsic("llvm.prefetch", [cgutils.voidptr_t], kind)
        builder.call(asked, [address, number(_READ), number(_KEPT), number(_DATA)])
        return context.get_dummy_value()

    return types.void(rows, word), generate


# Of the cache line of a word of an array, counted from the array's start.
prefetch = cast(Callable[[Rows, int], None], _nothing if UNCOMPILED else intrinsic(_prefetch))
