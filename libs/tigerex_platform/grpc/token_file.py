"""The process's own token: the kubelet replaces the file well before the token expires."""

import time
from pathlib import Path

from tigerex_platform.errors import Unavailable
from tigerex_platform.settings import read_secret

RECHECK_S = 5.0


class TokenFile:
    """A token that is read again when its file has changed; looked at every few seconds at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""
        self._version: tuple[int, int] | None = None
        self._checked_s = float("-inf")

    def read(self) -> str:
        """The token. Raises Unavailable when it cannot be read and none was read before."""
        now_s = time.monotonic()
        if now_s - self._checked_s >= RECHECK_S or not self._token:
            self._checked_s = now_s
            self._reload()
        return self._token

    def _reload(self) -> None:
        try:
            # A projected volume swaps a symlink: another inode, perhaps the same time.
            status = self._path.stat()
            version = (status.st_ino, status.st_mtime_ns)
            if version != self._version:
                self._token = read_secret(self._path)
                self._version = version
        except OSError as error:
            if not self._token:
                raise Unavailable(f"the service-account token cannot be read: {error}") from error
