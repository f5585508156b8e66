"""Random commands that fit the state of the simulated exchange, and its clock."""

from typing import TYPE_CHECKING

from tests.simulation.sim_clock import EPOCH_NS
from tests.support.core_crowds import Crowds
from tests.support.core_random import START_MONEY, Draw, start
from tests.support.core_rows import Row
from tests.support.reference import Reference

from tigerex_core.records import Command, CommandKind, MarketLimit

if TYPE_CHECKING:
    from tests.simulation.world import World

GARBAGE_SHARE = 0.01
CROWD_SHARE = 0.15  # of the operations of a run with crowds
CROWD_MONEY = 2**40
DATE_NS = 300_000_000  # one unit of the dates that are drawn
WINDOW_NS = 1_000_000_000  # one unit of the circuit breaker's windows


def _in_our_time(row: Row, drawn_ns: int, now_ns: int) -> Row:
    """Dates and durations of a few nanoseconds, made longer."""
    if 0 < abs(row[Command.EXPIRE_NS] - drawn_ns) < 1_000:
        row[Command.EXPIRE_NS] = now_ns + (row[Command.EXPIRE_NS] - drawn_ns) * DATE_NS
    limit = row[Command.KIND] == CommandKind.SET_MARKET_LIMIT
    window = limit and row[Command.VALUE] == MarketLimit.BREAKER_WINDOW_NS
    if window and 0 < row[Command.AMOUNT] < 1_000:
        row[Command.AMOUNT] *= WINDOW_NS
    return row


def first_commands(*, crowds: bool) -> list[Row]:
    """What sets the exchange up; crowds need much money."""
    return [_in_our_time(row, 0, 0) for row in start(CROWD_MONEY if crowds else START_MONEY)]


class JournalDraw(Draw):
    """What is open and who has what is read from the committed state."""

    def __init__(self, seed: int, world: "World") -> None:
        super().__init__(seed)
        self._world = world
        self._crowds = Crowds(seed)
        self.known = _Known(world.oracle.reference)  # type: ignore[assignment]

    def batch(self, size: int) -> list[Row]:
        """So many commands for one operation, or a crowd of them."""
        if not self._world.plan.crowds or self.random.random() >= CROWD_SHARE:
            return self.rows(size)
        now_ns, crowd = self._now_ns(), self._crowds.batch()
        return [_in_our_time(row, self._crowds.time_ns, now_ns) for row in crowd]

    def _now_ns(self) -> int:
        return EPOCH_NS + round(self._world.loop.time() * 1e9)

    def _fresh(self) -> Row:
        now_ns = self._now_ns()
        row = super()._fresh()
        if self.random.random() < GARBAGE_SHARE:
            return [self.random.randint(-(2**63), 2**63 - 1) for _ in row]
        return _in_our_time(row, self.time_ns, now_ns)


class _Known:
    """A reference to look at: what is drawn is applied when it is committed."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    @property
    def site(self) -> object:
        return self._reference.site

    def apply(self, rows: object, seq: int) -> None: ...
