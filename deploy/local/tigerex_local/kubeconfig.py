"""Writes kubeconfigs: with everything inside, so that a copy works anywhere on this host."""

import base64
import json
from pathlib import Path

from tigerex_local import addresses


def render(pki: Path, identity: str) -> str:
    """A kubeconfig (JSON is YAML) for the certificate `identity` of `pki`."""

    def embedded(file: str) -> str:
        return base64.b64encode((pki / file).read_bytes()).decode()

    name = addresses.NODE_NAME
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": addresses.API_SERVER,
                    "certificate-authority-data": embedded("ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": identity,
                "user": {
                    "client-certificate-data": embedded(f"{identity}.crt"),
                    "client-key-data": embedded(f"{identity}.key"),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": identity}}],
        "current-context": name,
    }
    return json.dumps(document, indent=1) + "\n"


def write_private(path: Path, text: str) -> None:
    """Replaces the file in one piece, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)
