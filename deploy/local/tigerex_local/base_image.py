"""The Debian base image, where no registry is at hand, of Debian's own packages by debootstrap."""

import shutil
from pathlib import Path
from typing import Final

from tigerex_local.command import run
from tigerex_local.layout import Layout
from tigerex_local.progress import step

BASE_IMAGE: Final = "docker.io/library/debian:bookworm-slim"
SUITE: Final = "bookworm"
TIMEOUT_S = 900.0
# What Debian's own slim image leaves out as well.
_LEFT_OUT: Final = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
)


def ensure_rootfs(layout: Layout) -> Path:
    """A minimal root file system, made once."""
    rootfs = layout.cache / "base" / SUITE
    if rootfs.exists():
        return rootfs
    partial = rootfs.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    with step("Making the Debian base image with debootstrap (once)"):
        run(
            *("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, partial),
            timeout_s=TIMEOUT_S,
            log=layout.build_logs / "debootstrap.log",
        )
        for folder in _LEFT_OUT:
            for entry in (partial / folder).iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        partial.rename(rootfs)
    return rootfs
