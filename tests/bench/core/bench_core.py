"""How many commands a second the kernel applies, with everything on, and whether it has become
slower.

Holds, fees, client order ids, request ids and events are on; see `workload` for the commands. Runs
of all variants are interleaved, figures are medians, ratios are taken within a round. A loop that
always does the same is timed between the runs: where it drifts, the machine was busy with something
else and the figures are not given.

    make bench-core              or: python -m tests.bench.core.bench_core
    BASE=<commit> make bench-core    compare the kernel with that of another commit

Exits with 0, with 1 when a bar is missed, with 2 when the machine was too noisy: run it again.
"""

import resource
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.bench.bars import say_bar
from tests.bench.core.calibration import Calibration, NoisyError
from tests.bench.core.measure import Run, run
from tests.bench.core.regression import (
    ROOT,
    CannotCompareError,
    Worker,
    base_kernel,
    load_s,
    save,
)
from tests.bench.core.workload import FIRST_KERNEL, FULL, Mix, Workload, made

from tigerex_core import Core

COMMANDS = 1_000_000
ROUNDS = 5
BAR_PER_S = 2_000_000
GOAL_PER_S = 4_000_000
DEEP_BAR = 0.5
MANY_BAR = 0.8
SLOWER_MAX = 0.15
RESTING = 2_000  # on 1,000 price levels
MET, MISSED, NOISY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Variant:
    """What rests, where."""

    title: str
    resting: int
    markets: int = 1
    mix: Mix = FULL

    def workload(self) -> Workload:
        return made(
            Core(), commands=COMMANDS, resting=self.resting, markets=self.markets, mix=self.mix
        )


BASE = Variant(f"one market, {RESTING:,} orders on 1,000 levels", RESTING)
DEEP = Variant("100,000 orders on 1,000 levels", 100_000)
MANY = Variant("100 markets at once, as many orders in all", RESTING, markets=100)
FIRST = Variant("commands of the first kernel", RESTING, mix=FIRST_KERNEL)


def main() -> int:
    """Print the figures and what they say of the bars; see the module's description."""
    try:
        with tempfile.TemporaryDirectory(prefix="bench-core-") as folder:
            _times(Path(folder))
            calibration = Calibration()
            calibration.take()
            met = _bars(calibration)
            met &= _regression(Path(folder), calibration)
    except NoisyError as noise:
        print(f"noisy, nothing is said: {noise}; run it again on a quieter machine")
        return NOISY
    print(f"calibration drifted by {calibration.drift:.0%}")
    resident_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory: {resident_mb:.0f} MB")
    return MET if met else MISSED


def _times(folder: Path) -> None:
    cache = folder / "own"
    print(f"compile, empty cache: {load_s(cache):.1f} s")
    print(f"load, filled cache: {load_s(cache):.2f} s")


def _bars(calibration: Calibration) -> bool:
    variants = (BASE, DEEP, MANY)
    workloads = {variant: variant.workload() for variant in variants}
    rounds: list[dict[Variant, Run]] = []
    for _ in range(ROUNDS):
        runs = {}
        for variant in variants:
            runs[variant] = run(workloads[variant].setup, workloads[variant].commands)
            calibration.take()
        rounds.append(runs)
    for variant in variants:
        _say(variant, [runs[variant] for runs in rounds])
    per_s = 1e9 / statistics.median(runs[BASE].command_ns for runs in rounds)
    print(f"ratio to the goal of {GOAL_PER_S / 1e6:.0f} M commands/s: {per_s / GOAL_PER_S:.2f}")
    met = say_bar("kernel", per_s / 1e6, BAR_PER_S / 1e6, "M commands/s")
    for name, variant, bar in (("deep book", DEEP, DEEP_BAR), ("100 markets", MANY, MANY_BAR)):
        ratio = statistics.median(
            runs[BASE].command_ns / runs[variant].command_ns for runs in rounds
        )
        met &= say_bar(name, ratio, bar, "of the one market's rate")
    return met


def _regression(folder: Path, calibration: Calibration) -> bool:
    """Whether this kernel is about as fast as that of the base commit, or there is none."""
    workers: list[Worker] = []
    try:
        base = base_kernel(folder / "base")
        save(FIRST.workload(), folder / "workload.npz")
        own = Worker(ROOT, folder / "own", folder / "workload.npz")
        workers.append(own)
        other = Worker(base.folder, folder / "other", folder / "workload.npz")
        workers.append(other)
        print(f"base commit {base.commit[:12]}, compiled in {other.load_s:.1f} s")
        pairs = []
        for _ in range(ROUNDS):
            pairs.append((own.run(), other.run()))
            calibration.take()
    except CannotCompareError as reason:
        print(f"regression: cannot compare, {reason}")
        return True
    finally:
        for worker in workers:
            worker.close()
    if pairs[0][0]["events"] != pairs[0][1]["events"]:
        print(f"the kernels answer with {[one['events'] for one in pairs[0]]} events")
    ratio = statistics.median(new["command_ns"] / old["command_ns"] for new, old in pairs)
    old_ns = statistics.median(old["command_ns"] for _, old in pairs)
    new_ns = statistics.median(new["command_ns"] for new, _ in pairs)
    print(f"{FIRST.title}: {new_ns:.0f} ns each, {old_ns:.0f} ns by the base commit's kernel")
    return say_bar("regression", ratio, 1 + SLOWER_MAX, "of the base commit's time", at_most=True)


def _say(variant: Variant, runs: list[Run]) -> None:
    ns = statistics.median(one.command_ns for one in runs)
    spread = ", ".join(f"{1e3 / one.command_ns:.2f}" for one in runs)
    print(
        f"{variant.title}: {1e3 / ns:.2f} M commands/s, {ns:.0f} ns each (runs {spread});"
        f" {runs[0].events / COMMANDS:.2f} events a command, {runs[0].rejected / COMMANDS:.2%}"
        " rejected"
    )


@pytest.mark.unit
def test_bench_core() -> None:
    code = main()
    if code == NOISY:
        pytest.skip("the machine was too noisy to measure")
    assert code == MET


if __name__ == "__main__":
    sys.exit(main())
