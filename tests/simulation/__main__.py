"""`python -m tests.simulation --seed 7 --steps 5000`: one run, or with `--runs` as many seeds."""

import argparse
import secrets
import sys
import time

from tests.simulation.simulate import simulate
from tests.simulation.trace import SimulationFailure

STEPS = 5_000
SEED_BITS = 32


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="default: a fresh one, printed")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--runs", type=int, default=1, help="further runs take the next seeds")
    parser.add_argument("--verbose", action="store_true", help="print the whole trace")
    arguments = parser.parse_args()
    first = secrets.randbits(SEED_BITS) if arguments.seed is None else arguments.seed
    for seed in range(first, first + arguments.runs):
        print(f"seed {seed}, to repeat: make simulate SEED={seed} STEPS={arguments.steps}")
        begun_s = time.perf_counter()
        try:
            outcome = simulate(seed, arguments.steps, print if arguments.verbose else None)
        except SimulationFailure as failure:
            print(failure)
            return 1
        print(f"{outcome} in {time.perf_counter() - begun_s:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
