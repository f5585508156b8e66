"""Moves the journal's oldest entries into the archive, a segment at a time.

Only what lies before the oldest snapshot that a start could begin with; the database checks that
again, refuses any other deletion, and keeps who asked in its audit record.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from tigerex_platform.ids import new_request_id
from tigerex_services.exchange.entry import Head, JournalEntry, check_link
from tigerex_services.exchange.storage.archive import Archive, Segment
from tigerex_services.exchange.storage.journal import entries_of

logger = logging.getLogger(__name__)

SEGMENT_ENTRIES = 10_000
SEGMENT_BYTES = 32 * 2**20  # of commands and events; a reader has two segments in memory
TIMEOUT = "SET statement_timeout = '60s'"

_OLDEST = "SELECT min(seq) FROM journal"
# Of the newest kernel version: older ones begin nowhere but at an upgrade that is done.
_END = (
    "SELECT min(seq) - 1 FROM snapshots"
    " WHERE kernel_version = (SELECT max(kernel_version) FROM snapshots)"
)
_LEAVE = "SELECT archive_segment(%s, %s, %b, %b, %s, %s, %b, %s, %b)"


@dataclass(frozen=True, slots=True)
class Archival:
    """How large segments are; they are closed when they reach either size."""

    entries: int = SEGMENT_ENTRIES
    bytes: int = SEGMENT_BYTES


def archive_journal(
    conninfo: str, archive: Archive, author: str, sizes: Archival | None = None
) -> list[Segment]:
    """Move every closed segment; what was moved.

    Raises BrokenChainError where the journal is wrong, ArchiveError and OSError where the files
    are, psycopg.Error where the database refuses. Whatever happens, an entry is in one place at
    least, and the next run goes on.
    """
    moved: list[Segment] = []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(TIMEOUT.encode())
        end = _number(connection, _END)
        for entries in _closed(connection, end, sizes or Archival()):
            segment = archive.add(entries)
            _leave(connection, segment, author)
            logger.info(
                "entries %d to %d are in %s", segment.first_seq, segment.last_seq, segment.file
            )
            moved.append(segment)
    return moved


def _closed(
    connection: "psycopg.Connection[TupleRow]", end: int, sizes: Archival
) -> Iterator[list[JournalEntry]]:
    """Whole segments up to entry `end`, checked."""
    entries: list[JournalEntry] = []
    size = 0
    head: Head | None = None
    for entry in entries_of(connection, _number(connection, _OLDEST)):
        if entry.seq > end:
            return
        head = check_link(head or Head(entry.seq - 1, 0, entry.prev_hash), entry)
        entries.append(entry)
        size += len(entry.commands) + len(entry.events)
        if len(entries) >= sizes.entries or size >= sizes.bytes:
            yield entries
            entries, size = [], 0


def _leave(connection: "psycopg.Connection[TupleRow]", segment: Segment, author: str) -> None:
    connection.execute(
        _LEAVE,
        (
            segment.first_seq,
            segment.last_seq,
            bytes.fromhex(segment.first_prev_hash),
            bytes.fromhex(segment.last_hash),
            segment.file,
            segment.size,
            bytes.fromhex(segment.checksum),
            author,
            new_request_id(),
        ),
    )


def _number(connection: "psycopg.Connection[TupleRow]", query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
