"""Debian packages: what is missing is installed, and said so."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tigerex_local.command import run
from tigerex_local.errors import LocalError
from tigerex_local.progress import step

APT_TIMEOUT_S = 900.0
APT: Final[Mapping[str, str]] = {"DEBIAN_FRONTEND": "noninteractive"}

# A program, or the path (perhaps a pattern) of one, that proves the package -> the package.
NODE_PACKAGES: Final[Mapping[str, str]] = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "ip": "iproute2",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "mount": "mount",
}
TEST_PACKAGES: Final[Mapping[str, str]] = {
    "/usr/lib/postgresql/*/bin/postgres": "postgresql",
    "redis-server": "redis-server",
    "promtool": "prometheus",
    "chromium": "chromium",
}
IMAGE_PACKAGES: Final[Mapping[str, str]] = {"buildah": "buildah", "debootstrap": "debootstrap"}

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Debian keeps daemons in sbin, which is not on every user's PATH.
SEARCH_PATH: Final = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"


def missing_packages(wanted: Mapping[str, str]) -> list[str]:
    """The packages whose program or file is not on this machine."""
    return sorted({package for probe, package in wanted.items() if not _present(probe)})


def _present(probe: str) -> bool:
    if "*" in probe:
        return any(Path("/").glob(probe.removeprefix("/")))
    return shutil.which(probe, path=SEARCH_PATH) is not None


def ensure_packages(wanted: Mapping[str, str]) -> None:
    """Installs what is missing. Raises LocalError where that is not possible: it names the
    packages.
    """
    missing = missing_packages(wanted)
    if not missing:
        return
    names = " ".join(missing)
    if not shutil.which("apt-get"):
        raise LocalError(f"please install these packages (this is not a Debian system): {names}")
    if os.geteuid() != 0:
        raise LocalError(f"please run as root, or first: apt-get install {names}")
    with step(f"Installing the missing Debian packages {names}"):
        run("apt-get", "update", "-q", timeout_s=APT_TIMEOUT_S, env=APT)
        run(
            *("apt-get", "install", "-y", "-q", "--no-install-recommends", *missing),
            timeout_s=APT_TIMEOUT_S,
            env=APT,
        )
