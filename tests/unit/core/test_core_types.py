"""No float anywhere in what is compiled: one written into an int64 array would be cut off
silently."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tigerex_core import check, check_books, check_tables, core, jit

pytestmark = pytest.mark.unit

uncompiled = pytest.mark.skipif(jit.UNCOMPILED, reason="nothing is compiled")

# In a process of its own: a kernel that comes from the cache has forgotten the types of its
# variables.
WALK = """
import tigerex_core
from numba import types
tigerex_core.compile_kernels()
from tigerex_core.jit import ENTRIES, KERNELS

def parts(of):
    yield of
    for inner in (*getattr(of, "types", ()), getattr(of, "dtype", None)):
        if inner is not None:
            yield from parts(inner)

walked = 0
for kernel in KERNELS + ENTRIES:
    assert kernel.overloads, f"{kernel.__qualname__} was not compiled"
    for overload in kernel.overloads.values():
        variables = {**overload.type_annotation.typemap, "return": overload.signature.return_type}
        for name, of in variables.items():
            walked += 1
            for part in parts(of):
                bad = isinstance(part, (types.Float, types.Complex, types.PyObject))
                assert not bad, f"{kernel.__qualname__}: {name} is {of}"
print(walked)
"""


@uncompiled
@pytest.mark.skipif(os.environ.get("NUMBA_BOUNDSCHECK") == "1", reason="the types are the same")
def test_every_compiled_variable_is_whole(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert int(done.stdout) > 1_000


@uncompiled
@pytest.mark.parametrize("module", [core, check, check_books, check_tables])
def test_python_calls_entries_only(module: ModuleType) -> None:
    """A kernel has no wrapper for Python: a call from there would end the process."""
    called = [value for value in vars(module).values() if any(value is one for one in jit.KERNELS)]
    assert called == []
