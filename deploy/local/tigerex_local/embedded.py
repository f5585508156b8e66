"""The embedded cluster, from nothing to `Ready`: programs, images, node, add-ons."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from tigerex_local import addons, addresses, kubeconfig
from tigerex_local.base_image import BASE_IMAGE
from tigerex_local.build import ensure_binaries
from tigerex_local.buildah import Buildah
from tigerex_local.containerd import import_image
from tigerex_local.errors import CommandError
from tigerex_local.images import archive_of
from tigerex_local.kubectl import Kubectl
from tigerex_local.layout import Layout
from tigerex_local.node import Node
from tigerex_local.oci import ProgramImage, write_archive
from tigerex_local.packages import IMAGE_PACKAGES, NODE_PACKAGES, ensure_packages
from tigerex_local.progress import step, wait_until

READY_TIMEOUT_S = 120.0
STORAGE_TIMEOUT_S = 120.0
STORAGE_NAMESPACE: Final = "local-path-storage"
STORAGE_APP: Final = "local-path-provisioner"


def up(layout: Layout) -> Kubectl:
    """Brings the cluster up, or finds it up; returns a kubectl for it."""
    ensure_packages({**NODE_PACKAGES, **IMAGE_PACKAGES})
    binaries = ensure_binaries(layout)
    images = build_images(layout, binaries)
    archives = dict(images.values())
    references = {role: reference for role, (reference, _) in images.items()}
    node = Node(layout)
    node.start(binaries, references["pause"])
    kubectl = Kubectl(binaries / "kubectl", node.admin_kubeconfig)
    with step("Waiting for the node to be Ready"):
        for reference, archive in archives.items():
            import_image(layout, reference, archive)
        addons.apply(kubectl, layout, references)
        wait_until("node Ready", lambda: is_ready(kubectl), timeout_s=READY_TIMEOUT_S)
    kubeconfig.write_private(layout.kubeconfig, node.admin_kubeconfig.read_text())
    return kubectl


def wait_for_storage(layout: Layout, kubectl: Kubectl) -> None:
    """The first pod runs: storage can be claimed. (Metrics come by themselves, with their first
    interval.)

    After a restart the API server still shows the pods as they were; what counts is a container
    that was started by this node. When this one is seen running anew, every other pod has been
    looked at as well.
    """
    with step("Waiting for storage"):
        since = datetime.fromtimestamp(Node(layout).started_at(), UTC)
        wait_until(
            "the storage provisioner",
            partial(has_ready_pod, kubectl, STORAGE_NAMESPACE, STORAGE_APP, since),
            timeout_s=STORAGE_TIMEOUT_S,
        )


def has_ready_pod(kubectl: Kubectl, namespace: str, app: str, since: datetime) -> bool:
    """Whether a container of the app was started after `since` (to the second) and is ready."""
    try:
        pods = kubectl.get("pods", f"--namespace={namespace}", f"--selector=app={app}")["items"]
    except CommandError:
        return False
    statuses = [s for pod in pods for s in pod["status"].get("containerStatuses", [])]
    return any(
        status["ready"]
        and datetime.fromisoformat(status["state"]["running"]["startedAt"])
        >= since.replace(microsecond=0)
        for status in statuses
        if "running" in status["state"]
    )


def is_ready(kubectl: Kubectl) -> bool:
    """Whether the node's condition Ready is true."""
    try:
        node = kubectl.get("node", addresses.NODE_NAME)
    except CommandError:
        return False
    conditions = node["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def build_images(layout: Layout, binaries: Path) -> dict[str, tuple[str, Path]]:
    """Role -> (reference, archive) of the images that the node itself needs."""
    programs = {
        "pause": ProgramImage("pause", binaries / "pause"),
        "metrics": ProgramImage("metrics-server", binaries / "metrics-server"),
        "provisioner": ProgramImage("local-path-provisioner", binaries / "local-path-provisioner"),
    }
    images: dict[str, tuple[str, Path]] = {}
    for role, image in programs.items():
        reference = image.reference()
        archive = archive_of(layout, reference)
        if not archive.exists():
            write_archive(image, archive)
        images[role] = (reference, archive)
    images["base"] = (BASE_IMAGE, _base_archive(layout))
    return images


def _base_archive(layout: Layout) -> Path:
    archive = layout.archives / "debian-bookworm-slim.tar"
    if not archive.exists():
        buildah = Buildah(layout)
        buildah.ensure_base()
        buildah.export(BASE_IMAGE, archive)
    return archive
