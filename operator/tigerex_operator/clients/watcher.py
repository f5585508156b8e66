"""Follows the bots of all tenants with one call a tenant every few seconds, however many bots there
are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from tigerex_operator.clients.bots import BotView
from tigerex_platform.errors import TigerExError

POLL_SECONDS = 2.0
TENANTS_AT_ONCE_MAX = 8
POLL_SECONDS_MAX = 15.0

LOG = logging.getLogger(__name__)


class BotWatcher:
    """The newest known state of every managed bot."""

    def __init__(
        self,
        tenants: Callable[[], Iterable[str]],
        fetch: Callable[[str], Awaitable[dict[str, BotView]]],
        changed: Callable[[str], None],
    ) -> None:
        """Takes which tenants have bots, how to list a tenant's, and who to tell of a bot that
        changed.
        """
        self._tenants = tenants
        self._fetch = fetch
        self._changed = changed
        self._views: dict[str, dict[str, BotView]] = {}
        self._listed: set[str] = set()

    def view(self, tenant: str, bot_id: str) -> BotView | None:
        """The bot as last seen; None where it was not seen."""
        return self._views.get(tenant, {}).get(bot_id)

    def known(self, tenant: str) -> bool:
        """Whether the tenant's bots were listed since it came: only then absence means anything."""
        return tenant in self._listed

    def learn(self, tenant: str, view: BotView) -> None:
        """Takes in what another call answered."""
        self._views.setdefault(tenant, {})[view.bot_id] = view

    def forget(self, tenant: str) -> None:
        """The tenant is gone, or is another one now."""
        self._views.pop(tenant, None)
        self._listed.discard(tenant)

    async def run(self) -> None:
        """Polls until it is cancelled. A tenant that does not answer keeps its last known state."""
        slots = asyncio.Semaphore(TENANTS_AT_ONCE_MAX)
        while True:
            tenants = frozenset(self._tenants())
            for gone in (self._views.keys() | self._listed) - tenants:
                self.forget(gone)
            await asyncio.gather(*(self.poll(tenant, slots) for tenant in sorted(tenants)))
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self, tenant: str, slots: asyncio.Semaphore) -> None:
        """Lists one tenant's bots and tells of each that changed."""
        try:
            async with slots, asyncio.timeout(POLL_SECONDS_MAX):
                views = await self._fetch(tenant)
        except (TigerExError, TimeoutError, OSError) as error:
            LOG.debug("bots of tenant %s: %s", tenant, error)
            return
        except Exception:
            LOG.exception("bots of tenant %s cannot be listed", tenant)
            return
        before = self._views.get(tenant, {})
        self._views[tenant] = views
        self._listed.add(tenant)
        for bot_id in before.keys() | views.keys():
            if before.get(bot_id) != views.get(bot_id):
                self._changed(bot_id)
