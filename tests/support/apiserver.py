"""A bare control plane of the test's own: etcd and the API server, no node and no controllers.

Enough to prove what the API server itself decides (schemas, CEL rules, defaults, server-side apply,
finalizers) and to run the operator against a real watch. Nothing outside its directory is touched.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 15

# Where `make up` keeps the binaries that it built; the variable names another folder.
BINARIES_VARIABLE = "TIGEREX_KUBE_BINARIES"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "tigerex"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Address and credentials of a running API server."""

    url: str
    kubeconfig: Path

    def kubectl(
        self, *arguments: str, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl as cluster admin and returns what it said, whatever its exit code."""
        return subprocess.run(
            ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def get(self, *arguments: str) -> dict:
        """The object, or the list, that `kubectl get` finds."""
        answer = self.kubectl("get", *arguments, "-o", "json")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def apply(self, *objects: dict) -> None:
        """Applies the objects and fails where the API server refuses one."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        answer = self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
        assert answer.returncode == 0, answer.stderr


def find_binary(name: str) -> Path | None:
    """A control plane binary: of the variable's folder, of the cache of `make up`, or of PATH."""
    folders = [Path(value)] if (value := os.environ.get(BINARIES_VARIABLE)) else []
    candidates = [folder / name for folder in folders]
    candidates += sorted(CACHE.glob(f"**/{name}")) if CACHE.exists() else []
    found = next((path for path in candidates if path.exists()), None)
    return found or (Path(path) if (path := shutil.which(name)) else None)


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Runs etcd and an API server in `folder` until the block ends.

    Raises:
        FileNotFoundError: the binaries are nowhere; `make up` builds them.
    """
    etcd, apiserver = find_binary("etcd"), find_binary("kube-apiserver")
    if etcd is None or apiserver is None:
        raise FileNotFoundError(
            f"etcd and kube-apiserver: run `make up` once, or set {BINARIES_VARIABLE}"
        )
    client, peer, secure = _free_ports(3)
    _service_account_key(folder)
    plane = ControlPlane(f"https://127.0.0.1:{secure}", folder / "kubeconfig")
    _write_kubeconfig(plane, folder)
    store = _start(folder, "etcd", [
        str(etcd), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync",
        f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
    ])  # fmt: skip
    server = _start(folder, "kube-apiserver", [
        str(apiserver), f"--etcd-servers=http://127.0.0.1:{client}", f"--secure-port={secure}",
        "--bind-address=127.0.0.1", f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}", "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.97.0.0/24",
        f"--service-account-key-file={folder / 'sa.pub'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--api-audiences=https://kubernetes.default.svc",
        "--disable-admission-plugins=ServiceAccount",
    ])  # fmt: skip
    try:
        _wait_ready(plane, server)
        yield plane
    finally:
        # The API server first: without etcd it does not end on SIGTERM.
        _stop(server)
        _stop(store)


def _start(folder: Path, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS_MAX)


def _wait_ready(plane: ControlPlane, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert server.poll() is None, "the API server ended; see kube-apiserver.log"
        with suppress(subprocess.TimeoutExpired):
            if plane.kubectl("get", "--raw=/readyz").returncode == 0:
                return
        time.sleep(0.3)
    raise TimeoutError(f"the API server is not ready after {START_SECONDS_MAX} s")


def _write_kubeconfig(plane: ControlPlane, folder: Path) -> None:
    token = base64.urlsafe_b64encode(os.urandom(24)).decode()
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "test", "cluster": {"server": plane.url, "insecure-skip-tls-verify": True}}
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    plane.kubeconfig.write_text(json.dumps(config))


def _service_account_key(folder: Path) -> None:
    key, public = folder / "sa.key", folder / "sa.pub"
    for command in (
        ["openssl", "genrsa", "-out", str(key), "2048"],
        ["openssl", "rsa", "-in", str(key), "-pubout", "-out", str(public)],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports
