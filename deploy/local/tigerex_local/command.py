"""Runs programs: always an argument list, always a bound on the time, and an error that shows the
output.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tigerex_local.errors import CommandError, LocalError

DEFAULT_TIMEOUT_S = 60.0


def run(
    *command: str | Path,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    log: Path | None = None,
) -> str:
    """Standard output of `command`; `env` is added to ours; with `log`, all output goes to that
    file instead.

    Raises CommandError with the last lines of the output.
    """
    words = [str(word) for word in command]
    shown = shlex.join(words[:6]) + (" …" if len(words) > 6 else "")
    environment = {**os.environ, **(env or {})}
    try:
        if log is not None:
            return _run_logged(words, shown, log, timeout_s, environment, cwd)
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as error:
        raise LocalError(f"{words[0]} is not installed (needed for: {shown})") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(shown, f"did not end within {timeout_s:.0f} s") from error
    if done.returncode != 0:
        raise CommandError(shown, f"exit status {done.returncode}", done.stderr or done.stdout)
    return done.stdout


def _run_logged(
    words: Sequence[str],
    shown: str,
    log: Path,
    timeout_s: float,
    environment: Mapping[str, str],
    cwd: Path | None,
) -> str:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            env=environment,
            cwd=cwd,
            check=False,
        )
    if done.returncode != 0:
        reason = f"exit status {done.returncode}; the whole output is in {log}"
        raise CommandError(shown, reason, log.read_text(errors="replace"))
    return ""


def succeeds(*command: str | Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> bool:
    """Whether `command` can be run and ends well."""
    try:
        run(*command, timeout_s=timeout_s)
    except LocalError:
        return False
    return True
