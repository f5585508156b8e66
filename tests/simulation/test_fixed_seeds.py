"""Runs of the simulator: the same ones each time, a fresh one, and one that must repeat itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.simulation import seeds
from tests.simulation.simulate import simulate

pytestmark = pytest.mark.simulation

SEED, STEPS = 8, 200
_ROOT = Path(__file__).parents[2]
_SAY_DIGEST = "import sys; from tests.simulation.simulate import simulate;"
_SAY_DIGEST += " print(simulate(int(sys.argv[1]), int(sys.argv[2])).digest)"


@pytest.mark.parametrize(("seed", "steps"), seeds.FIXED)
def test_a_fixed_seed(seed: int, steps: int) -> None:
    outcome = simulate(seed, steps)
    assert outcome.entries > 0


def test_a_fresh_seed(fresh_seed: int) -> None:
    print(simulate(fresh_seed, seeds.FRESH_STEPS))


def test_a_seed_repeats_itself_in_another_process() -> None:
    """Every line of the trace, the hash of every entry included, with other hashes of Python."""
    here = simulate(SEED, STEPS).digest
    assert simulate(SEED, STEPS).digest == here
    there = subprocess.run(
        [sys.executable, "-c", _SAY_DIGEST, str(SEED), str(STEPS)],
        cwd=_ROOT,
        env=os.environ | {"PYTHONHASHSEED": "17"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here
