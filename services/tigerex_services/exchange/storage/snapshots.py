"""Keeps snapshots in PostgreSQL: one row each, and its bytes in parts.

Every call opens a connection of its own: snapshots are made and read in threads and in processes
beside the trading, minutes apart.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

PART_BYTES = 4 * 2**20

_HEADS = (
    "SELECT seq, kernel_version, time_ns, hash, size, checksum FROM snapshots"
    " ORDER BY seq DESC, kernel_version DESC"
)
_INSERT = (
    "INSERT INTO snapshots (seq, kernel_version, time_ns, hash, size, checksum)"
    " VALUES (%s, %s, %s, %b, %s, %b)"
)
_INSERT_PART = (
    "INSERT INTO snapshot_parts (seq, kernel_version, part, data) VALUES (%s, %s, %s, %b)"
)
# Beside the newest ones the last of each kernel version stays: an upgrade begins from it, and a
# proof of what came after it does.
_PRUNE = (
    "DELETE FROM snapshots WHERE (seq, kernel_version) NOT IN ("
    " (SELECT seq, kernel_version FROM snapshots ORDER BY seq DESC, kernel_version DESC LIMIT %s)"
    " UNION (SELECT max(seq), kernel_version FROM snapshots GROUP BY kernel_version))"
)


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """Of which entry's end a snapshot is, and what its bytes are."""

    seq: int
    kernel_version: int
    time_ns: int
    hash: bytes
    size: int
    checksum: bytes


class SnapshotStore:
    """All methods block; raise psycopg.Error."""

    def __init__(self, conninfo: Callable[[], str]) -> None:
        self._conninfo = conninfo

    def heads(self) -> list[SnapshotHead]:
        """What is kept, newest first."""
        with self._connection() as connection:
            return [SnapshotHead(*row) for row in connection.execute(_HEADS, binary=True)]

    def load(self, head: SnapshotHead) -> bytes:
        """The bytes; shorter than the head says where parts are missing."""
        with self._connection() as connection:
            parts = connection.execute(
                "SELECT data FROM snapshot_parts WHERE seq = %s AND kernel_version = %s"
                " ORDER BY part",
                (head.seq, head.kernel_version),
                binary=True,
            )
            return b"".join([data for (data,) in parts])

    def save(self, head: SnapshotHead, data: bytes) -> None:
        """Keep a snapshot, in the place of an older try at the same entry."""
        key = (head.seq, head.kernel_version)
        numbers = range(0, len(data), PART_BYTES)
        view = memoryview(data)
        with self._connection() as connection, connection.transaction():
            connection.execute("DELETE FROM snapshots WHERE seq = %s AND kernel_version = %s", key)
            connection.execute(_INSERT, (*key, head.time_ns, head.hash, head.size, head.checksum))
            for part, start in enumerate(numbers):
                chunk = bytes(view[start : start + PART_BYTES])
                connection.execute(_INSERT_PART, (*key, part, chunk))

    def prune(self, keep: int) -> int:
        """Forget all but the newest `keep`, and the last of each kernel version; how many went."""
        with self._connection() as connection:
            return connection.execute(_PRUNE, (keep,)).rowcount

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[TupleRow]]:
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            yield connection
