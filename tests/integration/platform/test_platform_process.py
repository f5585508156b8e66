"""Real processes: how they start, stop, fail and say so."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.support.postgres import free_port

pytestmark = pytest.mark.integration

CLEAN = """
import asyncio
from tigerex_platform import process
async def main():
    print("ready", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.1)
        print("drained", flush=True)
process.run(main())
print("after", flush=True)
"""
STUBBORN = """
import asyncio
from tigerex_platform import process
process.DRAIN_S_MAX = 0.3
async def main():
    print("ready", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("no", flush=True)
process.run(main())
"""
FAILING = """
import asyncio
from tigerex_platform import process
async def main():
    print("ready", flush=True)
    raise RuntimeError("broken")
process.run(main())
"""
MEASURED = """
import asyncio, logging, sys
from opentelemetry import trace
from tigerex_platform import process
from tigerex_platform.settings import Settings
from tigerex_platform.telemetry import metrics, setup_telemetry
async def main():
    setup_telemetry(Settings())
    setup_telemetry(Settings())
    for item in metrics.REGISTRY:
        labels = {name: "x" for name in item.labels}
        for act in ("add", "set", "record"):
            if hasattr(item, act):
                getattr(item, act)(1, labels)
    with trace.get_tracer("t").start_as_current_span("s"):
        logging.getLogger("t").info("inside")
    print("ready", flush=True)
    await asyncio.Event().wait()
process.run(main())
"""
WAIT_S_MAX = 20


@contextmanager
def running(program: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate(timeout=WAIT_S_MAX)


def wait_ready(child: "subprocess.Popen[str]") -> list[str]:
    lines = []
    for line in child.stdout:
        lines.append(line)
        if line == "ready\n":
            return lines
    raise AssertionError(child.stderr.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_well(number: signal.Signals) -> None:
    with running(CLEAN) as child:
        wait_ready(child)
        child.send_signal(number)
        output, errors = child.communicate(timeout=WAIT_S_MAX)
        assert (output, errors, child.returncode) == ("drained\nafter\n", "", 0)


def test_a_process_that_does_not_drain_is_ended() -> None:
    with running(STUBBORN) as child:
        wait_ready(child)
        started_s = time.monotonic()
        child.terminate()
        child.wait(WAIT_S_MAX)
        assert child.returncode == 70
        assert time.monotonic() - started_s < 5


def test_a_failure_is_raised() -> None:
    with running(FAILING) as child:
        wait_ready(child)
        _, errors = child.communicate(timeout=WAIT_S_MAX)
        assert child.returncode == 1
        assert "RuntimeError: broken" in errors


def test_every_instrument_reaches_prometheus_under_its_name() -> None:
    from tigerex_platform.telemetry.metrics import REGISTRY

    port = free_port()
    environment = {"TIGEREX_METRICS_LISTEN": f"127.0.0.1:{port}", "TIGEREX_TENANT": "demo"}
    with running(MEASURED, **environment) as child:
        lines = wait_ready(child)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    families = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    for item in REGISTRY:
        assert item.prometheus_name in families, item.name
    line = next(json.loads(line) for line in lines if "inside" in line)
    assert len(line["trace_id"]) == 32
    assert line["tenant"] == "demo"


def cli(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TIGEREX_")}
    return subprocess.run(
        [sys.executable, "-m", "tigerex_services", *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "role",
    [
        *("", "exchange", "bots", "runner", "marketdata", "history", "gateway", "feed"),
        *("migrate", "operator"),
    ],
)
def test_every_role_explains_itself(role: str) -> None:
    done = cli(*([role] if role else []), "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: tigerex {role}".strip())


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["exchange"], {}, "TIGEREX_TENANT"),
        (["bots"], {"TIGEREX_TENANT": "Demo!"}, "TIGEREX_TENANT"),
        (["gateway"], {"TIGEREX_TENANT": "demo", "TIGEREX_LOG_LEVEL": "x"}, "TIGEREX_LOG_LEVEL"),
        (["migrate"], {}, "TIGEREX_DATABASE_URL, TIGEREX_ROLE_PASSWORDS_DIR"),
        (["exchange", "--verify"], {}, "TIGEREX_DATABASE_URL"),
        (
            ["exchange"],
            {"TIGEREX_TENANT": "demo", "TIGEREX_METRICS_LISTEN": "127.0.0.1:0"},
            "TIGEREX_DATABASE_URL",
        ),
        (
            ["feed"],
            {"TIGEREX_TENANT": "demo", "TIGEREX_DATABASE_URL": "postgresql://a:hunter2@h/d"},
            "TIGEREX_DATABASE_URL",
        ),
        (["teapot"], {}, "invalid choice"),
        ([], {}, "ROLE"),
    ],
)
def test_what_is_told_wrongly_is_named_without_a_stack_trace(
    arguments: list[str], environment: dict[str, str], told: str
) -> None:
    done = cli(*arguments, **environment)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "hunter2" not in done.stderr + done.stdout
