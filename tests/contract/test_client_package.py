"""The Python client is a wheel of its own: it installs beside nothing of the server."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
UV = os.environ.get("UV") or shutil.which("uv") or Path.home() / ".cache/tigerex/uv/bin/uv"
DONE_S_MAX = 120
INSTALLED = {
    "anyio", "certifi", "h11", "httpcore", "httpx", "idna", "tigerex-client", "typing_extensions",
    "websockets",
}  # fmt: skip
# Prints what a user of the wheel gets: its version, its dependencies, what it brings along.
SCRIPT = """
import importlib.metadata, importlib.resources, importlib.util
import tigerex_client
print(importlib.metadata.version("tigerex-client"))
print(*sorted(importlib.metadata.requires("tigerex-client")))
print(*sorted(each.metadata["Name"].lower() for each in importlib.metadata.distributions()))
print(importlib.util.find_spec("tigerex_platform"), importlib.util.find_spec("pydantic"))
print((importlib.resources.files("tigerex_client") / "py.typed").is_file())
"""


def run(*arguments: str | Path, **variables: str | Path) -> str:
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=DONE_S_MAX,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_installs_and_imports_without_the_server(tmp_path: Path) -> None:
    run(UV, "build", "--wheel", "--quiet", "--out-dir", tmp_path / "dist", "clients/python")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wheel.name == "tigerex_client-0.1.0-py3-none-any.whl"
    run(UV, "venv", "--quiet", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    # What uv.lock says of the client, from uv's cache, and then the wheel itself.
    run(UV, "sync", "--frozen", "--offline", "--quiet", "--no-dev", "--package", "tigerex-client",
        "--no-install-workspace", UV_PROJECT_ENVIRONMENT=tmp_path / "venv")  # fmt: skip
    run(UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel)
    run(UV, "pip", "check", "--quiet", "--python", python)
    version, requires, installed, others, typed = run(python, "-Ic", SCRIPT).splitlines()
    assert version == "0.1.0"
    assert requires == "httpx>=0.28 websockets>=15"
    assert set(installed.split()) == INSTALLED
    assert others == "None None"
    assert typed == "True"
