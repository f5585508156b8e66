"""The control groups of the node: everything it runs is below one group per hierarchy, removed
with it.
"""

import os
from pathlib import Path
from typing import Final

CGROUP: Final = "tigerex"
SYSTEM: Final = "node"  # the leaf where the components themselves live
ROOT: Final = Path("/sys/fs/cgroup")
CONTROLLERS: Final = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Mount points of the hierarchies: one with cgroup v2, one per controller with v1."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted(
        {folder.resolve() for folder in root.iterdir() if (folder / "cgroup.procs").exists()}
    )


def create(root: Path = ROOT) -> None:
    """Makes the groups; with v2 it also hands every controller down."""
    for hierarchy in hierarchies(root):
        group = hierarchy / CGROUP
        (group / SYSTEM).mkdir(parents=True, exist_ok=True)
        if (hierarchy / "cgroup.controllers").exists():
            for folder in (hierarchy, group):
                _delegate(folder)
        for folder in (group, group / SYSTEM):
            _inherit_cpuset(folder)


def _delegate(folder: Path) -> None:
    available = (folder / "cgroup.controllers").read_text().split()
    control = folder / "cgroup.subtree_control"
    for name in CONTROLLERS:
        if name in available and name not in control.read_text().split():
            control.write_text(f"+{name}")


def _inherit_cpuset(folder: Path) -> None:
    """A new cpuset group of v1 has no CPU and takes no process until it is given some."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        own = folder / file
        if own.exists() and not own.read_text().strip() and (folder.parent / file).exists():
            own.write_text((folder.parent / file).read_text())


def join(pid: int, root: Path = ROOT) -> None:
    """Moves the process, so that the end of the session that started it does not take it along."""
    for hierarchy in hierarchies(root):
        (hierarchy / CGROUP / SYSTEM / "cgroup.procs").write_text(str(pid))


def remove(root: Path = ROOT) -> list[Path]:
    """Removes the empty groups, deepest first; returns those that are still in use."""
    for hierarchy in hierarchies(root):
        for folder, _, _ in os.walk(hierarchy / CGROUP, topdown=False):
            try:
                Path(folder).rmdir()
            except OSError:
                continue
    return [h / CGROUP for h in hierarchies(root) if (h / CGROUP).exists()]
