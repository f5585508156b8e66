"""What a bare node lacks: DNS permissions, the default StorageClass, metrics."""

from pathlib import Path
from string import Template

from tigerex_local.kubectl import Kubectl
from tigerex_local.layout import Layout

FOLDER = Path(__file__).parent / "addons"


def render(layout: Layout, images: dict[str, str]) -> str:
    """All manifests; `images` has the references `base`, `provisioner` and `metrics`."""
    values = {f"{name}_image": reference for name, reference in images.items()}
    values["volumes"] = str(layout.volumes)
    return "---\n".join(
        Template(file.read_text()).substitute(values) for file in sorted(FOLDER.glob("*.yaml"))
    )


def apply(kubectl: Kubectl, layout: Layout, images: dict[str, str]) -> None:
    kubectl.apply(render(layout, images))
