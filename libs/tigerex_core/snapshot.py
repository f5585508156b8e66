"""Snapshots: tables of int64 with named columns, as bytes that prove themselves.

The state is kept as its difference from the empty one, so that unused rows cost nothing and what is
restored equals the original to the last bit, chains of free rows included. Whoever keeps further
tables with it (the host's fold of the events) adds them under names of their own.

The bytes: MAGIC, the length of the header, the header (JSON), row numbers and rows of each table,
little endian, and the SHA-256 of all that.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np

from tigerex_core import layout
from tigerex_core.capacity import Capacity
from tigerex_core.layout import State
from tigerex_core.memory import allocate, state_at
from tigerex_core.records import MarketLimit, Rows

MAGIC = b"tigerex-snapshot-1\n"
CHECKSUM_BYTES = 32

_LENGTH = struct.Struct("<I")
_INDEX_COLUMNS = ("entry",)  # an index: see `index`
_COLUMNS: Mapping[str, type[IntEnum]] = {
    "head": layout.Head,
    "registry.assets": layout.Asset,
    "registry.markets": layout.Market,
    "registry.tiers": layout.Tier,
    "registry.users": layout.User,
    "registry.accounts": layout.Account,
    "ledger.balances": layout.Balance,
    "books.sides": layout.BookSide,
    "books.levels": layout.Level,
    "books.nodes": layout.Node,
    "books.orders": layout.Order,
    "books.standings": layout.Standing,
    "transfers.rows": layout.Transfer,
    "window.ring": layout.Seen,
}


class SnapshotError(Exception):
    """The bytes are no snapshot, are damaged, or do not fit this build."""


@dataclass(frozen=True, slots=True)
class Table:
    """Some rows of a table: their numbers, ascending, and what they hold."""

    columns: tuple[str, ...]
    numbers: Rows
    rows: Rows

    def column(self, name: str) -> Rows:
        """One column of the rows; raises SnapshotError where there is none."""
        if name not in self.columns:
            raise SnapshotError(f"there is no column {name} among {', '.join(self.columns)}")
        return self.rows[:, self.columns.index(name)]


Tables = dict[str, Table]


@dataclass(frozen=True, slots=True)
class Image:
    """What a snapshot holds: the kernel that it is of, its sizes, and tables by name.

    `about` and `texts` are the host's: an object for JSON, and further content by name.
    """

    kernel_version: int
    capacity: dict[str, int]
    tables: Tables
    about: Mapping[str, Any]
    texts: Mapping[str, bytes] = field(default_factory=dict)


def column_names(columns: type[IntEnum], width: int) -> tuple[str, ...]:
    """A name for each column: one that has several int64 is NAME, NAME+1, NAME+2, …"""
    names: list[str] = []
    starts = {int(column): column.name for column in columns}
    first, name = 0, ""
    for at in range(width):
        if at in starts:
            first, name = at, starts[at]
        names.append(name if at == first else f"{name}+{at - first}")
    if columns is layout.Market:
        for limit in MarketLimit:
            names[layout.Market.LIMIT + limit] = f"LIMIT_{limit.name}"
    return tuple(names)


def named_tables(state: State) -> dict[str, Rows]:
    """Every array of the state, once, as views of two dimensions; the head is a row."""
    found: dict[str, Rows] = {}
    seen: set[int] = set()
    for name, table in _arrays(state):
        if id(table) not in seen:
            seen.add(id(table))
            found[name] = table.reshape((1, -1) if name == "head" else (len(table), -1))
    return found


def _arrays(part: Any, path: str = "") -> Iterator[tuple[str, Rows]]:  # noqa: ANN401
    for name in part._fields:
        value = getattr(part, name)
        if isinstance(value, np.ndarray):
            yield path + name, value
        else:
            yield from _arrays(value, f"{path}{name}.")


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """The columns of every table of this build."""
    found: dict[str, tuple[str, ...]] = {}
    for name, table in named_tables(state_at(*allocate(Capacity.small()))).items():
        if name in _COLUMNS:
            found[name] = column_names(_COLUMNS[name], table.shape[1])
        elif table.shape[1] == 1:
            found[name] = _INDEX_COLUMNS
        else:
            raise SnapshotError(f"the columns of table {name} have no names")
    return found


def columns_of(name: str) -> tuple[str, ...]:
    """The names of a table's columns in this build; raises KeyError for an unknown table."""
    return _names()[name]


