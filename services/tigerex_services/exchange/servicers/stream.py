"""Commands as a stream: requests come as they may, answers go out in the order of the requests.

Reading runs ahead of answering by a bounded window of commands; a full one leaves the next request
unread, so that HTTP/2's flow control holds the sender back. The commands of a request are queued at
once, all or none of them, the moment it is read: that is the order in which they are applied. What
is refused is an answer; the stream ends when its caller ends it, or when the host does.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_platform.auth import Principal
from tigerex_platform.errors import RateLimited, TigerExError
from tigerex_platform.telemetry import metrics
from tigerex_services.exchange.host.sequencer import QUEUE_FULL
from tigerex_services.exchange.wire.batch import Batch

UNANSWERED_MAX = 1_024  # commands of one stream that are read and not answered yet
STREAMS_OF_CALLER_MAX = 16  # open at once, so that nobody takes up all of the server's calls
STREAMS_HINT_S = 1.0

# Waits for the results of commands that are queued: the response's field of them, as bytes.
Finish = Callable[[], Awaitable[bytes]]
# Checks and queues the commands of a request at once; raises what refuses all of them.
Begin = Callable[[Batch], Finish]


class OpenStreams:
    """How many streams each caller has open."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one_more(self, principal: Principal) -> Iterator[None]:
        """Raises RateLimited for one too many."""
        caller = (principal.name, principal.user)
        if self._open[caller] >= STREAMS_OF_CALLER_MAX:
            raise RateLimited(
                f"{STREAMS_OF_CALLER_MAX} command streams are open; close one first",
                retry_after_s=STREAMS_HINT_S,
                code="TOO_MANY_STREAMS",
                subject=f"user:{principal.user}" if principal.user else f"service:{principal.name}",
            )
        self._open[caller] += 1
        metrics.EXCHANGE_STREAMS.add(1)
        try:
            yield
        finally:
            metrics.EXCHANGE_STREAMS.add(-1)
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request that is not answered yet; `size` is what it takes of the window."""

    request_id: int
    size: int
    outcome: Finish | TigerExError


class CommandStream:
    """One stream: a reader that queues, and answers in the same order."""

    def __init__(self, begin: Begin, unanswered_max: int = UNANSWERED_MAX) -> None:
        self._begin = begin
        self._unanswered_max = unanswered_max
        self._unanswered = 0
        self._waiting: asyncio.Queue[_Waiting | None] = asyncio.Queue()  # bounded by the window
        self._answered = asyncio.Event()

    async def answers(
        self, requests: AsyncIterator[Batch | TigerExError]
    ) -> AsyncGenerator[bytes, None]:
        """One answer for each request, until there are no more.

        Raises what ended the reading, after answering what was read, and what befell the host.
        """
        reader = asyncio.create_task(self._read(requests))
        try:
            while (waiting := await self._waiting.get()) is not None:
                yield await _answer(waiting)
                self._unanswered -= waiting.size
                self._answered.set()
            await reader
        finally:
            # Whoever made the requests closes them, which a reader at work would not allow.
            reader.cancel()
            await asyncio.wait([reader])

    async def _read(self, requests: AsyncIterator[Batch | TigerExError]) -> None:
        try:
            async for request in requests:
                if isinstance(request, TigerExError):  # not a message: its id cannot be known
                    request_id, size = 0, 1
                else:
                    request_id, size = request.id, max(1, request.count)
                # An empty window takes a request of any size: one that is too large is refused.
                while self._unanswered and self._unanswered + size > self._unanswered_max:
                    self._answered.clear()
                    await self._answered.wait()
                self._unanswered += size
                self._waiting.put_nowait(_Waiting(request_id, size, self._outcome(request)))
        finally:
            self._waiting.put_nowait(None)

    def _outcome(self, request: Batch | TigerExError) -> Finish | TigerExError:
        if isinstance(request, TigerExError):
            return request
        try:
            return self._begin(request)
        except TigerExError as error:
            if error.retryable and not (isinstance(error, RateLimited) or error.code == QUEUE_FULL):
                raise  # the host ends, or does not lead: so does the stream
            return error


async def _answer(waiting: _Waiting) -> bytes:
    """A SubmitStreamResponse; fields of a message may follow each other in any pieces."""
    answer = pb.SubmitStreamResponse(id=waiting.request_id)
    if not isinstance(waiting.outcome, TigerExError):
        return answer.SerializeToString() + await waiting.outcome()
    error = waiting.outcome
    answer.refused.CopyFrom(pb.Refusal(reason=error.code, message=error.message, field=error.field))
    answer.retry_after_ms = math.ceil(getattr(error, "retry_after_s", 0.0) * 1000)
    return answer.SerializeToString()
