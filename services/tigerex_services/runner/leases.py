"""Holds this process's leases, and follows what comes with them.

A lease that could not be renewed in time is lost: every bot is dropped at once, whatever the
service may think. The fence at the exchange does not depend on that, it only makes it tidy.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import grpc
from tigerex.bots.v1 import runner_pb2 as pb

from tigerex_platform.clock import Clock
from tigerex_platform.errors import TigerExError
from tigerex_platform.telemetry import metrics

if TYPE_CHECKING:
    from tigerex.bots.v1.runner_pb2_grpc import RunnerServiceAsyncStub

logger = logging.getLogger(__name__)

HEARTBEAT_EVERY_S: Final = 2.0
HEARTBEAT_RETRY_S: Final = 0.5
FIRST_LOOK_S: Final = 0.2  # while there are bots that the runner does not follow yet


class Leases:
    """The heartbeat of one runner process."""

    def __init__(
        self,
        service: "RunnerServiceAsyncStub",
        runner_id: str,
        dedicated_bot: str,
        *,
        known: Callable[[], Iterable[str]],
        follow: Callable[[list[pb.Assignment]], None],
        keep_only: Callable[[set[str]], None],
        clock: Clock,
    ) -> None:
        """`known` lists the keys of the bots that are followed; `follow` gets new assignments;
        `keep_only` drops all bots but those with the given keys."""
        self._service = service
        self._runner_id = runner_id
        self._dedicated_bot = dedicated_bot
        self._known = known
        self._follow = follow
        self._keep_only = keep_only
        self._clock = clock
        self._lost_at_s = float("inf")

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            try:
                more = await self.renew()
                pause_s = FIRST_LOOK_S if more else HEARTBEAT_EVERY_S
            except (grpc.aio.AioRpcError, TigerExError) as error:
                logger.warning("no heartbeat: %s", error)
                pause_s = HEARTBEAT_RETRY_S
            if self._clock.monotonic_s() > self._lost_at_s:
                logger.warning("the leases are lost; dropping every bot")
                lost = len(list(self._known()))
                if lost:
                    metrics.RUNNER_LEASES_LOST.add(lost)
                self._keep_only(set())
            await asyncio.sleep(pause_s)

    async def renew(self) -> bool:
        """One heartbeat; True when new bots came, so that more may follow."""
        asked_s = self._clock.monotonic_s()
        known = sorted(self._known())
        answer = await self._service.Heartbeat(
            pb.HeartbeatRequest(
                runner_id=self._runner_id, dedicated_bot_id=self._dedicated_bot, known=known
            )
        )
        self._lost_at_s = asked_s + answer.lease_ms / 1000
        metrics.RUNNER_SHARDS.set(len({a.shard for a in answer.assignments}))
        ours = {f"{a.bot.bot_id}:{a.start_seq}": a for a in answer.assignments}
        self._keep_only(set(ours))
        fresh = [ours[key] for key in ours.keys() - set(known)]
        if fresh:
            self._follow(fresh)
        return bool(fresh)

    async def release(self) -> None:
        """Give the leases back, so that another runner need not wait for their end."""
        await self._service.Release(pb.ReleaseRequest(runner_id=self._runner_id))
