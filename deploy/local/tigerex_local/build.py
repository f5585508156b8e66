"""Builds the node's programs from Go modules, once per content of their sources, into the cache."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigerex_local.command import run
from tigerex_local.layout import Layout
from tigerex_local.progress import Step, step
from tigerex_local.toolchain import find_go

KUBERNETES: Final = "v1.35.4"  # the last minor that works with Debian 12's containerd 1.6
BUILD_TIMEOUT_S = 2400.0  # one program, everything cold, on a slow and busy machine
COMPONENTS: Final = (
    "coredns",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
USER_TOOLS: Final = ("kubectl", "helm")

_VERSION_VARIABLES: Final = {
    "k8s.io/component-base/version.gitVersion": KUBERNETES,
    "k8s.io/component-base/version.gitMajor": KUBERNETES.split(".")[0][1:],
    "k8s.io/component-base/version.gitMinor": KUBERNETES.split(".")[1],
    "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES,
}


@dataclass(frozen=True, slots=True)
class Program:
    """One Go program: its package in the module node/, and extra build arguments."""

    name: str
    package: str
    arguments: tuple[str, ...] = ()
    linker: str = ""


PROGRAMS: Final = (
    Program(
        name="node",
        package=".",
        arguments=("-tags", "selinux,notest"),
        linker=" ".join(f"-X {name}={value}" for name, value in _VERSION_VARIABLES.items()),
    ),
    Program(name="helm", package="helm.sh/helm/v3/cmd/helm"),
    Program(name="local-path-provisioner", package="github.com/rancher/local-path-provisioner"),
    Program(name="pause", package="./pause"),
    Program(name="metrics-server", package="./metrics-server"),
)


def source_hash(source: Path, programs: Sequence[Program] = PROGRAMS) -> str:
    """Names a build: everything that decides its result is in it."""
    digest = hashlib.sha256(repr(programs).encode())
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(source)).encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def binaries(layout: Layout) -> Path:
    """The folder of the built programs, whether or not they are built yet."""
    return layout.cache / "node" / source_hash(layout.node_source) / "bin"


def ensure_binaries(layout: Layout) -> Path:
    """Builds what is not in the cache yet; the folder appears only when everything in it is
    complete.
    """
    folder = binaries(layout)
    if folder.exists():
        return folder
    partial = folder.with_name("bin.partial")
    partial.mkdir(parents=True, exist_ok=True)
    go = find_go(layout)
    with step("Building Kubernetes from its Go modules (once; minutes when cold)") as current:
        for number, program in enumerate(PROGRAMS, start=1):
            current.detail = f"{program.name}, {number} of {len(PROGRAMS)}"
            _build(go, program, partial, layout, current)
    for name in COMPONENTS:
        link = partial / name
        link.unlink(missing_ok=True)
        link.symlink_to("node")
    tools = partial.with_name("tools")
    tools.mkdir(exist_ok=True)
    for name in USER_TOOLS:
        link = tools / name
        link.unlink(missing_ok=True)
        link.symlink_to(folder / name)
    partial.rename(folder)
    return folder


def user_tools(layout: Layout) -> Path:
    """A folder for PATH: only the programs that are of use to people."""
    return binaries(layout).with_name("tools")


def _build(go: Path, program: Program, folder: Path, layout: Layout, current: Step) -> None:
    output = folder / program.name
    if output.exists():  # left by an interrupted build: `go build` writes a program in one piece
        return
    fresh = output.with_suffix(".new")
    run(
        go,
        *("build", "-trimpath", "-buildvcs=false", *program.arguments),
        *("-ldflags", f"-s -w {program.linker}".strip()),
        *("-o", fresh),
        program.package,
        cwd=layout.node_source,
        # Static programs need no C compiler and run in images that hold nothing else.
        env={"CGO_ENABLED": "0", "GOFLAGS": "", "PATH": f"{go.parent}:{os.environ['PATH']}"},
        timeout_s=BUILD_TIMEOUT_S,
        log=layout.build_logs / f"build-{program.name}.log",
    )
    shutil.move(fresh, output)
    print(f"    {program.name} built ({output.stat().st_size >> 20} MB){_elapsed(current)}")


def _elapsed(current: Step) -> str:
    line = current.line()
    return line[line.rindex(" (") :]
