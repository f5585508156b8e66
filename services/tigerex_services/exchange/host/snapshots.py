"""Snapshots for the host: what one holds, where a start can begin, when the next one is due.

A snapshot is the core after one journal entry, with the fold of all events up to it. A start takes
the newest that proves itself and fits the journal; when none does, everything is executed anew.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from tigerex_core import KERNEL_VERSION, Core
from tigerex_core.migrate import upgraded
from tigerex_core.snapshot import SnapshotError, checksum_of, decode, encode
from tigerex_services.directory import Directory
from tigerex_services.exchange.entry import Head, JournalEntry
from tigerex_services.exchange.host.replay import Replay
from tigerex_services.exchange.host.snapshots_fold import dump_fold, load_fold
from tigerex_services.exchange.storage.snapshots import SnapshotHead

logger = logging.getLogger(__name__)

KEEP = 3  # snapshots that are kept, beside the last one of each kernel version
FOLD = "committed"


class Store(Protocol):
    """Where snapshots are; see `SnapshotStore`."""

    def heads(self) -> list[SnapshotHead]: ...
    def load(self, head: SnapshotHead) -> bytes: ...
    def save(self, head: SnapshotHead, data: bytes) -> None: ...
    def prune(self, keep: int) -> int: ...


class KernelVersionError(Exception):
    """The journal was written by another kernel version than this build's, and no snapshot leads
    over; the message says what to do."""


def pack(replay: Replay) -> tuple[SnapshotHead, bytes]:
    """The snapshot of a core that has executed the journal up to its head."""
    head = replay.head
    about = {"seq": head.seq, "time_ns": head.time_ns, "hash": head.hash.hex()}
    data = encode(replay.core.image(about, {FOLD: dump_fold(replay.committed)}))
    return SnapshotHead(
        head.seq, KERNEL_VERSION, head.time_ns, head.hash, len(data), checksum_of(data)
    ), data


def unpack(head: SnapshotHead, data: bytes) -> Replay:
    """The core and the fold of a snapshot, brought to this build's kernel version.

    Raises SnapshotError when the bytes are damaged or are not what the head says.
    """
    if len(data) != head.size or checksum_of(data) != head.checksum:
        raise SnapshotError(f"{len(data)} of {head.size} bytes are there, or they are others")
    image = decode(data)
    about = Head(image.about["seq"], image.about["time_ns"], bytes.fromhex(image.about["hash"]))
    if (about, image.kernel_version) != (
        Head(head.seq, head.time_ns, head.hash),
        head.kernel_version,
    ):
        raise SnapshotError("it is the snapshot of another entry")
    core = Core.restore(upgraded(image, KERNEL_VERSION))
    return Replay(core, load_fold(image.texts[FOLD]), about)


def load_names(store: Store) -> tuple[Directory, int]:
    """What the newest readable snapshot knows of names, and the seq up to which; else nothing."""
    for head in store.heads():
        try:
            image = decode(store.load(head))
            return load_fold(image.texts[FOLD]).directory, head.seq
        except SnapshotError as error:
            logger.warning("snapshot of entry %d is passed over: %s", head.seq, error)
    return Directory(), 0


def find_misfit(head: SnapshotHead, entries: Sequence[JournalEntry]) -> str:
    """Why a start cannot begin with a snapshot; "" when it can.

    `entries` are the snapshot's own journal entry and the one after it, as far as there are any.
    """
    if head.kernel_version > KERNEL_VERSION:
        return f"it is of kernel version {head.kernel_version}, this build has {KERNEL_VERSION}"
    if not entries or entries[0].seq != head.seq:
        return "its journal entry is missing"
    if (entries[0].hash, entries[0].time_ns) != (head.hash, head.time_ns):
        return "its journal entry is another one"
    if len(entries) > 1 and entries[1].kernel_version != KERNEL_VERSION:
        return f"entries of kernel version {entries[1].kernel_version} follow it"
    return ""


def keep(store: Store, replay: Replay) -> SnapshotHead:
    """Store the snapshot of a replay that stands still, and forget the oldest ones."""
    head, data = pack(replay)
    store.save(head, data)
    store.prune(KEEP)
    logger.info("snapshot of entry %d: %d bytes", head.seq, head.size)
    return head


def check_runnable(first: JournalEntry | None, newest: JournalEntry | None) -> None:
    """Refuse what this build cannot execute from its beginning; raises KernelVersionError."""
    if first is None or newest is None:
        return
    if newest.kernel_version > KERNEL_VERSION:
        raise KernelVersionError(
            f"the journal ends with kernel version {newest.kernel_version} and this build has"
            f" {KERNEL_VERSION}: start a build that is at least as new as the journal"
        )
    if first.kernel_version < KERNEL_VERSION:
        raise KernelVersionError(
            f"entries up to {newest.seq} were written by kernel version {newest.kernel_version},"
            f" this build has {KERNEL_VERSION}, and there is no sound snapshot at the end of the"
            f" older entries: start the build of version {newest.kernel_version} again and stop it"
            " in order (it then leaves one), or run `tigerex exchange --snapshot` with it"
        )
