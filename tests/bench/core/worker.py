"""A process with a kernel of its own: the one whose sources come first in PYTHONPATH.

    python -m tests.bench.core.worker times            compile or load the kernels, say how long
    python -m tests.bench.core.worker runs <file.npz>  a run of the workload for each line of input

Answers are lines of JSON.
"""

import json
import sys
import time

import numpy as np


def main() -> None:
    start = time.perf_counter()
    from tigerex_core import compile_kernels  # here: its time is asked for

    compile_kernels()
    _answer(seconds=time.perf_counter() - start)
    if sys.argv[1] == "runs":
        _runs(sys.argv[2])


def _runs(path: str) -> None:
    from tests.bench.core.measure import run

    with np.load(path) as file:
        arrays = dict(file)
    setup, commands = (
        {name.partition(".")[2]: a for name, a in arrays.items() if name.startswith(part)}
        for part in ("setup.", "commands.")
    )
    for _ in sys.stdin:
        one = run(setup, commands)
        _answer(command_ns=one.command_ns, events=one.events, rejected=one.rejected)


def _answer(**values: float) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
