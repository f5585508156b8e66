"""What `tigerex exchange` does beside serving: snapshot, archive, export, statement.

Each prints what it did, or what was asked for, and returns the exit code.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import takewhile

import orjson
import psycopg

from tigerex_core.snapshot import SnapshotError
from tigerex_platform.database import conninfo
from tigerex_platform.errors import InvalidField, NotFound, Refused
from tigerex_platform.settings import Settings
from tigerex_services.directory import Directory
from tigerex_services.exchange.entry import FIRST_SEQ, BrokenChainError, JournalEntry
from tigerex_services.exchange.export import account_name, export_entry
from tigerex_services.exchange.host.recovery import FAULTS
from tigerex_services.exchange.host.snapshots import KernelVersionError, load_names
from tigerex_services.exchange.snapshot_process import archive_of, make_snapshot, snapshot_store
from tigerex_services.exchange.statement import Statement
from tigerex_services.exchange.storage.archival import archive_journal
from tigerex_services.exchange.storage.archive import Archive, ArchiveError
from tigerex_services.exchange.storage.journal import scan
from tigerex_services.stream import rows_of

APPLICATION = "tigerex-tools"
AUTHOR = "tigerex exchange --archive"

STATEMENT_COLUMNS = (
    *("seq", "time_ns", "asset", "why", "available_change", "held_change", "available", "held"),
    *("order", "trade", "other"),
)

_EXPECTED = (
    *FAULTS,
    *(SnapshotError, KernelVersionError, ArchiveError, BrokenChainError),
    *(Refused, NotFound, InvalidField, OSError, psycopg.Error),
)


async def snapshot(settings: Settings) -> int:
    """Make a snapshot of the journal's end."""
    settings.require("database_url")
    try:
        head = await make_snapshot(settings)
    except _EXPECTED as error:
        return _failed(error)
    _say(f"snapshot of entry {head.seq}, kernel version {head.kernel_version}: {head.size} bytes")
    return 0


async def archive(settings: Settings) -> int:
    """Move closed segments of the journal into the archive."""
    settings.require("database_url", "archive_dir")
    assert settings.archive_dir is not None  # noqa: S101 - required above
    try:
        moved = archive_journal(_conninfo(settings), Archive(settings.archive_dir), AUTHOR)
    except _EXPECTED as error:
        return _failed(error)
    for segment in moved:
        _say(f"entries {segment.first_seq} to {segment.last_seq} are in {segment.file}")
    _say(f"{len(moved)} segments archived")
    return 0


async def export(settings: Settings, first: int, last: int) -> int:
    """Print entries `first` to `last` as JSON Lines."""
    settings.require("database_url")
    try:
        directory, known = load_names(snapshot_store(settings))
        for entry in _entries(settings, min(first, known + 1), last):
            if entry.seq < first:
                directory.apply(rows_of(entry.events, entry.kernel_version))
                continue
            for line in export_entry(entry, directory):
                sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    except _EXPECTED as error:
        return _failed(error)
    return 0


async def statement(settings: Settings, account: str, asset: str) -> int:
    """Print every movement of an account (an id, or user/name) as tab separated lines."""
    settings.require("database_url")
    try:
        directory, known = load_names(snapshot_store(settings))
        if not known:
            for entry in _entries(settings, FIRST_SEQ, None):
                directory.apply(rows_of(entry.events, entry.kernel_version))
        for line in statement_lines(
            lambda: _entries(settings, FIRST_SEQ, None), directory, account, asset
        ):
            _say(line)
    except _EXPECTED as error:
        return _failed(error)
    return 0


def statement_lines(
    entries: Callable[[], Iterator[JournalEntry]], directory: Directory, account: str, asset: str
) -> Iterator[str]:
    """The printed statement; raises NotFound for an account or asset that there is not."""
    account_id = _account_id(directory, account)
    wanted = directory.asset(asset).asset_id if asset else 0
    fold = Statement(account_id, directory)
    yield f"# statement of {account_name(directory, account_id)}, account {account_id}"
    yield "\t".join(STATEMENT_COLUMNS)
    for entry in entries():
        for line in fold.apply(entry.seq, rows_of(entry.events, entry.kernel_version)):
            if wanted in (0, line.asset_id):
                of = directory.asset_by_id(line.asset_id)
                amounts = (line.available_change, line.held_change, line.available, line.held)
                about = (line.order_id, line.trade_id)
                other = account_name(directory, line.other_account) if line.other_account else ""
                yield "\t".join(
                    [
                        *(str(line.seq), str(line.time_ns), of.code, line.why),
                        *map(of.from_units, amounts),
                        *(str(number or "") for number in about),
                        str(other),
                    ]
                )
    for asset_id, (available, held) in sorted(fold.balances.items()):
        if wanted in (0, asset_id):
            of = directory.asset_by_id(asset_id)
            yield (
                f"# closing {of.code}: available {of.from_units(available)},"
                f" held {of.from_units(held)}"
            )


def _account_id(directory: Directory, text: str) -> int:
    if text.isdecimal():
        return directory.account(int(text)).account_id
    user, _, name = text.partition("/")
    found = directory.find_account_by_name(directory.find_user(user) or 0, name or "main")
    if found is None:
        raise NotFound("account", text)
    return found.account_id


def _entries(settings: Settings, first: int, last: int | None) -> Iterator[JournalEntry]:
    entries = scan(_conninfo(settings), first, archive_of(settings))
    return entries if last is None else takewhile(lambda entry: entry.seq <= last, entries)


def _conninfo(settings: Settings) -> str:
    return conninfo(settings, application_name=APPLICATION)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _failed(error: Exception) -> int:
    sys.stderr.write(f"tigerex: {error}\n")
    return 1
