"""Reading a capture from disk: numbered lines of a gzip file, whatever state the file is in."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

LINE_BYTES_MAX = 1 << 20  # a depth snapshot of 5,000 levels has about 300 KB
DIGEST_BLOCK_BYTES = 1 << 20


class CaptureError(Exception):
    """The capture cannot be read (further); the message says where and why."""


def digest_of(path: Path) -> bytes:
    """sha256 of the file's bytes: what names a capture. Raises CaptureError."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(DIGEST_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise CaptureError(f"cannot read the capture {path}: {error.strerror}") from error
    return digest.digest()


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line) until the file ends.

    Raises CaptureError where the file is no gzip file, is truncated or has a line without end;
    the lines before have been given out by then.
    """
    number = 0
    try:
        with gzip.open(path, "rb") as file:
            while line := file.readline(LINE_BYTES_MAX):
                number += 1
                if len(line) == LINE_BYTES_MAX and not line.endswith(b"\n"):
                    raise CaptureError(f"line {number} of {path} exceeds {LINE_BYTES_MAX} bytes")
                yield number, line
    except (EOFError, zlib.error, OSError) as error:
        raise CaptureError(f"{path} ends badly after line {number}: {error}") from error
