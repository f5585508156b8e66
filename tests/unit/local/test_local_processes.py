"""A process is its pid and its start time: another process with the same pid is left alone."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tigerex_local.processes import Process, parse_start_time

pytestmark = pytest.mark.unit


def spawn(code: str = "import time; time.sleep(60)") -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


@pytest.fixture
def child() -> "subprocess.Popen[bytes]":
    made = spawn()
    yield made
    made.kill()
    made.wait()
    made.stdout.close()


def test_start_time_survives_any_command_name() -> None:
    fields = ["S", *("0" for _ in range(18)), "4242", "0"]
    assert parse_start_time(f"7 (a) b (c)) {' '.join(fields)}") == 4242


def test_a_zombie_does_not_run() -> None:
    assert parse_start_time(f"7 (x) Z {' '.join(['0'] * 30)}") is None


def test_it_is_written_and_read_back(child: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    process = Process.of(child.pid)
    process.write(tmp_path / "pid")
    assert Process.read(tmp_path / "pid") == process
    assert process.alive()


@pytest.mark.parametrize("text", ["", "12", "12 x", "a b c"])
def test_a_damaged_pid_file_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert Process.read(tmp_path / "pid") is None
    assert Process.read(tmp_path / "none") is None


def test_another_process_with_the_same_pid_is_not_signalled(
    child: "subprocess.Popen[bytes]",
) -> None:
    reused = Process(child.pid, Process.of(child.pid).started + 1)
    assert not reused.alive()
    reused.send(signal.SIGKILL)
    assert reused.stop(timeout_s=0.2)
    assert child.poll() is None


def test_stop_waits_for_the_end(child: "subprocess.Popen[bytes]") -> None:
    process = Process.of(child.pid)
    assert process.stop(timeout_s=5)
    assert not process.alive()


def test_who_ignores_sigterm_is_killed() -> None:
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    stubborn = spawn(f"{ignore}; time.sleep(60)")
    stubborn.stdout.readline()
    process = Process.of(stubborn.pid)
    assert not process.stop(timeout_s=0.3)
    assert stubborn.wait(timeout=5) == -signal.SIGKILL
    stubborn.stdout.close()
