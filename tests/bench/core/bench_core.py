"""How many commands a second the kernel applies: new orders, cancels, IOC orders, with everything
on.

Holds, fees, client order ids, request ids and events are on; about a thousand orders rest on one
book, by 64 accounts; batches of 256 as the host sends them. A loop of dependent multiplications,
timed before and after each round, tells how fast the machine was at that moment.

    python tests/bench/core/bench_core.py
"""

import resource
import statistics
import time
from dataclasses import dataclass

import numba
import numpy as np
import pytest
from tests.support.core_rows import BASE, MARKET, QUOTE, command, rows_of, transfer

from tigerex_core import Core, compile_kernels
from tigerex_core.records import (
    COMMAND_WIDTH,
    WORLD_ACCOUNT,
    Command,
    CommandKind,
    Event,
    EventKind,
    OrderType,
    Rows,
    Side,
    TimeInForce,
)

GOAL_PER_S = 2_000_000
COMMANDS = 300_000
ROUNDS = 5
BATCH = 256
RESTING = 1_000
ACCOUNTS = 64
FIRST_ACCOUNT = 4  # after the system's
MIDDLE, SPREAD_LEVELS = 6_000_000, 500
LOOP_STEPS = 20_000_000
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Round:
    """One measured run; nanoseconds for a command and for a step of the calibration loop."""

    command_ns: float
    step_ns: float
    events_per_command: float
    rejected: float


@numba.njit  # type: ignore[untyped-decorator]
def _loop(steps: int) -> int:
    value = np.int64(1)
    for _ in range(steps):
        value = (value ^ (value >> 29)) * 6364136223846793005
    return value


def calibrate() -> float:
    """Nanoseconds of one step: three operations that wait for each other."""
    _loop(10)
    start = time.perf_counter()
    _loop(LOOP_STEPS)
    return (time.perf_counter() - start) / LOOP_STEPS * 1e9


def exchange() -> Core:
    """One market with scales as BTC and USDT have them; money for everybody."""
    core = Core()
    kind = CommandKind
    commands = [
        command(kind.CREATE_ASSET, "BTC", value=8),
        command(kind.CREATE_ASSET, "USDT", value=8),
        command(
            kind.CREATE_MARKET,
            "btc-usdt",
            asset=BASE,
            aux=QUOTE,
            value=10**6,
            order_id=10**4,
            price=10**9,
            quantity=10**7,
        ),
        command(kind.SET_FEE_TIER, amount=1_000, aux=1_000),
    ]
    commands += [command(kind.CREATE_USER, f"user-{user}") for user in range(ACCOUNTS)]
    for account in range(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS):
        commands += [transfer(WORLD_ACCOUNT, account, asset, 10**15) for asset in (BASE, QUOTE)]
    core.apply(rows_of(commands), 1)
    return core


def new_orders(rng: np.random.Generator, count: int) -> Rows:
    """GTC orders near the middle, never crossing; each with ids of its own."""
    rows = np.zeros((count, COMMAND_WIDTH), np.int64)
    rows[:, Command.KIND] = CommandKind.PLACE_ORDER
    rows[:, Command.TIME_NS] = np.arange(count)
    rows[:, Command.REQUEST_HI] = rng.integers(1, 2**62, count)
    rows[:, Command.REQUEST_LO] = rng.integers(1, 2**62, count)
    rows[:, Command.ACCOUNT] = rng.integers(FIRST_ACCOUNT, FIRST_ACCOUNT + ACCOUNTS, count)
    rows[:, Command.MARKET] = MARKET
    side = rng.integers(Side.BUY, Side.SELL + 1, count)
    away = rng.integers(1, SPREAD_LEVELS, count)
    rows[:, Command.SIDE] = side
    rows[:, Command.PRICE] = np.where(side == Side.BUY, MIDDLE - away, MIDDLE + away)
    rows[:, Command.QUANTITY] = rng.integers(1, 1_000, count)
    rows[:, Command.ORDER_TYPE] = OrderType.LIMIT
    rows[:, Command.TIME_IN_FORCE] = TimeInForce.GTC
    digits = [list(f"{number:08d}".encode()) for number in range(count)]
    rows[:, Command.NAME] = np.array(digits, np.uint8).view(np.int64)[:, 0]
    return rows


def mixed(rng: np.random.Generator, count: int) -> Rows:
    """48 % new, 48 % cancels of orders at random, 4 % IOC orders that cross, at RESTING orders."""
    rows = new_orders(rng, count)
    draw, pick = rng.random(count), rng.random(count)
    live: list[tuple[int, int]] = []
    order_id = 0
    for at in range(count):
        if draw[at] < 0.48 and len(live) > RESTING:
            chosen = int(pick[at] * len(live))
            live[chosen], live[-1] = live[-1], live[chosen]
            rows[at, Command.KIND] = CommandKind.CANCEL_ORDER
            rows[at, Command.ORDER_ID], rows[at, Command.ACCOUNT] = live.pop()
            rows[at, Command.NAME :] = 0
            continue
        order_id += 1
        if draw[at] < 0.52:
            buy = rows[at, Command.SIDE] == Side.BUY
            rows[at, Command.PRICE] = MIDDLE + SPREAD_LEVELS if buy else MIDDLE - SPREAD_LEVELS
            rows[at, Command.TIME_IN_FORCE] = TimeInForce.IOC
        else:
            live.append((order_id, int(rows[at, Command.ACCOUNT])))
    return rows


def measure(rows: Rows, batch: int) -> Round:
    core = exchange()
    before = calibrate()
    events = rejected = 0
    spent = 0.0
    for first in range(0, len(rows), batch):
        part = rows[first : first + batch]
        start = time.perf_counter()
        happened = core.apply(part, first)
        spent += time.perf_counter() - start
        events += len(happened)
        rejected += int((happened[:, Event.KIND] == EventKind.REJECTED).sum())
    assert core.check() == []
    step_ns = (before + calibrate()) / 2
    return Round(spent / len(rows) * 1e9, step_ns, events / len(rows), rejected / len(rows))


def main() -> float:
    """Print the figures; the commands a second of the median round."""
    start = time.perf_counter()
    compile_kernels()
    print(f"kernels loaded in {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    Core()
    print(f"empty state of default capacity in {(time.perf_counter() - start) * 1e3:.0f} ms")
    rows = mixed(np.random.default_rng(SEED), COMMANDS)
    rounds = [measure(rows, BATCH) for _ in range(ROUNDS)]
    for number, one in enumerate(rounds, start=1):
        print(
            f"round {number}: {1e3 / one.command_ns:.2f} M commands/s,"
            f" {one.command_ns:.0f} ns each;"
            f" calibration {one.step_ns:.2f} ns a step,"
            f" {one.command_ns / one.step_ns:.0f} steps a command;"
            f" {one.events_per_command:.2f} events a command, {one.rejected:.1%} rejected"
        )
    for batch in (1, 16):
        few = measure(rows[:30_000], batch)
        print(f"batches of {batch}: {1e3 / few.command_ns:.2f} M commands/s")
    resident_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory: {resident_mb:.0f} MB, of which commands {rows.nbytes / 2**20:.0f} MB")
    per_s = 1e9 / statistics.median(one.command_ns for one in rounds)
    met = "met" if per_s >= GOAL_PER_S else "short"
    print(f"bar kernel: measured {per_s / 1e6:.2f} M, goal 2 M commands/s, {met}")
    return per_s


@pytest.mark.unit
def test_bench_core() -> None:
    assert main() > 0


if __name__ == "__main__":
    main()
