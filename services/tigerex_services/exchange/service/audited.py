"""Commands of people and of the operator: each audited with its author and reason.

The audit record is written before the command, so nothing happens unrecorded; whether it happened
is in the journal, under the same request id.
"""

import json
from collections.abc import Callable, Mapping

from tigerex_platform.auth import Principal
from tigerex_platform.clock import Clock
from tigerex_platform.errors import Conflict
from tigerex_services.directory import Directory
from tigerex_services.exchange.host.sequencer import Answer
from tigerex_services.exchange.refusals import find_refusal
from tigerex_services.exchange.service import checks
from tigerex_services.exchange.service.cancels import cancel_in_parts
from tigerex_services.exchange.service.executor import Executor
from tigerex_services.exchange.service.ownership import author_of
from tigerex_services.exchange.storage.keys import AdminStorage, AuditEntry


def audit_entry(
    clock: Clock,
    principal: Principal,
    method: str,
    reason: str,
    detail: Mapping[str, object],
    request_id: bytes,
) -> AuditEntry:
    """The record of what somebody asks for now; the reason is checked already."""
    return AuditEntry(
        clock.now_ns(), author_of(principal), method, reason, json.dumps(detail), request_id
    )


class Audited:
    """Records who asks for what and why, then runs it."""

    def __init__(self, executor: Executor, storage: AdminStorage, clock: Clock) -> None:
        self._executor = executor
        self._storage = storage
        self._clock = clock

    @property
    def directory(self) -> Directory:
        """The committed names; raises Unavailable while this process does not lead."""
        return self._executor.leader.committed.directory

    async def command(
        self,
        principal: Principal,
        method: str,
        reason: str,
        detail: Mapping[str, object],
        request_id: bytes,
        row: bytes,
    ) -> Answer:
        """The answer to one command; raises its refusal."""
        await self._record(principal, method, reason, detail, request_id)
        return await self._executor.execute(row)

    async def create(
        self,
        principal: Principal,
        method: str,
        reason: str,
        detail: Mapping[str, object],
        request_id: bytes,
        row: bytes,
    ) -> Answer | None:
        """As `command`; None when somebody else made the thing in the meantime."""
        try:
            return await self.command(principal, method, reason, detail, request_id, row)
        except Conflict as error:
            if error.code != "NAME_TAKEN":
                raise
            return None

    async def command_each(
        self,
        principal: Principal,
        method: str,
        reason: str,
        detail: Mapping[str, object],
        request_id: bytes,
        rows: list[bytes],
    ) -> None:
        """Several commands under one record; raises the first refusal."""
        await self._record(principal, method, reason, detail, request_id)
        for answer in await self._executor.execute_all(rows):
            error = find_refusal(answer.events, self.directory)
            if error is not None:
                raise error

    async def cancel_in_parts(
        self,
        principal: Principal,
        method: str,
        reason: str,
        detail: Mapping[str, object],
        request_id: bytes,
        row_of: Callable[[bytes], bytes],
    ) -> tuple[list[int], int, int]:
        """See `cancels.cancel_in_parts`."""
        await self._record(principal, method, reason, detail, request_id)
        return await cancel_in_parts(self._executor, request_id, row_of)

    async def _record(
        self,
        principal: Principal,
        method: str,
        reason: str,
        detail: Mapping[str, object],
        request_id: bytes,
    ) -> None:
        checks.text("reason", reason, checks.REASON_CHARACTERS_MAX, required=True)
        await self._storage.record(
            audit_entry(self._clock, principal, method, reason, detail, request_id)
        )
