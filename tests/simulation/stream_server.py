"""The Redis stream, in memory: it loses, repeats and reorders entries, is wiped and goes away.

Worse than Redis, which keeps order: whatever comes, a reader must end with the journal's events.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from tests.simulation.loop import SimLoop
from tests.simulation.plan import Plan
from tests.simulation.randoms import Randoms
from tests.simulation.trace import Trace

USUAL_S = 0.001
AWAY_S = 5.0
KEPT_MAX = 200  # entries; older ones are trimmed
WAKE_S = 0.05  # how often a waiting reader looks

Fields = Mapping[bytes, bytes]


@dataclass(eq=False)
class StreamServer:
    """One stream, and the part of redis.asyncio.Redis that its users call."""

    loop: SimLoop
    randoms: Randoms
    plan: Plan
    trace: Trace
    healed: bool = False
    away_until_s: float = 0.0
    kept: list[tuple[int, Fields]] = field(default_factory=list)

    # What redis.asyncio.Redis has

    async def xrevrange(self, key: str, count: int) -> list[tuple[bytes, Fields]]:
        await self._travel()
        return [(b"%d-0" % seq, fields) for seq, fields in reversed(self.kept[-count:])]

    async def delete(self, key: str) -> None:
        await self._travel()
        self.wipe()

    def pipeline(self, *, transaction: bool) -> "Pipeline":
        return Pipeline(self)

    async def xread(self, streams: Mapping[str, str], *, count: int, block: int) -> Any:
        [(key, after)] = streams.items()
        seen = int(after.partition("-")[0])
        deadline_s = self.loop.time() + block / 1_000
        await self._travel()
        while not (found := [one for one in self.kept if one[0] > seen][:count]):
            if self.loop.time() >= deadline_s:
                return []
            await asyncio.sleep(WAKE_S)
            await self._travel()
        return [[key.encode(), [(b"%d-0" % seq, fields) for seq, fields in self._spoil(found)]]]

    # Faults

    def wipe(self) -> None:
        self.trace.say("stream", f"is wiped of {len(self.kept)} entries")
        self.kept.clear()

    def go_away(self) -> None:
        self.away_until_s = self.loop.time() + self.randoms.stream.uniform(0, AWAY_S)
        self.trace.say("stream", f"is away until {self.away_until_s:.3f} s")
        if self.randoms.stream.random() < 0.5:
            self.wipe()

    def add(self, entry_id: str, fields: Mapping[bytes, Any]) -> object:
        """What one XADD answers."""
        seq = int(entry_id.partition("-")[0])
        if self.kept and seq <= self.kept[-1][0]:
            return ResponseError("The ID specified in XADD is equal or smaller")
        if self._chance():
            return b"lost"
        raw = {
            key: value.encode() if isinstance(value, str) else value
            for key, value in fields.items()
        }
        self.kept.append((seq, raw))
        del self.kept[:-KEPT_MAX]
        return entry_id.encode()

    async def travel(self) -> None:
        await self._travel()

    async def _travel(self) -> None:
        await asyncio.sleep(self.randoms.stream.uniform(0, USUAL_S))
        if not self.healed and self.loop.time() < self.away_until_s:
            raise RedisConnectionError("connection refused")

    def _spoil(self, found: list[tuple[int, Fields]]) -> list[tuple[int, Fields]]:
        """Repeat, reorder or lose some of an answer."""
        found = list(found)
        random = self.randoms.stream
        if self._chance():
            found.insert(random.randrange(len(found)), random.choice(found))
        if self._chance():
            random.shuffle(found)
        if self._chance():
            found.pop(random.randrange(len(found)))
        return found

    def _chance(self) -> bool:
        return not self.healed and self.randoms.stream.random() < self.plan.stream_fault


class Pipeline:
    """Adds that travel together."""

    def __init__(self, server: StreamServer) -> None:
        self._server = server
        self._adds: list[tuple[str, Mapping[bytes, Any]]] = []

    def xadd(
        self,
        key: str,
        fields: Mapping[bytes, Any],
        *,
        id: str,  # noqa: A002
        maxlen: int,
        approximate: bool,
    ) -> None:
        self._adds.append((id, fields))

    async def execute(self, *, raise_on_error: bool) -> list[object]:
        await self._server.travel()
        return [self._server.add(entry_id, fields) for entry_id, fields in self._adds]
