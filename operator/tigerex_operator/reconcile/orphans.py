"""Bots that the bots service still has for a resource that is gone.

It happens where a tenant was retained: its TradingBots were deleted while nobody was there to tell,
and the data came back with a new Tenant.
"""

from tigerex_operator.clients.bots import BotsClient, BotView
from tigerex_operator.reconcile.context import Context

# Seen without its resource in so many lists one after the other.
SIGHTINGS_MIN = 3


class OrphanedBots:
    """Deletes bots that no resource stands for, and never on one look only."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sightings: dict[str, dict[str, int]] = {}

    async def collect(self, tenant: str, views: dict[str, BotView], client: BotsClient) -> None:
        """Takes one list of a tenant's bots in. Raises TigerExError and ApiException."""
        missing = [bot_id for bot_id in views if self._context.inventory.key(bot_id) is None]
        before = self._sightings.get(tenant, {})
        counts = {bot_id: before.get(bot_id, 0) + 1 for bot_id in missing}
        self._sightings[tenant] = counts
        due = [bot_id for bot_id, count in counts.items() if count >= SIGHTINGS_MIN]
        if not due:
            return
        # The API server has the last word: our own inventory might have missed something.
        standing = await self._context.objects.list_all("TradingBot", tenant, "")
        uids = {item["metadata"]["uid"] for item in standing}
        for bot_id in due:
            if bot_id not in uids:
                await client.delete(bot_id)
