"""One process of the exchange: the real host over the simulated database, stream and clock."""

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import psycopg
from tests.simulation.database import Connection, Pool
from tests.simulation.loop import Process
from tests.simulation.sim_clock import SimClock
from tests.simulation.snapshot_store import SimSnapshotStore

from tigerex_core import Core
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.exchange.host import snapshots
from tigerex_services.exchange.host.crash import CrashPoint
from tigerex_services.exchange.host.host import Host
from tigerex_services.exchange.host.publisher import Publisher
from tigerex_services.exchange.host.recovery import recover
from tigerex_services.exchange.host.sequencer import Limits
from tigerex_services.exchange.host.snapshots_keeper import Keeper, Pace
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.journal import JournalService
from tigerex_services.exchange.storage.journal import (
    AppendError,
    DeposedError,
    JournalReader,
    JournalWriter,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

LOCK = "tigerex-journal:simulated"
# What may end a host: the database, or another writer. Anything else is a fault of the host.
EXPECTED_ENDS = (AppendError, DeposedError, psycopg.Error)


class SimWriter(JournalWriter):
    """The real one over a simulated connection."""

    def __init__(self, world: "World", process: Process) -> None:
        super().__init__(lambda: "", LOCK)
        self._connect_to = partial(world.database.connect, process)

    async def _connect(self) -> Connection:  # type: ignore[override]
        return await self._connect_to()


class ExchangeProcess:
    """From start to exit or kill."""

    def __init__(self, world: "World", name: str) -> None:
        self.tag = Process(name)
        self.name = name
        self.serving = False
        self._world = world
        self._new_core = partial(Core, world.capacity)
        self._reader = JournalReader(cast(Any, Pool(world.database, self.tag)))
        self._store = SimSnapshotStore(world.snapshots, self.tag)
        self.clock = SimClock(world.loop, world.randoms.clocks)
        plan = world.plan
        self.host = Host(
            self._new_core,
            SimWriter(world, self.tag),
            self._reader,
            Keeper(
                self._store,
                self.clock,
                self._make_beside,
                Pace(
                    entries_max=plan.snapshot_entries,
                    commands_max=plan.snapshot_entries * 4,
                    age_s_max=plan.snapshot_entries * 0.5,
                    pause_s=plan.snapshot_pause_s,
                ),
            ),
            Publisher(cast(Any, world.stream)),
            self.clock,
            crash=CrashPoint(),
            serving=self._say_serving,
            limits=Limits(
                queue_commands_max=plan.queue_commands_max,
                batch_commands_max=plan.batch_commands_max,
                batch_events_max=plan.batch_events_max,
                delay_max_s=plan.delay_max_s,
            ),
        )
        self.executor = Executor(self.host.leader, self._reader)
        self.journal = JournalService(self.executor, self._reader, _no_verify)
        world.loop.spawn(self._run(), self.tag)

    async def _run(self) -> None:
        try:
            await self.host.run()
        except EXPECTED_ENDS as error:
            self._world.exited(self, f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - shown with the trace
            self._world.broken(error)
        else:
            self._world.exited(self, "stopped")

    async def _make_beside(self) -> None:
        """As snapshot_process does in a process of its own."""
        replay, _ = await recover(self._store, self._reader, self._new_core, _ignore)
        if replay.head.seq:
            snapshots.keep(self._store, replay)

    async def _say_serving(self, serving: bool) -> None:
        if self.serving is not serving:
            self._world.trace.say(self.name, "serves" if serving else "does not serve")
        self.serving = serving


def _ignore(_entry: JournalEntry) -> None: ...


async def _no_verify() -> Any:
    raise NotImplementedError