def capture(state: State, capacity: Capacity) -> Tables:
    """Copies of all rows that differ from the empty state."""
    empty = named_tables(state_at(*allocate(capacity)))
    tables: Tables = {}
    for name, table in named_tables(state).items():
        changed = np.flatnonzero((table != empty.pop(name)).any(axis=1))
        tables[name] = Table(columns_of(name), changed, table[changed])
    return tables


def restore(state: State, tables: Tables) -> None:
    """Make an empty state the captured one. Raises SnapshotError where tables or columns differ
    from this build's, or a row does not fit."""
    for name, target in named_tables(state).items():
        table = tables.get(name)
        if table is None:
            raise SnapshotError(f"there is no table {name}")
        if table.columns != columns_of(name):
            raise SnapshotError(f"table {name} has other columns than this build's")
        if len(table.numbers) and not 0 <= table.numbers[0] <= table.numbers[-1] < len(target):
            raise SnapshotError(f"table {name} has rows beyond the {len(target)} of this build")
        target[table.numbers] = table.rows


def encode(image: Image) -> bytes:
    """The bytes of a snapshot, its checksum last."""
    header = {
        "kernel_version": image.kernel_version,
        "capacity": image.capacity,
        "about": dict(image.about),
        "tables": [
            {"name": name, "columns": table.columns, "rows": len(table.numbers)}
            for name, table in image.tables.items()
        ],
        "texts": [{"name": name, "bytes": len(text)} for name, text in image.texts.items()],
    }
    packed = json.dumps(header, separators=(",", ":")).encode()
    parts: list[bytes | memoryview] = [MAGIC, _LENGTH.pack(len(packed)), packed]
    for table in image.tables.values():
        parts.append(np.ascontiguousarray(table.numbers, "<u4").data)
        parts.append(np.ascontiguousarray(table.rows, "<i8").data)
    parts += image.texts.values()
    digest = sha256()
    for part in parts:
        digest.update(part)
    return b"".join([*parts, digest.digest()])


def checksum_of(data: bytes) -> bytes:
    """The checksum that stands at the end of a snapshot's bytes."""
    return data[-CHECKSUM_BYTES:]


def decode(data: bytes) -> Image:
    """What `encode` was given. Raises SnapshotError for anything else."""
    body = memoryview(data)[:-CHECKSUM_BYTES]
    if bytes(body[: len(MAGIC)]) != MAGIC:
        raise SnapshotError("these bytes are no snapshot of a known format")
    if sha256(body).digest() != checksum_of(data):
        raise SnapshotError("the content does not match its checksum")
    at = len(MAGIC) + _LENGTH.size
    (length,) = _LENGTH.unpack(body[len(MAGIC) : at])
    header = json.loads(bytes(body[at : at + length]))
    at += length
    tables: Tables = {}
    for each in header["tables"]:
        columns, count = tuple(each["columns"]), int(each["rows"])
        middle, end = at + 4 * count, at + 4 * count + 8 * count * len(columns)
        numbers = np.frombuffer(body[at:middle], "<u4").astype(np.int64)
        rows = np.frombuffer(body[middle:end], "<i8").reshape(count, len(columns))
        tables[each["name"]] = Table(columns, numbers, rows)
        at = end
    texts: dict[str, bytes] = {}
    for each in header["texts"]:
        texts[each["name"]] = bytes(body[at : at + int(each["bytes"])])
        at += int(each["bytes"])
    return Image(int(header["kernel_version"]), header["capacity"], tables, header["about"], texts)


def capacity_of(image: Image) -> Capacity:
    """The sizes of the state in the image; raises SnapshotError for sizes of another build."""
    try:
        return Capacity(**image.capacity)
    except (TypeError, ValueError) as error:
        raise SnapshotError(f"sizes of another build: {error}") from error


def image_of(
    state: State,
    capacity: Capacity,
    kernel_version: int,
    about: Mapping[str, Any],
    texts: Mapping[str, bytes],
) -> Image:
    """The state's image, with what the host adds."""
    return Image(kernel_version, asdict(capacity), capture(state, capacity), about, texts)
