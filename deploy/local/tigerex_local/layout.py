"""Where things are: the checkout, the cache (built once, shared by checkouts) and the node's state.

Nothing that is built or downloaded lands in the checkout; only `.local/` (kubeconfig, env) does.
"""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Layout:
    """All folders, derived from three roots."""

    repository: Path
    cache: Path
    state: Path

    @property
    def node_source(self) -> Path:
        return self.repository / "deploy" / "local" / "node"

    @property
    def local(self) -> Path:
        return self.repository / ".local"

    @property
    def kubeconfig(self) -> Path:
        """The one kubeconfig that users and tests take, whichever cluster it is."""
        return self.local / "kubeconfig"

    @property
    def env(self) -> Path:
        return self.local / "env"

    @property
    def archives(self) -> Path:
        """OCI archives of built images, named by content."""
        return self.cache / "images"

    @property
    def build_logs(self) -> Path:
        return self.cache / "logs"

    @property
    def run(self) -> Path:
        """Sockets, pid file, container bundles: worth nothing once the node is stopped."""
        return self.state / "run"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def volumes(self) -> Path:
        """Where the default StorageClass keeps its volumes."""
        return self.state / "volumes"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"


def default_layout() -> Layout:
    """From TIGEREX_CACHE (~/.cache/tigerex) and TIGEREX_STATE (/var/lib/tigerex)."""
    cache = os.environ.get("TIGEREX_CACHE")
    return Layout(
        repository=REPOSITORY,
        cache=Path(cache) if cache else Path.home() / ".cache" / "tigerex",
        state=Path(os.environ.get("TIGEREX_STATE", "/var/lib/tigerex")),
    )
