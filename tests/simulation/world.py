"""The simulated world: hosts, their database and stream, clients, and what goes wrong.

`run` takes steps until they are used up, then ends all faults and waits until everything that was
asked is answered, and looks at the whole.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

from tests.simulation import plan as plans
from tests.simulation.clients import Clients
from tests.simulation.consumer import Consumer
from tests.simulation.database import Database
from tests.simulation.exchange_process import ExchangeProcess
from tests.simulation.loop import Process, SimLoop, StuckError
from tests.simulation.network import Network
from tests.simulation.oracle import Oracle, need
from tests.simulation.randoms import Randoms
from tests.simulation.snapshot_store import SnapshotShelf
from tests.simulation.stream_server import StreamServer
from tests.simulation.trace import SimulationFailure, Trace
from tests.support.core_random import SMALL

from tigerex_core import Capacity
from tigerex_services.exchange.storage.snapshots import SnapshotHead

WINDOW = 4_096  # request ids remembered: far more than are under way
RESTART_S = 3.0  # until a process that ended is there again, at most
PAUSE_S = 5.0
HEAL_S = 120.0  # until all is well when faults have ended, at most
HEAL_TURNS = 2_000_000


def capacity(*, crowds: bool = False, window: int = WINDOW) -> Capacity:
    """So small that tables fill up, but for the window of request ids; or with room for crowds."""
    return replace(Capacity.small() if crowds else SMALL, window=window)


class World:
    """One run of one seed."""

    def __init__(
        self,
        seed: int,
        *,
        plan: plans.Plan | None = None,
        window: int = WINDOW,
        fence: bool = True,
    ) -> None:
        self.seed = seed
        self.randoms = Randoms(seed)
        self.plan = plan or plans.draw(self.randoms.plan)
        self.capacity = capacity(crowds=self.plan.crowds, window=window)
        self.loop = SimLoop(self.randoms.loop, self.plan.shuffle)
        self.trace = Trace(self.loop.time)
        self.failure: BaseException | None = None
        self.oracle = Oracle(self.capacity, WINDOW)
        self.database = Database(
            self.loop, self.randoms, self.plan, self.trace, self._commit, self._kill, unique=fence
        )
        self.stream = StreamServer(self.loop, self.randoms, self.plan, self.trace)
        self.snapshots = SnapshotShelf(
            self.database, self.randoms, self.plan, self.trace, self._saved
        )
        self.network = Network(self.loop, self.randoms, self.plan, self.broken)
        self.processes: list[ExchangeProcess] = []
        self.ended: list[Process] = []
        self.starts = 0
        self.healed = False

    # The run

    def run(self, steps: int) -> None:
        """Raises SimulationFailure, with the step in which it was found."""
        with self._logging(), self.loop.running():
            try:
                self._begin()
                for step in range(1, steps + 1):
                    self.trace.step = step
                    self._step()
                self._heal()
                self._check_the_whole()
            except StuckError:
                self.failure = SimulationFailure("nothing is left to happen")
            except SimulationFailure as failure:
                self.failure = failure
            finally:
                failure, self.failure = self.failure, None
                self.trace.ended = True
                self.loop.bury([*self.ended, *(process.tag for process in self.processes)])
        if failure is not None:
            raise SimulationFailure(describe(failure)) from failure

    def _begin(self) -> None:
        for number in range(self.plan.processes):
            self._start(f"host-{chr(ord('a') + number)}")
        self.clients = Clients(self)
        self.consumer = Consumer(self)

    def _step(self) -> None:
        """Something goes wrong, or not; somebody asks for something; callbacks run."""
        for what in self._faults():
            what()
        self.clients.start_one()
        self._turns(self.randoms.steps.randint(1, self.plan.turns_max))

    def _turns(self, count: int) -> None:
        for _ in range(count):
            self.loop.turn()
            if self.loop.faults:
                self.broken(self.loop.faults.pop())
            if self.failure is not None:
                raise SimulationFailure(describe(self.failure)) from self.failure

    def _faults(self) -> Iterator[Callable[[], None]]:
        random, plan = self.randoms.steps, self.plan
        chances: tuple[tuple[float, Callable[[], None]], ...] = (
            (plan.crash, self._crash_some),
            (plan.stop, self._stop_some),
            (plan.database_away, self.database.go_away),
            (plan.session_ended, self.database.end_some_session),
            (plan.lock_stolen, self.database.lose_lock),
            (plan.stream_wiped, self.stream.wipe),
            (plan.stream_away, self.stream.go_away),
            (plan.stream_wiped, self.consumer.restart),
            (plan.clock_jump, self._jump_some_clock),
            (plan.pause, self._pause),
        )
        for chance, what in chances:
            if random.random() < chance:
                yield what

    def _heal(self) -> None:
        """No more faults: then all that was asked is answered, and everybody knows everything."""
        self.trace.say("world", "no more faults")
        self.database.healed = self.stream.healed = self.network.healed = self.healed = True
        deadline_s = self.loop.time() + HEAL_S
        for _ in range(HEAL_TURNS):
            if self._is_well():
                return
            need(self.loop.time() < deadline_s, f"all is not well {HEAL_S} s after the last fault")
            self._turns(1)
        raise SimulationFailure(f"all is not well {HEAL_TURNS} callbacks after the last fault")

    def _is_well(self) -> bool:
        return (
            self.clients.ready
            and self.clients.active == 0
            and self.consumer.next_seq > self.database.head_seq
            and not self.oracle.reference.pending
            and len(self.processes) == self.plan.processes
        )

    def _check_the_whole(self) -> None:
        self.oracle.check_replay(self.database.entries)
        for seq, (head, data) in self.snapshots.kept.items():
            if seq not in self.snapshots.damaged:
                self.oracle.check_snapshot(head, data)

    # Processes

    def some_process(self, random: Random) -> ExchangeProcess:
        """One that serves, mostly; clients do not always know which that is."""
        serving = [process for process in self.processes if process.serving]
        choice = serving if serving and random.random() < 0.8 else self.processes
        return random.choice(choice) if choice else self._nobody

    def exited(self, process: ExchangeProcess, why: str) -> None:
        """A process ended by itself."""
        self.trace.say(process.name, f"ends: {why}")
        self._remove(process)

    def broken(self, error: BaseException) -> None:
        """Something happened that must not; the run ends after this callback."""
        if self.failure is None:
            self.failure = error

    def _start(self, name: str) -> None:
        self.starts += 1
        process = ExchangeProcess(self, f"{name}.{self.starts}")
        self.trace.say(process.name, "starts")
        self.processes.append(process)
        self._nobody = process  # stands in when none is left: whoever calls it finds out

    def _remove(self, process: ExchangeProcess) -> None:
        process.tag.alive = False
        self.ended.append(process.tag)
        self.processes.remove(process)
        self.database.abandon_all(process.tag)
        self.network.process_died(process)
        delay_s = self.randoms.steps.uniform(0, RESTART_S)
        self.loop.later(delay_s, self._start, process.name.partition(".")[0])

    def _kill(self, tag: Process) -> None:
        for process in list(self.processes):
            if process.tag is tag:
                self.trace.say(process.name, "is killed")
                self._remove(process)

    def _commit(self, entry: object, process: Process) -> None:
        try:
            self.oracle.commit(entry, process)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - shown with the trace
            self.broken(error)

    def _saved(self, head: SnapshotHead, data: bytes) -> None:
        try:
            self.oracle.check_snapshot(head, data)
        except Exception as error:  # noqa: BLE001 - shown with the trace, not to the host
            self.broken(error)

    # Faults

    def _crash_some(self) -> None:
        if self.processes:
            self._kill(self.randoms.steps.choice(self.processes).tag)

    def _stop_some(self) -> None:
        if self.processes:
            process = self.randoms.steps.choice(self.processes)
            self.trace.say(process.name, "is asked to stop")
            # In the process's context, as a signal handler would be.
            self.loop.spawn(_call(process.host.stop), process.tag)

    def _jump_some_clock(self) -> None:
        if self.processes:
            process = self.randoms.steps.choice(self.processes)
            self.trace.say(process.name, f"clock jumps by {process.clock.jump():.3f} s")

    def _pause(self) -> None:
        """Nobody runs for a while: a machine that is overloaded."""
        self.loop.advance(self.randoms.steps.uniform(0, PAUSE_S))

    @contextmanager
    def _logging(self) -> Iterator[None]:
        """What the code logs stands in the trace, and nowhere else."""
        logger = logging.getLogger("tigerex_services")
        before = (logger.propagate, logger.level)
        logger.propagate = False
        logger.addHandler(self.trace)
        try:
            yield
        finally:
            logger.removeHandler(self.trace)
            logger.propagate, logger.level = before


async def _call(what: Callable[[], None]) -> None:
    what()


def describe(error: BaseException) -> str:
    return (
        error.found if isinstance(error, SimulationFailure) else f"{type(error).__name__}: {error}"
    )
