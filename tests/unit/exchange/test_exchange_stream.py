"""A stream answers everything in order, reads no further than its window, and ends cleanly."""

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_core.records import COMMAND_WIDTH
from tigerex_platform.auth import Principal
from tigerex_platform.errors import InvalidField, RateLimited, TigerExError, Unavailable
from tigerex_services.exchange.host.sequencer import QUEUE_FULL
from tigerex_services.exchange.servicers.stream import (
    STREAMS_OF_CALLER_MAX,
    CommandStream,
    Finish,
    OpenStreams,
)
from tigerex_services.exchange.wire.batch import STREAM, Batch, framed

pytestmark = pytest.mark.unit


class Host:
    """Queues requests in the order they are begun, and commits when it is told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.commits: dict[int, asyncio.Future[bytes]] = {}
        self.refusals: dict[int, TigerExError] = {}

    def begin(self, request: Batch) -> Finish:
        if request.id in self.refusals:
            raise self.refusals[request.id]
        self.begun.append(request.id)
        commit = self.commits.setdefault(request.id, asyncio.get_running_loop().create_future())

        async def finish() -> bytes:
            return await commit

        return finish

    def commit(self, *ids: int) -> None:
        for number in ids:
            self.commits[number].set_result(framed(pb.BatchResult(), STREAM.results_field))


def request(number: int, commands: int = 1) -> Batch:
    return Batch(number, np.zeros((commands, COMMAND_WIDTH), np.int64), {})


Given = Batch | TigerExError


class Client:
    """Requests that can be added to, and the answers so far."""

    def __init__(self, host: Host, *given: Given, unanswered_max: int = 100) -> None:
        self.requests: asyncio.Queue[Given | Exception | None] = asyncio.Queue()
        self.answers: list[pb.SubmitStreamResponse] = []
        self.closed = False
        for each in given:
            self.requests.put_nowait(each)
        self._stream = CommandStream(host.begin, unanswered_max)
        self.task = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        async for answer in self._stream.answers(self._sent()):
            self.answers.append(pb.SubmitStreamResponse.FromString(answer))

    async def _sent(self) -> AsyncGenerator[Given, None]:
        while (each := await self.requests.get()) is not None:
            if isinstance(each, Exception) and not isinstance(each, InvalidField):
                raise each
            yield each

    def end(self) -> None:
        self.requests.put_nowait(None)

    @property
    def ids(self) -> list[int]:
        return [answer.id for answer in self.answers]


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_answers_come_in_the_order_of_the_requests() -> None:
    host = Host()
    client = Client(host, *(request(n) for n in (7, 3, 9)))
    await settled()
    assert host.begun == [7, 3, 9]
    host.commit(9, 3)
    await settled()
    assert client.ids == []
    host.commit(7)
    client.end()
    await client.task
    assert client.ids == [7, 3, 9]


async def test_the_window_holds_the_reader_back() -> None:
    host = Host()
    client = Client(host, *(request(n, commands=40) for n in range(4)), unanswered_max=100)
    await settled()
    assert host.begun == [0, 1]
    host.commit(0)
    await settled()
    assert host.begun == [0, 1, 2]
    host.commit(1, 2)
    await settled()
    host.commit(3)
    client.end()
    await client.task
    assert client.ids == [0, 1, 2, 3]


async def test_a_request_larger_than_the_window_is_taken_alone() -> None:
    host = Host()
    client = Client(host, request(1, commands=101), request(2), unanswered_max=100)
    await settled()
    assert host.begun == [1]
    host.commit(1)
    await settled()
    host.commit(2)
    client.end()
    await client.task
    assert client.ids == [1, 2]


async def test_what_is_refused_is_an_answer_and_not_the_end() -> None:
    host = Host()
    host.refusals = {
        2: InvalidField("commands", 300, "at most 256"),
        3: RateLimited("slowly", retry_after_s=0.0101),
        4: Unavailable("the queue is full", retry_after_s=0.2, code=QUEUE_FULL),
    }
    malformed = InvalidField("request", "9 bytes", "a message")
    client = Client(host, *(request(n) for n in (1, 2, 3, 4)), malformed, request(5))
    await settled()
    host.commit(1, 5)
    client.end()
    await client.task
    assert client.ids == [1, 2, 3, 4, 0, 5]
    refused = [(each.refused.reason, each.retry_after_ms) for each in client.answers]
    assert refused == [
        ("", 0),
        ("INVALID_FIELD", 0),
        ("RATE_LIMITED", 11),
        ("QUEUE_FULL", 200),
        ("INVALID_FIELD", 0),
        ("", 0),
    ]
    assert [len(each.results) for each in client.answers] == [1, 0, 0, 0, 0, 1]


async def test_the_end_of_the_host_ends_the_stream_after_what_it_answered() -> None:
    host = Host()
    host.refusals = {2: Unavailable("the exchange is restarting")}
    client = Client(host, request(1), request(2), request(3))
    await settled()
    host.commit(1)
    with pytest.raises(Unavailable, match="restarting"):
        await client.task
    assert client.ids == [1]
    assert host.begun == [1]


async def test_a_lost_commit_ends_the_stream() -> None:
    host = Host()
    client = Client(host, request(1))
    await settled()
    host.commits[1].set_exception(Unavailable("the exchange is restarting"))
    with pytest.raises(Unavailable):
        await client.task


async def test_an_idle_end_comes_after_the_answers() -> None:
    host = Host()
    client = Client(host, request(1))
    client.requests.put_nowait(Unavailable("no request came", code="STREAM_IDLE"))
    await settled()
    assert not client.task.done()
    host.commit(1)
    with pytest.raises(Unavailable, match="no request"):
        await client.task
    assert client.ids == [1]


async def test_a_client_that_leaves_stops_the_reader() -> None:
    host = Host()
    client = Client(host, request(1))
    await settled()
    before = len(asyncio.all_tasks())
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    await settled()
    client.requests.put_nowait(request(2))
    await settled()
    assert host.begun == [1]
    assert len(asyncio.all_tasks()) < before


def test_streams_of_one_caller_are_bounded() -> None:
    streams, ann = OpenStreams(), Principal("external", "key", "ann", 1)
    opened = [streams.one_more(ann) for _ in range(STREAMS_OF_CALLER_MAX)]
    for each in opened:
        each.__enter__()
    with pytest.raises(RateLimited), streams.one_more(ann):
        pass
    with streams.one_more(Principal("external", "other", "bob", 2)):
        pass
    opened[0].__exit__(None, None, None)
    with streams.one_more(ann):
        pass
