"""Journal segments in files: what left the database, compressed, with its chain of hashes.

A folder holds one gzip file a segment and a manifest. The manifest is written after the files that
it names, each file is read back before it counts, and a segment leaves the database only then. What
is in both places is the same: the seam needs no lock.

A file is a sequence of records: numbers (format, seq, kernel version, time, lengths of commands and
events), previous hash, hash, commands, events.
"""

import gzip
import json
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from tigerex_services.exchange.entry import (
    FIRST_SEQ,
    BrokenChainError,
    Head,
    JournalEntry,
    check_link,
)

MANIFEST = "manifest.json"
CACHED_SEGMENTS = 2
COMPRESS_LEVEL = 6

_RECORD = struct.Struct("<6q32s32s")


class ArchiveError(Exception):
    """A file of the archive is missing, damaged, or not what the manifest says."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: entries `first_seq` to `last_seq`; hashes in hex, size in bytes."""

    first_seq: int
    last_seq: int
    first_prev_hash: str
    last_hash: str
    last_time_ns: int
    file: str
    size: int
    checksum: str


class Archive:
    """One folder. All methods block; raise ArchiveError and OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cached = lru_cache(CACHED_SEGMENTS)(self._load)

    def segments(self) -> list[Segment]:
        """What there is, oldest first: one chain without a gap."""
        try:
            text = (self._folder / MANIFEST).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        try:
            found = [Segment(**each) for each in json.loads(text)["segments"]]
        except (ValueError, TypeError, KeyError) as error:
            raise ArchiveError(f"{self._folder / MANIFEST} cannot be read: {error}") from error
        last, hashed = FIRST_SEQ - 1, Head().hash.hex()
        for segment in found:
            if (segment.first_seq, segment.first_prev_hash) != (last + 1, hashed):
                raise ArchiveError(f"{segment.file} does not follow entry {last}")
            last, hashed = segment.last_seq, segment.last_hash
        return found

    def read(self, from_seq: int, limit: int) -> list[JournalEntry]:
        """At most `limit` entries of one segment, from `from_seq` on; none where none is there."""
        for segment in self.segments():
            if segment.first_seq <= from_seq <= segment.last_seq:
                at = from_seq - segment.first_seq
                return list(self._cached(segment)[at : at + limit])
        return []

    def scan(self, from_seq: int = FIRST_SEQ) -> Iterator[JournalEntry]:
        """All entries from `from_seq` on."""
        for segment in self.segments():
            if segment.last_seq >= from_seq:
                yield from (e for e in self._load(segment) if e.seq >= from_seq)

    def add(self, entries: Sequence[JournalEntry]) -> Segment:
        """Write a segment behind the last one, read it back, and enter it into the manifest.

        A segment that begins where this one does is replaced: it was written before, and did not
        leave the database.
        """
        first, last = entries[0], entries[-1]
        self._folder.mkdir(parents=True, exist_ok=True)
        before = [each for each in self.segments() if each.last_seq < first.seq]
        name = f"journal-{first.seq:012d}-{last.seq:012d}.gz"
        data = gzip.compress(b"".join(map(_packed, entries)), COMPRESS_LEVEL, mtime=0)
        _write(self._folder / name, data)
        segment = Segment(
            first.seq,
            last.seq,
            first.prev_hash.hex(),
            last.hash.hex(),
            last.time_ns,
            name,
            len(data),
            sha256(data).hexdigest(),
        )
        if self._load(segment) != tuple(entries):
            raise ArchiveError(f"{name} does not hold what was written")
        _write(self._folder / MANIFEST, _manifest([*before, segment]))
        self.segments()  # one chain
        return segment

    def _load(self, segment: Segment) -> tuple[JournalEntry, ...]:
        try:
            data = (self._folder / segment.file).read_bytes()
        except FileNotFoundError as error:
            raise ArchiveError(f"{self._folder / segment.file} is missing") from error
        if sha256(data).hexdigest() != segment.checksum:
            raise ArchiveError(f"{segment.file} does not match its checksum")
        entries = tuple(_unpacked(gzip.decompress(data)))
        head = Head(segment.first_seq - 1, 0, bytes.fromhex(segment.first_prev_hash))
        try:
            for entry in entries:
                head = check_link(head, entry)
        except BrokenChainError as error:
            raise ArchiveError(f"{segment.file}: {error}") from error
        if (head.seq, head.hash.hex()) != (segment.last_seq, segment.last_hash):
            raise ArchiveError(f"{segment.file} ends at entry {head.seq}")
        return entries


def _packed(entry: JournalEntry) -> bytes:
    numbers = _RECORD.pack(
        entry.format_version,
        entry.seq,
        entry.kernel_version,
        entry.time_ns,
        len(entry.commands),
        len(entry.events),
        entry.prev_hash,
        entry.hash,
    )
    return numbers + entry.commands + entry.events


def _unpacked(data: bytes) -> Iterator[JournalEntry]:
    at = 0
    while at < len(data):
        form, seq, version, time_ns, commands, events, prev_hash, own = _RECORD.unpack_from(
            data, at
        )
        at += _RECORD.size
        middle, end = at + commands, at + commands + events
        yield JournalEntry(
            form, seq, version, time_ns, data[at:middle], data[middle:end], prev_hash, own
        )
        at = end


def _manifest(segments: Sequence[Segment]) -> bytes:
    content = {"format": 1, "segments": [asdict(segment) for segment in segments]}
    return json.dumps(content, indent=1).encode()


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and on the disk."""
    temporary = path.with_suffix(path.suffix + ".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
