"""Processes by pid and start time: a pid alone may have been given to someone else since."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this boot; `started` is in clock ticks since boot, from /proc/<pid>/stat."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The process that has `pid` now."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started)

    @classmethod
    def read(cls, file: Path) -> "Process | None":
        """From a pid file; None when there is none, or nothing sensible in it."""
        try:
            pid, started = file.read_text().split()
            return cls(int(pid), int(started))
        except (OSError, ValueError):
            return None

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(file.name + ".new")
        fresh.write_text(f"{self.pid} {self.started}\n")
        fresh.replace(file)

    def alive(self) -> bool:
        return _start_time(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, to this very process only."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def stop(self, *, timeout_s: float) -> bool:
        """SIGTERM, then SIGKILL after `timeout_s`. Whether it ended on SIGTERM."""
        self.send(signal.SIGTERM)
        if self.wait(timeout_s=timeout_s):
            return True
        self.send(signal.SIGKILL)
        self.wait(timeout_s=timeout_s)
        return False

    def wait(self, *, timeout_s: float) -> bool:
        """Whether it was gone within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True


def parse_start_time(stat: str) -> int | None:
    """Field 22 of /proc/<pid>/stat; None for a zombie, which runs no more.

    The command name, field 2, may itself hold spaces and brackets.
    """
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _start_time(pid: int) -> int | None:
    try:
        return parse_start_time(Path(f"/proc/{pid}/stat").read_text())
    except (OSError, ValueError):
        return None
