"""The journal's entry: one committed batch, sealed into a hash chain.

Format 1: the hash is SHA-256 over a domain tag, the previous hash, the little-endian numbers
(format, seq, kernel version, time, lengths of commands and events), the commands and the events.
Whoever changes the bytes raises FORMAT_VERSION and keeps the old formats readable.
"""

import hashlib
import struct
from dataclasses import dataclass

FORMAT_VERSION = 1
FIRST_SEQ = 1
GENESIS_HASH = bytes(32)

_DOMAIN = b"tigerex-journal\0"
_NUMBERS = struct.Struct("<6q")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One journal row; `time_ns` since the Unix epoch, commands and events as rows of int64."""

    format_version: int
    seq: int
    kernel_version: int
    time_ns: int
    commands: bytes
    events: bytes
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: what the next entry links to."""

    seq: int = FIRST_SEQ - 1
    time_ns: int = 0
    hash: bytes = GENESIS_HASH


class BrokenChainError(Exception):
    """The journal's rows do not form one unbroken chain: it was changed, or it is damaged."""


def seal(
    head: Head, kernel_version: int, time_ns: int, commands: bytes, events: bytes
) -> JournalEntry:
    """The entry that follows `head`."""
    seq = head.seq + 1
    return JournalEntry(
        FORMAT_VERSION,
        seq,
        kernel_version,
        time_ns,
        commands,
        events,
        head.hash,
        _hash(head.hash, FORMAT_VERSION, seq, kernel_version, time_ns, commands, events),
    )


def head_of(entry: JournalEntry) -> Head:
    return Head(entry.seq, entry.time_ns, entry.hash)


def check_link(head: Head, entry: JournalEntry) -> Head:
    """The new head after `entry`; raises BrokenChainError saying what does not fit."""
    if entry.format_version != FORMAT_VERSION:
        raise BrokenChainError(
            f"entry {entry.seq} has format {entry.format_version}, this build reads"
            f" {FORMAT_VERSION}"
        )
    if entry.seq != head.seq + 1:
        raise BrokenChainError(f"entry {entry.seq} follows entry {head.seq}")
    if entry.prev_hash != head.hash:
        raise BrokenChainError(f"entry {entry.seq} does not link to the hash of entry {head.seq}")
    if entry.time_ns <= head.time_ns:
        raise BrokenChainError(f"entry {entry.seq} is not later than entry {head.seq}")
    expected = _hash(
        entry.prev_hash,
        entry.format_version,
        entry.seq,
        entry.kernel_version,
        entry.time_ns,
        entry.commands,
        entry.events,
    )
    if entry.hash != expected:
        raise BrokenChainError(f"the content of entry {entry.seq} does not match its hash")
    return head_of(entry)


def _hash(
    prev_hash: bytes,
    format_version: int,
    seq: int,
    kernel_version: int,
    time_ns: int,
    commands: bytes,
    events: bytes,
) -> bytes:
    digest = hashlib.sha256(_DOMAIN)
    digest.update(prev_hash)
    digest.update(
        _NUMBERS.pack(format_version, seq, kernel_version, time_ns, len(commands), len(events))
    )
    digest.update(commands)
    digest.update(events)
    return digest.digest()
