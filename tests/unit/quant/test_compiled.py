"""Compiled kernels: no floats anywhere, and the same results as plain Python."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from tigerex_quant import compile_kernels
from tigerex_quant.jit import COMPILED

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
SCENARIO = """
import hashlib
from tests.support.strategy_world import RULES, World
from tigerex_quant import STRATEGIES, DcaParameters, SpotGridParameters
from tigerex_quant import dca_config, spot_grid_config
digest = hashlib.sha256()
for name, config in (
    ("spot-grid", spot_grid_config(SpotGridParameters(100, 140, 9, True, 100_000), RULES)),
    ("dca", dca_config(DcaParameters(10_000, 5, 4), RULES)),
):
    world = World(STRATEGIES[name], config)
    world.signal(2)
    for i in range(40):
        world.quote_at(120 + (i * 37) % 41 - 20, lots=5 + i % 300)
        world.submit(1 + i % 4)
        if i % 5 == 0:
            world.tick(i)
        if i % 7 == 0:
            world.cancel_one(i)
    world.settle()
    world.check()
    digest.update(world.fold.checkpoint() + repr(world.emitted).encode())
print(digest.hexdigest())
"""


def run(**env: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", SCENARIO],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    return answer.stdout


def test_compiled_and_plain_python_agree() -> None:
    assert run() == run(NUMBA_DISABLE_JIT="1")


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_no_float_is_anywhere_in_the_compiled_code() -> None:
    compile_kernels()
    checked = 0
    for dispatcher in COMPILED:
        for signature in dispatcher.signatures:
            # What comes from the cache has lost its types: infer them anew.
            fresh = numba.njit(dispatcher.py_func)
            fresh.compile(signature)
            (overload,) = fresh.overloads.values()
            names = [str(kind) for kind in overload.type_annotation.typemap.values()]
            assert not [name for name in names if "float" in name], dispatcher
            checked += 1
    assert checked > 2
