"""Measures running bots once a minute."""

import asyncio
import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from tigerex_platform.telemetry import metrics
from tigerex_quant.performance import sharpe_ratio
from tigerex_services.bots.accounting import Valuation
from tigerex_services.bots.model import BotRow, Status
from tigerex_services.bots.service.valuation import LastPrices, valuation_of
from tigerex_services.bots.storage.performance import BATCH, PerformanceStorage, Point

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 5.0
PRUNE_EVERY_LOOKS: Final = 720  # once an hour


class PerformanceRecorder:
    """One point a bot and minute, whichever replica comes first."""

    def __init__(self, storage: PerformanceStorage, prices: LastPrices) -> None:
        self._storage = storage
        self._prices = prices

    async def run(self) -> None:
        """Record until cancelled."""
        looks = 0
        while True:
            try:
                while await self.record_once() == BATCH:
                    pass
                await self._count()
                if looks % PRUNE_EVERY_LOOKS == 0:
                    await self._storage.prune()
            except (psycopg.OperationalError, PoolTimeout) as error:
                logger.warning("the database is away: %s", error)
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)

    async def record_once(self) -> int:
        """Measure the bots that are due; returns how many there were."""
        bots = await self._storage.due()
        if bots:
            prices = await self._prices.get()
            peaks: dict[UUID, Decimal] = {}
            points = []
            for bot in bots:
                value = valuation_of(bot, prices.get(bot.symbol))
                peaks[bot.id] = value.peak_value
                points.append(await self._point(bot, value))
            await self._storage.add(points, peaks)
        return len(bots)

    async def _count(self) -> None:
        counts = await self._storage.count_by_status()
        for status in Status:
            metrics.BOTS.set(counts.get(status, 0), {"status": status.value})

    async def _point(self, bot: BotRow, value: Valuation) -> Point:
        hourly = await self._storage.hourly_values(bot.id)
        return Point(
            bot_id=bot.id,
            timestamp=datetime.now(UTC),
            total_value=value.total_value,
            profit_loss=value.profit_loss,
            roi=value.roi,
            sharpe_ratio=sharpe_ratio(hourly),
            max_drawdown=value.max_drawdown,
            trades=bot.total_trades,
            win_rate=bot.win_rate,
        )
