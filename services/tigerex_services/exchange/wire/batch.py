"""Requests of many commands, and their responses, at the speed of `decode` and `encode`."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError
from tigerex.exchange.v1 import trading_pb2 as pb

from tigerex_core.records import COMMAND_WIDTH, EVENT_WIDTH, Event, Rows
from tigerex_platform.errors import InvalidField
from tigerex_services.exchange.host.sequencer import Part
from tigerex_services.exchange.wire.decode import BEGIN, END, MALFORMED, READ, decode
from tigerex_services.exchange.wire.encode import FILL_BYTES_MAX, RESULT_BYTES_MAX, encode
from tigerex_services.exchange.wire.tables import Tables

BATCH_COMMANDS_MAX = 256
COMMAND_BYTES_LEAST = 32  # of one that `decode` reads
OCO_WEIGHT = 2  # two orders

Message = type[pb.SubmitBatchRequest] | type[pb.SubmitStreamRequest]


@dataclass(frozen=True, slots=True)
class Shape:
    """A request message: its fields, 0 for none, and the field of results in its response."""

    message: Message
    id_field: int
    commands_field: int
    results_field: int


BATCH = Shape(pb.SubmitBatchRequest, 0, 1, 1)
STREAM = Shape(pb.SubmitStreamRequest, 1, 2, 2)


@dataclass(frozen=True, slots=True)
class Batch:
    """A request: its commands' rows, without the caller's checks; a message for each command whose
    row could not be read, at the command's place.
    """

    id: int
    rows: Rows
    messages: dict[int, pb.BatchCommand]

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def weight(self) -> int:
        """What the request counts for its caller's rate."""
        lists = sum(each.WhichOneof("command") == "oco" for each in self.messages.values())
        return self.count + lists * (OCO_WEIGHT - 1)


def read_batch(body: bytes, shape: Shape, tables: Tables) -> Batch:
    """The commands of a request's bytes; raises InvalidField for what is no such message."""
    most = min(BATCH_COMMANDS_MAX, len(body) // COMMAND_BYTES_LEAST + 1)
    rows = np.zeros((most, COMMAND_WIDTH), np.int64)
    marks = np.zeros((most, 3), np.int64)
    request_id, count = decode(
        np.frombuffer(body, np.uint8), shape.id_field, shape.commands_field,
        tables.markets, tables.symbols, rows, marks,
    )  # fmt: skip
    try:
        if count == MALFORMED:
            message = shape.message.FromString(body)
            found = dict(enumerate(message.commands))
            request_id = message.id if isinstance(message, pb.SubmitStreamRequest) else 0
            return Batch(request_id, np.zeros((len(found), COMMAND_WIDTH), np.int64), found)
        unread = np.nonzero(marks[:count, READ] == 0)[0].tolist()
        messages = {
            i: pb.BatchCommand.FromString(body[marks[i, BEGIN] : marks[i, END]]) for i in unread
        }
    except DecodeError as error:
        allowed = "a message of the method's request type"
        raise InvalidField("request", f"{len(body)} bytes", allowed) from error
    return Batch(request_id, rows[:count], messages)


class ResultWriter:
    """Writes the results of committed commands as fields of a response."""

    def __init__(self) -> None:
        self._out = np.empty(0, np.uint8)  # kept, as most responses are of one size

    def write(self, part: Part, field: int, tables: Tables) -> list[bytes | None] | bytes:
        """All results of a part; or, where some cannot be written here, each, None for those."""
        need = part.count * RESULT_BYTES_MAX + len(part.events) * FILL_BYTES_MAX
        if len(self._out) < need:
            self._out = np.empty(2 * need, np.uint8)
        spans = np.empty((part.count, 2), np.int64)
        begin = encode(
            part.events, part.first, part.seq, part.time_ns, field,
            tables.markets, tables.symbols, tables.scales, tables.codes, self._out, spans,
        )  # fmt: skip
        if (spans[:, 0] >= 0).all():
            return self._out[begin:].tobytes()
        return [None if at < 0 else self._out[at:end].tobytes() for at, end in spans.tolist()]


def compile_wire() -> None:
    """Compile, or load, all that is compiled here, so that no request waits for it."""
    nothing = Part(0, 0, 0, 0, np.zeros((0, EVENT_WIDTH), np.int64))
    tables = Tables([], [])
    read_batch(b"", BATCH, tables)
    ResultWriter().write(nothing, BATCH.results_field, tables)


def split(part: Part) -> list[Part]:
    """A part for each command."""
    firsts = part.first + np.arange(part.count + 1)
    bounds = np.searchsorted(part.events[:, Event.COMMAND], firsts).tolist()
    return [
        Part(part.seq, part.time_ns, part.first + i, 1, part.events[bounds[i] : bounds[i + 1]])
        for i in range(part.count)
    ]


def framed(message: pb.BatchResult, field: int) -> bytes:
    """A result as a field of its response."""
    body = message.SerializeToString()
    length = len(body)
    prefix = bytearray([field << 3 | 2])
    while length > 127:
        prefix.append(length & 127 | 128)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + body


Slow = Callable[[Part], Awaitable[pb.BatchResult]]


async def write_results(
    writer: ResultWriter,
    parts: Sequence[Part],
    refused: dict[int, pb.BatchResult],
    field: int,
    tables: Tables,
    slow: Slow,
) -> bytes:
    """The results of a request's commands in order; `refused` has those that were never queued, by
    their place, and `slow` makes the messages that cannot be written here.
    """
    written = [(part, writer.write(part, field, tables)) for part in parts]
    if not refused and all(isinstance(found, bytes) for _, found in written):
        return b"".join(found for _, found in written if isinstance(found, bytes))
    each: list[bytes] = []
    for part, found in written:
        if isinstance(found, bytes) and not refused:
            each.append(found)
            continue
        one_by_one = split(part)
        results = _single(writer, one_by_one, field, tables) if isinstance(found, bytes) else found
        for own, result in zip(one_by_one, results, strict=True):
            each.append(result if result is not None else framed(await slow(own), field))
    for place, message in sorted(refused.items()):
        each.insert(place, framed(message, field))
    return b"".join(each)


def _single(
    writer: ResultWriter, parts: Iterable[Part], field: int, tables: Tables
) -> list[bytes | None]:
    results: list[bytes | None] = []
    for part in parts:
        found = writer.write(part, field, tables)
        results.append(found if isinstance(found, bytes) else None)
    return results
