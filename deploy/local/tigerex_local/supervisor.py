"""The first process of the node: it lives in its own pid and mount namespace and runs the
components.

What a container runtime leaves behind when it dies (shims, containers, mounts, network
namespaces) lives in those two namespaces too, so it ends with this process, whichever way this
process ends: the kernel sees to it. The network is the host's, so that NodePorts answer at
127.0.0.1.

Only the standard library and three small modules of ours are imported: this runs as long as the
node does.
"""

import ctypes
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tigerex_local import cgroups
from tigerex_local.processes import Process

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWPID: Final = 0x20000000
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
TICK_S: Final = 0.2
READY_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 10.0  # for each component
PODS_TIMEOUT_S: Final = 8.0  # for the processes of all pods together
RESTARTS_MAX: Final = 20  # of one component, without STABLE_S between them
RESTART_DELAY_MAX_S: Final = 10.0
STABLE_S: Final = 120.0
LOG_BYTES_MAX: Final = 50 << 20


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run. `private` folders get an empty tmpfs of the node's own, hidden from the host."""

    stages: list[list[str]]
    stop_order: list[str]
    arguments: dict[str, list[str]]
    ready: dict[str, str]
    authority: str
    logs: str
    status: str
    pid_file: str
    private: list[str]
    environment: dict[str, str]

    @classmethod
    def read(cls, file: Path) -> "Spec":
        return cls(**json.loads(file.read_text()))


@dataclass(slots=True)
class Running:
    """A component under way, or waiting for its restart (pid 0)."""

    pid: int = 0
    since: float = 0.0
    restarts: int = 0
    restart_at: float = field(default=0.0)


def main() -> None:
    """`python -m tigerex_local.supervisor SPEC`: returns in the caller once the node's first
    process runs.
    """
    spec = Spec.read(Path(sys.argv[1]))
    cgroups.join(os.getpid())
    _unshare(CLONE_NEWNS | CLONE_NEWPID)
    pid = os.fork()
    if pid:
        first = Process.of(pid)
        if first is None:
            raise SystemExit("the node's first process ended at once")
        first.write(Path(spec.pid_file))
        return
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    _private_mounts(spec.private)
    Supervisor(spec).run()


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def _private_mounts(folders: list[str]) -> None:
    def mount(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True, timeout=STOP_TIMEOUT_S)

    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    for folder in folders:
        mount("-t", "tmpfs", "-o", "mode=0755", "tigerex", folder)
    # Within the node, mounts are shared, as the kubelet expects of a host.
    mount("--make-rshared", "/")


class Supervisor:
    """Starts in stages, restarts what ends, stops in order."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._running = {name: Running() for stage in spec.stages for name in stage}
        self._tls = ssl.create_default_context(cafile=spec.authority)
        self._stopping = False

    def run(self) -> None:
        try:
            for stage in self._spec.stages:
                self._report("starting", ", ".join(stage))
                for name in stage:
                    self._start(name)
                self._await_ready(stage)
            self._report("running")
            while not self._stopping:
                self._tick()
        except RuntimeError as error:
            self._stop_all()
            self._report("failed", str(error))
            raise SystemExit(1) from error
        self._report("stopping")
        self._stop_all()
        self._report("stopped")

    def _start(self, name: str) -> None:
        log = Path(self._spec.logs) / f"{name}.log"
        fresh = os.O_TRUNC if log.exists() and log.stat().st_size > LOG_BYTES_MAX else os.O_APPEND
        arguments = self._spec.arguments[name]
        state = self._running[name]
        state.since = time.monotonic()
        state.pid = os.posix_spawnp(
            arguments[0],
            arguments,
            self._spec.environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | fresh, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=SIGNALS,
        )

    def _await_ready(self, names: list[str]) -> None:
        waiting = {name for name in names if self._spec.ready.get(name)}
        deadline = time.monotonic() + READY_TIMEOUT_S
        while waiting and not self._stopping:
            self._tick()
            waiting = {name for name in waiting if not self._is_ready(name)}
            if waiting and time.monotonic() > deadline:
                raise RuntimeError(f"{', '.join(sorted(waiting))} not ready: see {self._spec.logs}")

    def _is_ready(self, name: str) -> bool:
        probe = self._spec.ready[name]
        if probe.startswith("unix:"):
            return Path(probe.removeprefix("unix:")).exists()
        try:
            with urllib.request.urlopen(probe, timeout=2, context=self._tls) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _tick(self) -> None:
        """Waits a moment for a signal; then buries the dead and restarts the components among
        them.
        """
        received = signal.sigtimedwait(SIGNALS, TICK_S)
        if received is not None and received.si_signo in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
        self._reap()
        if self._stopping:
            return
        now = time.monotonic()
        for name, state in self._running.items():
            if state.pid == 0 and state.restart_at and now >= state.restart_at:
                state.restart_at = 0.0
                self._start(name)
                self._report("running")

    def _reap(self) -> None:
        for pid in _dead_children():
            for name, state in self._running.items():
                if state.pid == pid:
                    state.pid = 0
                    if not self._stopping:
                        self._plan_restart(name, state)

    def _plan_restart(self, name: str, state: Running) -> None:
        now = time.monotonic()
        state.restarts = 1 if now - state.since > STABLE_S else state.restarts + 1
        if state.restarts > RESTARTS_MAX:
            raise RuntimeError(f"{name} keeps ending: see {self._spec.logs}/{name}.log")
        state.restart_at = now + min(0.1 * 2**state.restarts, RESTART_DELAY_MAX_S)

    def _stop_all(self) -> None:
        """The components that start pods first, then the pods, then what those still talked to."""
        self._stopping = True
        if "kubelet" in self._running:
            self._stop(self._spec.stop_order[0])
        self._stop_pods()
        for name in self._spec.stop_order[1:]:
            self._stop(name)

    def _stop(self, name: str) -> None:
        state = self._running[name]
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + STOP_TIMEOUT_S
            if state.pid:
                os.kill(state.pid, number)
            while state.pid and time.monotonic() < deadline:
                self._tick()

    def _stop_pods(self) -> None:
        """SIGTERM to every process of this namespace that is neither a component nor a shim."""
        ours = {state.pid for state in self._running.values()} | {1}
        deadline = time.monotonic() + PODS_TIMEOUT_S
        signalled: set[int] = set()
        while time.monotonic() < deadline:
            left = [pid for pid in _namespace_pids() if pid not in ours and not _is_shim(pid)]
            if not left:
                return
            for pid in left:
                if pid not in signalled:
                    signalled.add(pid)
                    _terminate(pid)
            self._tick()

    def _report(self, state: str, detail: str = "") -> None:
        document = {
            "state": state,
            "detail": detail,
            "components": {
                name: {"restarts": running.restarts, "up": running.pid != 0}
                for name, running in self._running.items()
            },
        }
        status = Path(self._spec.status)
        fresh = status.with_name(status.name + ".new")
        fresh.write_text(json.dumps(document))
        fresh.replace(status)


def _dead_children() -> list[int]:
    """Every child that has ended, orphans of the namespace included."""
    dead: list[int] = []
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return dead
        if pid == 0:
            return dead
        dead.append(pid)


def _namespace_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _is_shim(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("containerd-shim")
    except OSError:
        return True  # it has ended meanwhile


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
