"""A follower of the event stream, as market data, gateway and bots are: it may start anew, and must
get every committed entry once, in order."""

import asyncio
from typing import TYPE_CHECKING

import grpc
from tests.simulation.network import UnknownResult
from tests.simulation.oracle import need
from tigerex.exchange.v1 import journal_pb2 as pb

from tigerex_platform.errors import TigerExError
from tigerex_services.exchange.servicers.journal import JournalServicer
from tigerex_services.stream import EventStream

if TYPE_CHECKING:
    from tests.simulation.exchange_process import ExchangeProcess
    from tests.simulation.world import World

DEADLINE_S = 5.0


class Consumer:
    """Keeps its place; `restart` begins there again."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.next_seq = 1
        self._task: asyncio.Task[None] | None = None
        self.restart()

    def restart(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = self._world.loop.spawn(self._follow(), None)

    async def _follow(self) -> None:
        try:
            stream = EventStream(self._world.stream, self, from_seq=self.next_seq)  # type: ignore[arg-type]
            async for batch in stream:
                need(batch.seq == self.next_seq, f"followers got {batch.seq}, not {self.next_seq}")
                events = batch.events.tobytes()
                self._world.oracle.check_published(batch.seq, batch.time_ns, events)
                self.next_seq += 1
        except Exception as error:  # noqa: BLE001 - shown with the trace
            self._world.broken(error)

    async def ReadJournal(self, request: pb.ReadJournalRequest) -> pb.ReadJournalResponse:  # noqa: N802
        """The part of the stub that an EventStream calls."""

        async def work(process: "ExchangeProcess") -> pb.ReadJournalResponse:
            return await JournalServicer(process.journal).ReadJournal(request, None)  # type: ignore[arg-type]

        process = self._world.some_process(self._world.randoms.stream)
        try:
            return await self._world.network.call(process, work, DEADLINE_S)
        except (UnknownResult, TigerExError) as error:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.UNAVAILABLE, nothing, nothing, details=str(error)
            ) from error
