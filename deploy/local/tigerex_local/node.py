"""The embedded node: one real Kubernetes node made of this host's own processes."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tigerex_local import addresses, cgroups, configs, kubeconfig, network, pki
from tigerex_local.components import STAGES, STOP_ORDER, components
from tigerex_local.errors import LocalError
from tigerex_local.layout import Layout
from tigerex_local.packages import SYSTEM_PATH
from tigerex_local.processes import Process
from tigerex_local.progress import Step, step, wait_until
from tigerex_local.supervisor import Spec

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
# Kubernetes writes to these whatever it is told; in the node they are its own, empty and gone
# with it.
PRIVATE_FOLDERS: Final = (
    "/run/containerd",
    "/run/mount",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
)
# Left empty by the image builder.
BUILDER_FOLDERS: Final = ("/run/containers/networks", "/run/containers")
RESOLV_CONF: Final = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
KUBECONFIGS: Final = (
    "admin",
    "controller-manager",
    "scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
)


class Node:
    """Start, stop and state of the node whose files are at `layout`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def admin_kubeconfig(self) -> Path:
        return self._layout.config / "admin.kubeconfig"

    def process(self) -> Process | None:
        """The node's first process, where it runs."""
        found = Process.read(self._pid_file)
        return found if found is not None and found.alive() else None

    def started_at(self) -> float:
        """When it was started, in seconds since the epoch; 0 when it was not."""
        return self._pid_file.stat().st_mtime if self._pid_file.exists() else 0.0

    def status(self) -> dict[str, Any]:
        """What the first process last reported; state `stopped` when it does not run."""
        if self.process() is None:
            return {"state": "stopped", "detail": "", "components": {}}
        return self._reported()

    def is_serving(self) -> bool:
        """Whether the API server says that it is ready."""
        authority = self._layout.pki / "ca.crt"
        if self.process() is None or not authority.exists():
            return False
        tls = ssl.create_default_context(cafile=str(authority))
        try:
            url = f"{addresses.API_SERVER}/readyz"
            with urllib.request.urlopen(url, timeout=3, context=tls) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def start(self, binaries: Path, pause_image: str) -> bool:
        """Starts the node, or finds it running as wanted and returns False. Objects of before are
        kept.
        """
        spec = self._spec(binaries)
        files = self._files(pause_image)
        wanted = json.dumps([asdict(spec), files], sort_keys=True)
        same = self._wanted_file.exists() and self._wanted_file.read_text() == wanted
        if same and self.status()["state"] == "running" and self.is_serving():
            return False
        self.stop()
        network.refuse_foreign_cluster(self._layout)
        with step("Starting the Kubernetes node") as current:
            self._prepare(files)
            network.prepare(self._layout)
            network.refuse_taken_ports()
            cgroups.create()
            self._wanted_file.write_text(wanted)
            self._launch(spec, current)
        return True

    def stop(self) -> None:
        """Ends every process of the node; its network stays, for the next start or for `remove`."""
        process = self.process()
        if process is not None:
            with step("Stopping the Kubernetes node"):
                process.stop(timeout_s=STOP_TIMEOUT_S)
        shutil.rmtree(self._layout.run, ignore_errors=True)

    def remove(self) -> None:
        """Stops the node and takes back everything it did to the host; its data on disk stays."""
        self.stop()
        network.remove(self._layout)
        left: list[Path] = []

        def emptied() -> bool:
            left[:] = cgroups.remove()
            return not left

        wait_until("removing the node's control groups", emptied, timeout_s=10)
        for folder in (*PRIVATE_FOLDERS, *BUILDER_FOLDERS):
            # Made by `_prepare` where the host had none; a folder with anything in it is not ours.
            if Path(folder).is_dir() and not any(Path(folder).iterdir()):
                Path(folder).rmdir()

    def purge(self) -> None:
        """Deletes the node's data. It must have been removed before."""
        if self.process() is not None:
            raise LocalError("the node runs: stop it before its data is deleted")
        shutil.rmtree(self._layout.state, ignore_errors=True)

    @property
    def _pid_file(self) -> Path:
        return self._layout.run / "node.pid"

    @property
    def _wanted_file(self) -> Path:
        return self._layout.run / "wanted.json"

    def _reported(self) -> dict[str, Any]:
        try:
            reported: dict[str, Any] = json.loads((self._layout.run / "status.json").read_text())
        except (OSError, ValueError):
            return {"state": "starting", "detail": "", "components": {}}
        return reported

    def _spec(self, binaries: Path) -> Spec:
        made = components(self._layout, binaries)
        return Spec(
            stages=[list(stage) for stage in STAGES],
            stop_order=list(STOP_ORDER),
            arguments={name: list(component.arguments) for name, component in made.items()},
            ready={name: component.ready for name, component in made.items()},
            authority=str(self._layout.pki / "ca.crt"),
            logs=str(self._layout.logs),
            status=str(self._layout.run / "status.json"),
            pid_file=str(self._pid_file),
            private=list(PRIVATE_FOLDERS),
            environment={"PATH": f"{binaries}:{SYSTEM_PATH}", "HOME": "/root"},
        )

    def _files(self, pause_image: str) -> Mapping[str, str]:
        return {
            "containerd.toml": configs.containerd(self._layout, pause_image),
            "cni/10-tigerex.conflist": configs.cni(self._layout),
            "kubelet.json": configs.kubelet(self._layout),
            "Corefile": configs.corefile(self._layout),
            "resolv.conf": configs.resolv_conf(RESOLV_CONF),
        }

    def _prepare(self, files: Mapping[str, str]) -> None:
        layout = self._layout
        for folder in (layout.state, layout.run, layout.logs, layout.config, layout.volumes):
            folder.mkdir(parents=True, exist_ok=True)
        layout.state.chmod(0o700)
        for private in PRIVATE_FOLDERS:
            Path(private).mkdir(parents=True, exist_ok=True)
        pki.ensure_pki(layout.pki)
        for name, text in files.items():
            file = layout.config / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for identity in KUBECONFIGS:
            text = kubeconfig.render(layout.pki, identity)
            kubeconfig.write_private(layout.config / f"{identity}.kubeconfig", text)

    def _launch(self, spec: Spec, current: Step) -> None:
        file = self._layout.config / "node.json"
        file.write_text(json.dumps(asdict(spec), indent=1))
        log = (self._layout.logs / "supervisor.log").open("w")
        with log:
            subprocess.run(
                [sys.executable, "-m", "tigerex_local.supervisor", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
                timeout=START_TIMEOUT_S,
                check=False,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            reported = self._reported()
            current.detail = str(reported["detail"])
            if reported["state"] == "running":
                return
            if self.process() is None or time.monotonic() > deadline:
                hint = current.detail or (self._layout.logs / "supervisor.log").read_text().strip()
                raise LocalError(f"the node did not start: {hint} (logs: {self._layout.logs})")
            time.sleep(0.1)
