"""From journal to state: check each link, run the commands, compare the events.

Used by recovery, by a standby that follows the journal, and by `verify`.
"""

from collections.abc import Iterable

import numpy as np

from tigerex_core import KERNEL_VERSION, Core
from tigerex_core.records import COMMAND_WIDTH
from tigerex_services.exchange.entry import Head, JournalEntry, check_link
from tigerex_services.exchange.host.committed import Committed


class ReplayError(Exception):
    """The commands of an entry do not give its stored events, or cannot be run by this build."""


class Replay:
    """A core that has executed the journal up to `head`."""

    def __init__(self, core: Core, committed: Committed, head: Head | None = None) -> None:
        """`head` is where the core and the fold stand already; without it, at the beginning."""
        self.core = core
        self.committed = committed
        self.head = head or Head()
        self.commands = 0  # executed here
        self.events = 0

    def advance(self, entries: Iterable[JournalEntry]) -> None:
        """Execute further entries.

        Raises BrokenChainError or ReplayError at the first one that is wrong; then the core is
        of no further use.
        """
        for entry in entries:
            self._advance_one(entry)

    def _advance_one(self, entry: JournalEntry) -> None:
        head = check_link(self.head, entry)
        if entry.kernel_version != KERNEL_VERSION:
            raise ReplayError(
                f"entry {entry.seq} was written by kernel version {entry.kernel_version} and this"
                f" build has {KERNEL_VERSION}: start the build that wrote it"
            )
        commands = np.frombuffer(entry.commands, dtype="<i8").reshape(-1, COMMAND_WIDTH)
        events = self.core.apply(commands.copy(), entry.seq)
        if not np.array_equal(events.reshape(-1), np.frombuffer(entry.events, dtype="<i8")):
            raise ReplayError(f"replay of entry {entry.seq} does not give its stored events")
        self.committed.apply(events, events.tolist())
        self.head = head
        self.commands += len(commands)
        self.events += len(events)
