"""Generates the Python stubs of `protos/` into `build/stubs` when the distribution is built.

The proto packages start with `tigerex`, also the import root, so the stubs need no rewriting.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProtoStubs(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        root = Path(self.root)
        protos, stubs = root / "protos", root / "build" / "stubs"
        fresh = root / "build" / "stubs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        files = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}"]
        command += [f"--plugin={_plugin(name)}" for name in ("mypy", "mypy_grpc")]
        kinds = ("python", "grpc_python", "mypy", "mypy_grpc")
        subprocess.run([*command, *(f"--{kind}_out={fresh}" for kind in kinds), *files], check=True)
        shutil.rmtree(stubs, ignore_errors=True)
        fresh.rename(stubs)


def _plugin(name: str) -> str:
    # In an isolated build the plugins sit beside the interpreter, which need not be on PATH.
    program = f"protoc-gen-{name}"
    path = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if path is None:
        raise FileNotFoundError(f"{program} is not installed; it comes with mypy-protobuf")
    return f"{program}={path}"
