"""gRPC translation of JournalService."""

from typing import Any

import grpc
from tigerex.exchange.v1 import journal_pb2 as pb
from tigerex.exchange.v1 import journal_pb2_grpc

from tigerex_services.exchange.service.journal import JournalService

Context = grpc.aio.ServicerContext[Any, Any]


class JournalServicer(journal_pb2_grpc.JournalServiceServicer):
    """Messages in, one call of the service, messages out."""

    def __init__(self, service: JournalService) -> None:
        self._service = service

    async def ReadJournal(
        self, request: pb.ReadJournalRequest, context: Context
    ) -> pb.ReadJournalResponse:
        page, committed_seq = await self._service.read(request.from_seq, request.max_entries)
        entries = [
            pb.JournalEntry(seq=seq, kernel_version=version, time_ns=time_ns, events=events)
            for seq, version, time_ns, events in page
        ]
        return pb.ReadJournalResponse(entries=entries, committed_seq=committed_seq)

    async def Verify(self, request: pb.VerifyRequest, context: Context) -> pb.VerifyResponse:
        report = await self._service.verify()
        checks = [
            pb.VerifyCheck(name=check.name, passed=check.passed, detail=check.detail)
            for check in report.checks
        ]
        return pb.VerifyResponse(seq=report.seq, checks=checks)
