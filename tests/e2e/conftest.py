"""The running cluster of `make up`, for every end-to-end test.

Without one these tests are skipped, and say so; with TIGEREX_E2E=1, as `make test` sets it, a
missing cluster fails them instead: nothing passes for want of being run.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tigerex_local.build import user_tools
from tigerex_local.errors import LocalError
from tigerex_local.kubectl import Kubectl
from tigerex_local.layout import default_layout

LAYOUT = default_layout()
MUST_RUN = os.environ.get("TIGEREX_E2E") == "1"


def unavailable(reason: str) -> None:
    """Skips, or fails where these tests have to run."""
    if MUST_RUN:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster() -> Kubectl:
    """kubectl for the cluster that is up. KUBECONFIG and PATH of this process are set for it as
    well.
    """
    kubeconfig = Path(os.environ.get("KUBECONFIG") or LAYOUT.kubeconfig)
    if not kubeconfig.exists():
        unavailable("no cluster is up: `make up` brings one")
    os.environ["KUBECONFIG"] = str(kubeconfig)
    os.environ["PATH"] += f":{user_tools(LAYOUT)}"
    kubectl = Kubectl("kubectl", kubeconfig)
    try:
        kubectl("get", "--raw", "/readyz", timeout_s=15)
    except LocalError as error:
        unavailable(f"the cluster of {kubeconfig} does not answer: {error}")
    return kubectl


@pytest.fixture(scope="session")
def sample_env(cluster: Kubectl) -> None:
    """The sample exchange is up, and the variables of `.local/env` are those of this process."""
    if not LAYOUT.env.exists():
        unavailable("the samples are not up: `make up` brings them and writes .local/env")
    command = ["bash", "-c", f". {LAYOUT.env} && env -0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    os.environ.update(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)


@pytest.fixture
def namespace(cluster: Kubectl) -> Iterator[str]:
    """A namespace of the test's own, gone after it."""
    name = f"e2e-{secrets.token_hex(4)}"
    cluster("create", "namespace", name)
    yield name
    cluster("delete", "namespace", name, "--wait=false")
