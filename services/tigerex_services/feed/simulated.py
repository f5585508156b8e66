"""Seeded order flow that keeps a market alive: a walking price, a ladder, random takers.

Pure and in integers: the same plan, seed and number of steps give the same intents, whatever
happens at the exchange. The maker does not look at its fills; it refreshes levels at random, which
also fills up what was eaten.

- The mid price is a random walk with normal steps (sum of twelve uniforms, Irwin-Hall), drawn back
  to the reference price with a time constant: an Ornstein-Uhlenbeck process.
- The maker quotes `levels` prices a side on multiples of a gap of half the spread, so that a small
  move changes the ladder's ends only.
- Orders beside re-quotes come at `orders_per_second`: half of them takers, half refreshed levels.
"""

import random
from dataclasses import dataclass
from math import isqrt

from tigerex_core.records import Side
from tigerex_platform.ids import derive_request_id
from tigerex_services.feed.intents import Cancel, Intent, Party, Place
from tigerex_services.feed.steps import ONE

STEP_MS = 200
STEPS_PER_S = 1000 // STEP_MS
PULL_S = 600  # time constant of the way back to the reference price
WALK_BITS = 16  # the walk's position has this many bits below one tick
UNIFORM_BITS = 16
UNIFORMS = 12  # their sum has a variance of exactly one, in units of 2^16
TAKER_DEPTH_GAPS = 3  # how far beyond the best price a taker goes at most
DOUBLINGS_MAX = 4  # a taker's size is the base size times 1 to 2^4, each doubling half as likely
ROOM_GAPS = 4  # a ladder, its rounding and a taker beyond it stay off zero and the largest price
TAKER_PARTS = 4  # a taker's base size is a quarter of a level's


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulated market, in ticks and lots; fractions in 1e-8. `run` tells restarts apart."""

    symbol: str
    seed: int
    run: int
    reference_ticks: int
    start_ticks: int
    volatility_e8: int
    spread_e8: int
    levels: int
    orders_per_second: int
    level_lots: int
    min_lots: int
    max_lots: int
    max_ticks: int


@dataclass(frozen=True, slots=True)
class Level:
    """One maker order as it was placed."""

    name: str
    lots: int


class Simulation:
    """The fold of steps into intents."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._base = derive_request_id("simulated", plan.symbol, plan.seed, plan.run)
        self._random = random.Random(self._base)  # noqa: S311 - repeatable on purpose
        self._gap = max(1, plan.reference_ticks * plan.spread_e8 // (2 * ONE))
        room = (plan.levels + ROOM_GAPS) * self._gap
        self._low = max(room, plan.reference_ticks // 2)
        self._high = max(self._low, min(plan.max_ticks - room, plan.reference_ticks * 2))
        self._mid: int = self._bounded(plan.start_ticks << WALK_BITS)
        self._ladder: dict[tuple[Side, int], Level] = {}
        self._step = 0
        self._made = 0

    @property
    def mid_ticks(self) -> int:
        """The price that the ladder stands around."""
        return self._mid >> WALK_BITS

    def step(self) -> list[Intent]:
        """What happens in the next STEP_MS: cancels, then new levels, then takers."""
        self._step += 1
        self._walk()
        wanted = self._wanted()
        events = self._poisson_like(self._plan.orders_per_second)
        takers = sum(self._random.getrandbits(1) for _ in range(events))
        kept = sorted(self._ladder.keys() & wanted)
        stale = set(self._ladder) - wanted
        if kept:
            stale |= {self._draw(kept) for _ in range(events - takers)}
        intents: list[Intent] = [self._cancel(self._ladder.pop(key)) for key in sorted(stale)]
        intents += [self._place(*key) for key in sorted(wanted - self._ladder.keys())]
        intents += [self._take() for _ in range(takers)]
        return intents

    def _walk(self) -> None:
        total = sum(self._random.getrandbits(UNIFORM_BITS) for _ in range(UNIFORMS))
        normal = total - (UNIFORMS << (UNIFORM_BITS - 1))  # standard deviation 2^16
        root_ms = isqrt(STEP_MS * 1000)  # sqrt of the step in seconds, times 1000
        move = self._mid * self._plan.volatility_e8 * root_ms * normal
        move //= ONE * 1000 << UNIFORM_BITS
        pull = ((self._plan.reference_ticks << WALK_BITS) - self._mid) // (PULL_S * STEPS_PER_S)
        self._mid = self._bounded(self._mid + move + pull)

    def _bounded(self, position: int) -> int:
        low, high = self._low << WALK_BITS, self._high << WALK_BITS
        return low if position < low else min(position, high)

    def _wanted(self) -> set[tuple[Side, int]]:
        """The ladder's prices: multiples of the gap, bids below the mid and asks above."""
        gap = self._gap
        best_bid = (self.mid_ticks - gap // 2) // gap * gap
        best_ask = best_bid + 2 * gap
        ladder = {(Side.BUY, best_bid - i * gap) for i in range(self._plan.levels)}
        return ladder | {(Side.SELL, best_ask + i * gap) for i in range(self._plan.levels)}

    def _poisson_like(self, rate_per_s: int) -> int:
        """A number of events with mean rate / STEPS_PER_S and nearly Poisson's variance."""
        parts = 4 * rate_per_s
        return sum(self._random.randrange(4 * STEPS_PER_S) == 0 for _ in range(parts))

    def _draw(self, keys: list[tuple[Side, int]]) -> tuple[Side, int]:
        """Of two random levels the one nearer to the mid, where most is taken and renewed."""
        one, other = (keys[self._random.randrange(len(keys))] for _ in range(2))
        return min(one, other, key=lambda level: abs(level[1] - self.mid_ticks))

    def _place(self, side: Side, price: int) -> Place:
        depth = 1 + abs(price - self.mid_ticks) // (2 * self._gap)
        lots = self._sized(self._plan.level_lots * isqrt(depth * 100) // 10)
        name = self._next_name()
        self._ladder[side, price] = Level(name, lots)
        return Place(self._key(name), Party.MAKER, side, price, lots, name)

    def _take(self) -> Place:
        side = Side.BUY if self._random.getrandbits(1) else Side.SELL
        doublings = 0
        while doublings < DOUBLINGS_MAX and self._random.getrandbits(1):
            doublings += 1
        lots = self._sized((self._plan.level_lots << doublings) // TAKER_PARTS)
        reach = TAKER_DEPTH_GAPS * self._gap
        price = self.mid_ticks + (reach if side is Side.BUY else -reach)
        return Place(self._key(self._next_name()), Party.TAKER, side, price, lots)

    def _sized(self, lots: int) -> int:
        """Half to one and a half of that many lots, within the limits of an order."""
        drawn = lots // 2 + self._random.randrange(lots + 1)
        return min(max(drawn, self._plan.min_lots), self._plan.max_lots)

    def _cancel(self, level: Level) -> Cancel:
        return Cancel(self._key(f"cancel {level.name}"), level.name)

    def _next_name(self) -> str:
        self._made += 1
        return f"s{self._plan.run}.{self._made}"

    def _key(self, name: str) -> bytes:
        return derive_request_id(self._base, name)
