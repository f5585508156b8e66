"""The journal for internal readers: pages of events, and its proof."""

import asyncio
from collections.abc import Awaitable, Callable

from tigerex_platform.errors import Unavailable
from tigerex_services.exchange.entry import FIRST_SEQ
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.verify_report import Report
from tigerex_services.exchange.storage.journal import JournalReader

PAGE_ENTRIES_MAX = 1_000
PAGE_BYTES_MAX = 2 * 2**20

EventPage = list[tuple[int, int, int, bytes]]  # (seq, kernel version, time, events)


class JournalService:
    """Pages for backfills, and one verification at a time."""

    def __init__(
        self, executor: Executor, journal: JournalReader, verify: Callable[[], Awaitable[Report]]
    ) -> None:
        self._executor = executor
        self._journal = journal
        self._verify = verify
        self._verifying = asyncio.Lock()

    async def read(self, from_seq: int, entries_max: int) -> tuple[EventPage, int]:
        """Entries from `from_seq` on, as many as fit the page, and the newest committed seq."""
        checks.within("from_seq", from_seq, FIRST_SEQ, 2**63 - 1)
        checks.within("max_entries", entries_max, 0, PAGE_ENTRIES_MAX)
        leader = self._executor.leader
        page: EventPage = []
        if from_seq <= leader.committed_seq:
            page = await self._journal.events(
                from_seq, entries_max or PAGE_ENTRIES_MAX, PAGE_BYTES_MAX
            )
        last_seq = page[-1][0] if page else 0
        return page, max(leader.committed_seq, last_seq)

    async def verify(self) -> Report:
        """The proof, computed beside the trading; one at a time."""
        if self._verifying.locked():
            raise Unavailable("a verification is running; ask again later", retry_after_s=5.0)
        async with self._verifying:
            return await self._verify()
