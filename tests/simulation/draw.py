"""Random commands that fit the state of the simulated exchange, and its clock."""

from typing import TYPE_CHECKING

from tests.simulation.sim_clock import EPOCH_NS
from tests.support.core_random import Draw, start
from tests.support.core_rows import Row
from tests.support.reference import Reference

from tigerex_core.records import Command, CommandKind, MarketLimit

if TYPE_CHECKING:
    from tests.simulation.world import World

GARBAGE_SHARE = 0.01
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


START = [_in_our_time(row, 0, 0) for row in start()]


class JournalDraw(Draw):
    """What is open and who has what is read from the committed state."""

    def __init__(self, seed: int, world: "World") -> None:
        super().__init__(seed)
        self._world = world
        self.known = _Known(world.oracle.reference)  # type: ignore[assignment]

    def _fresh(self) -> Row:
        now_ns = EPOCH_NS + round(self._world.loop.time() * 1e9)
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
