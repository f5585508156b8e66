"""The product's images: named by what goes into them, built by docker where there is one, else by
buildah.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tigerex_local.buildah import Buildah
from tigerex_local.command import run
from tigerex_local.layout import Layout
from tigerex_local.progress import step

BUILD_TIMEOUT_S = 1800.0
TAG_LENGTH: Final = 12
_NEVER: Final = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache"})


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image of ours: `inputs` are the files and folders its Dockerfile copies, and the
    Dockerfile.
    """

    name: str
    context: str
    inputs: tuple[str, ...]


PRODUCT: Final = ImageSource(
    name="tigerex",
    context=".",
    inputs=(
        "Dockerfile",
        ".dockerignore",
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "hatch_build.py",
        "protos",
        "libs",
        "operator",
        "services",
        "deploy/images/tigerex",
    ),
)
# Elsewhere the chart takes the ordinary public images of these.
SIBLINGS: Final = tuple(
    ImageSource(name=name, context=f"deploy/images/{name}", inputs=(f"deploy/images/{name}",))
    for name in ("postgres", "redis", "prometheus")
)


class Builder(Protocol):
    """What builds and keeps images."""

    def has(self, reference: str) -> bool: ...

    def build(self, context: Path, reference: str, *, log: Path) -> None: ...

    def export(self, reference: str, archive: Path) -> None: ...

    def push(self, reference: str) -> None: ...


class Docker:
    """The Docker engine of this host."""

    def has(self, reference: str) -> bool:
        return bool(run("docker", "images", "--quiet", reference).strip())

    def build(self, context: Path, reference: str, *, log: Path) -> None:
        run("docker", "build", "--tag", reference, context, timeout_s=BUILD_TIMEOUT_S, log=log)

    def export(self, reference: str, archive: Path) -> None:
        archive.parent.mkdir(parents=True, exist_ok=True)
        run("docker", "save", "--output", archive, reference, timeout_s=BUILD_TIMEOUT_S)

    def push(self, reference: str) -> None:
        run("docker", "push", reference, timeout_s=BUILD_TIMEOUT_S)


def content_tag(repository: Path, inputs: Iterable[str]) -> str:
    """A hash over names, modes and contents: equal inputs, equal tag, wherever the checkout is."""
    digest = hashlib.sha256()
    for file in _files(repository, inputs):
        executable = b"x" if file.stat().st_mode & 0o100 else b"-"
        digest.update(str(file.relative_to(repository)).encode() + b"\0" + executable)
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:TAG_LENGTH]


def _files(repository: Path, inputs: Iterable[str]) -> Iterator[Path]:
    for name in sorted(inputs):
        path = repository / name
        if path.is_file():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            relative = file.relative_to(repository)
            if file.is_file() and file.suffix != ".pyc" and not _NEVER & set(relative.parts):
                yield file


def reference(layout: Layout, source: ImageSource, registry: str = "docker.io/local") -> str:
    return f"{registry}/{source.name}:{content_tag(layout.repository, source.inputs)}"


def archive_of(layout: Layout, image: str) -> Path:
    """Where the OCI archive of an image lies."""
    return layout.archives / (image.rsplit("/", 1)[1].replace(":", "-") + ".tar")


def ensure_image(layout: Layout, builder: Builder, source: ImageSource, image: str) -> Path:
    """The archive of the image, built unless it is in the cache already; older ones of it are
    removed.
    """
    archive = archive_of(layout, image)
    if archive.exists():
        return archive
    with step(f"Building the image {image}") as current:
        if not builder.has(image):
            log = layout.build_logs / f"image-{source.name}.log"
            current.detail = f"details in {log}"
            builder.build(layout.repository / source.context, image, log=log)
        current.detail = "writing its archive"
        builder.export(image, archive)
    for older in layout.archives.glob(f"{source.name}-{'?' * TAG_LENGTH}.tar"):
        if older != archive:
            older.unlink()
    return archive


def builder_for(layout: Layout, *, docker: bool) -> Builder:
    return Docker() if docker else Buildah(layout)
