"""The node's image store: what it holds, and bringing images into it."""

from pathlib import Path
from typing import Final

from tigerex_local.command import run
from tigerex_local.layout import Layout

NAMESPACE: Final = "k8s.io"  # where the kubelet looks
IMPORT_TIMEOUT_S = 300.0


def _ctr(layout: Layout, *arguments: str | Path, timeout_s: float = 30.0) -> str:
    socket = layout.containerd_socket
    return run(
        "ctr", "--address", socket, "--namespace", NAMESPACE, *arguments, timeout_s=timeout_s
    )


def stored_images(layout: Layout) -> set[str]:
    """References of the images in the store."""
    return set(_ctr(layout, "images", "list", "--quiet").split())


def import_image(layout: Layout, reference: str, archive: Path) -> bool:
    """Brings the image in; False when it is there already (references are named by content)."""
    if reference in stored_images(layout):
        return False
    _ctr(
        layout,
        *("images", "import", archive),
        timeout_s=IMPORT_TIMEOUT_S,
    )
    return True


def remove_other_tags(layout: Layout, reference: str) -> None:
    """Forgets older builds of the same image, so that the disk does not fill with them.

    Running containers keep their own snapshots.
    """
    repository = reference.rsplit(":", 1)[0]
    stale = [
        image
        for image in stored_images(layout)
        if image.startswith(f"{repository}:") and image != reference
    ]
    if stale:
        _ctr(layout, "images", "remove", *stale)
