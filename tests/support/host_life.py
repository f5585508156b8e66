"""The exchange's host alone, in the test's process, on a real database: no gRPC, no Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.core_rows import Row
from tests.support.postgres import Database
from tests.support.tokens import TokenIssuer

from tigerex_core import Capacity, Core
from tigerex_core.records import Rows
from tigerex_platform.clock import SystemClock
from tigerex_platform.database import connect_pool, conninfo
from tigerex_platform.migrations import migrate
from tigerex_platform.settings import Settings
from tigerex_services.exchange.entry import JournalEntry
from tigerex_services.exchange.host.crash import CrashPoint
from tigerex_services.exchange.host.host import Host
from tigerex_services.exchange.host.recovery import recover
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.host.snapshots_keeper import Keeper, Pace
from tigerex_services.exchange.snapshot_process import snapshot_store
from tigerex_services.exchange.storage.archive import Archive
from tigerex_services.exchange.storage.journal import JournalReader, JournalWriter

MIGRATIONS = Path("services/tigerex_services/exchange/migrations").resolve()
LOCK_NAME = "tigerex-journal:test"
LEAD_S_MAX = 60.0
NEVER = Pace(entries_max=2**40, commands_max=2**40, age_s_max=1e9, pause_s=0.0)


class Silence:
    """A publisher that nobody listens to."""

    def publish(self, entry: JournalEntry) -> None: ...

    async def run(self, committed_seq: int) -> None:
        await asyncio.Event().wait()


@dataclass
class HostLife:
    """Makes hosts of one tenant, and commands for the one that leads."""

    database: Database
    settings: Settings
    capacity: Capacity = field(default_factory=Capacity.small)
    pace: Pace = NEVER
    archive: Archive | None = None

    @classmethod
    def on(cls, database: Database, folder: Path) -> "HostLife":
        """On a database of this test, with its tables."""
        issuer = TokenIssuer(folder)
        settings = issuer.settings(
            "exchange",
            database_url=database.url_of("exchange"),
            database_password_file=database.role_password_file("exchange"),
        )
        admin = settings.model_copy(
            update={
                "database_url": database.url,
                "database_password_file": database.password_file,
                "role_passwords_dir": database.role_passwords_dir,
                "service": "",
            }
        )
        migrate(admin, {"exchange": MIGRATIONS})
        return cls(database, settings)

    @property
    def store(self) -> Any:
        return snapshot_store(self.settings)

    @property
    def conninfo(self) -> str:
        return conninfo(self.settings)

    @property
    def new_core(self) -> Callable[[], Core]:
        return partial(Core, self.capacity)

    async def recover(self) -> Replay:
        """What a host would begin with now."""
        async with await connect_pool(self.settings, autocommit=True) as pool:
            replay, _ = await recover(
                self.store, JournalReader(pool, self.archive), self.new_core, lambda _: None
            )
        return replay

    @asynccontextmanager
    async def hosting(
        self, *, beside: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator["Running"]:
        """A host that runs, on standby or leading; stopped in order at the end."""
        clock = SystemClock()
        async with await connect_pool(self.settings, max_size=4, autocommit=True) as pool:
            writer = JournalWriter(partial(conninfo, self.settings), LOCK_NAME)
            host = Host(
                self.new_core,
                writer,
                JournalReader(pool),
                Keeper(self.store, clock, beside, self.pace),
                Silence(),  # type: ignore[arg-type]
                clock,
                crash=CrashPoint(),
                serving=_say_nothing,
            )
            running = Running(host, asyncio.create_task(host.run()))
            try:
                yield running
            finally:
                running.task.cancel()
                [ended] = await asyncio.gather(running.task, return_exceptions=True)
                if isinstance(ended, Exception):
                    raise ended


@dataclass
class Running:
    """One host and its life."""

    host: Host
    task: "asyncio.Task[None]"

    async def leads(self) -> None:
        """Wait until it leads; raises what ended it."""
        for _ in range(int(LEAD_S_MAX / 0.02)):
            if self.task.done():
                self.task.result()
            if self.host._sequencer is not None:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it does not lead")

    async def submit(self, rows: "Sequence[Row] | Rows") -> list[Answer]:
        """Answers to command rows."""
        commands = [np.array(row, "<i8").tobytes() for row in rows]
        return await self.host.leader().submit(commands)

    @property
    def core(self) -> Core:
        assert self.host._replay is not None
        return self.host._replay.core


async def _say_nothing(_serving: bool) -> None: ...
