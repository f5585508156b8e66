"""From `make up` with warm caches, after `make down`, to the first fill of the sample grid.

Run as `python -m tests.bench.local.bench_up`. It takes the running sample exchange down first.
"""

import os
import subprocess
import time
from pathlib import Path

from tests.bench.bars import say_bar
from tests.support.live import Demo, kubectl_json

ROOT = Path(__file__).parents[3]
GOAL_S = 90
UP_DEADLINE_S = 900


def main() -> None:
    subprocess.run(["make", "down"], cwd=ROOT, check=True, timeout=UP_DEADLINE_S)
    started_s = time.time()
    subprocess.run(["make", "up"], cwd=ROOT, check=True, timeout=UP_DEADLINE_S)
    ready_s = time.time() - started_s
    for line in (ROOT / ".local" / "env").read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        os.environ[name] = os.path.expandvars(value.strip('"'))
    bot = kubectl_json("-n", "demo", "get", "tradingbot", "demo-grid")["status"]["botId"]
    first = min(trade.at.ToNanoseconds() for trade in Demo.connect().trades(bot)) / 1e9
    fill_s = first - started_s
    print(f"make up ended after {ready_s:.1f} s")
    say_bar("first-fill", fill_s, GOAL_S, "s", at_most=True)


if __name__ == "__main__":
    main()
