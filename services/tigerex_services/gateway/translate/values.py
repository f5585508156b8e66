"""Times, optional texts and enum names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

NANOS_PER_SECOND = 1_000_000_000
NANOS_PER_MILLI = 1_000_000

Name = TypeVar("Name", bound=str)
Number = TypeVar("Number", bound=int)


def time_text(time_ns: int) -> str:
    """RFC 3339 in UTC with nine decimals: int64 nanoseconds do not fit JavaScript's numbers."""
    seconds, nanos = divmod(time_ns, NANOS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


def optional_time_text(time_ns: int) -> str | None:
    """As `time_text`; None for the zero that stands for "never"."""
    return time_text(time_ns) if time_ns else None


def timestamp_text(message: Timestamp, *, present: bool) -> str | None:
    """RFC 3339 of a protobuf timestamp; None where the message does not carry it."""
    return time_text(message.ToNanoseconds()) if present else None


def optional(text: str) -> str | None:
    """Protobuf says "absent" with an empty string, JSON with null."""
    return text or None


def inverse(names: Mapping[Number, Name]) -> dict[Name, Number]:
    """The same table read the other way round."""
    return {name: number for number, name in names.items()}
