"""The same commands by this kernel and by that of a base commit, in processes of their own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.bench.core.workload import Workload

ROOT = Path(__file__).parents[3]
KERNEL = "libs/tigerex_core"
MAIN_BRANCHES = ("origin/main", "main")
ANSWER_S_MAX = 600


class CannotCompareError(Exception):
    """There is no other kernel to compare with; says why."""


@dataclass(frozen=True, slots=True)
class BaseKernel:
    """Sources of the kernel at a commit, below `libs` in a folder."""

    commit: str
    folder: Path


class Worker:
    """A process that runs one workload whenever it is asked."""

    def __init__(self, sources: Path, cache: Path, workload: Path) -> None:
        self._process = subprocess.Popen(
            _command("runs", str(workload)),
            cwd=ROOT,
            env=environment(sources, cache),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.load_s = float(self._read()["seconds"])

    def run(self) -> dict[str, Any]:
        """`command_ns`, `events` and `rejected` of one run."""
        assert self._process.stdin is not None
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=ANSWER_S_MAX)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait(timeout=ANSWER_S_MAX)
            raise CannotCompareError(f"the other kernel's process ended with code {code}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def load_s(cache: Path) -> float:
    """Seconds until this kernel is ready in a new process: compiled where the cache is empty."""
    answer = subprocess.run(
        _command("times"),
        cwd=ROOT,
        env=environment(ROOT, cache),
        capture_output=True,
        text=True,
        check=True,
        timeout=ANSWER_S_MAX,
    )
    return float(json.loads(answer.stdout)["seconds"])


def environment(sources: Path, cache: Path) -> dict[str, str]:
    """For a process whose kernel is that of `sources`, compiled into `cache`."""
    path = os.pathsep.join((str(sources / "libs"), str(ROOT)))
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return {**kept, "PYTHONPATH": path, "TIGEREX_NUMBA_CACHE": str(cache)}


def base_kernel(folder: Path) -> BaseKernel:
    """The kernel of the base commit: that of BASE, else the point where this branch left main, else
    the commit before. Raises CannotCompareError.
    """
    commit = _base_commit()
    archive = subprocess.run(
        ["git", "archive", commit, KERNEL], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        raise CannotCompareError(f"commit {commit[:12]} has no {KERNEL}")
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    if _sources(folder) == _sources(ROOT):
        raise CannotCompareError(f"the kernel is that of the base commit {commit[:12]}")
    return BaseKernel(commit, folder)


def save(workload: Workload, path: Path) -> None:
    """For workers."""
    arrays = {f"setup.{name}": values for name, values in workload.setup.items()}
    arrays |= {f"commands.{name}": values for name, values in workload.commands.items()}
    np.savez(path, **arrays)  # type: ignore[arg-type]  # its stubs take no mapping


def _base_commit() -> str:
    asked = os.environ.get("BASE", "")
    if asked:
        return _commit(asked) or _unknown(asked)
    head = _commit("HEAD")
    for branch in MAIN_BRANCHES:
        if _commit(branch):
            base = _git("merge-base", "HEAD", branch)
            if base and base != head:
                return base
    return _commit("HEAD~1") or _unknown("HEAD~1")


def _unknown(name: str) -> str:
    shallow = _git("rev-parse", "--is-shallow-repository") == "true"
    advice = "the history is shallow: git fetch --unshallow" if shallow else "set BASE to a commit"
    raise CannotCompareError(f"there is no commit {name}; {advice}")


def _commit(name: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


def _git(*arguments: str) -> str:
    """What git says; empty when it fails."""
    answer = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _sources(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / KERNEL).glob("*.py")}


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.core.worker", *arguments]
