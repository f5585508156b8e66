"""Image builds without a daemon, in a store of our own below the cache."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tigerex_local.base_image import BASE_IMAGE, ensure_rootfs
from tigerex_local.command import run, succeeds
from tigerex_local.layout import Layout

BUILD_TIMEOUT_S = 1800.0
STORE_TIMEOUT_S = 300.0
STORED_IMAGES_MAX: Final = 200  # intermediate layers count: some twenty for a first build
CA_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")


class Buildah:
    """The store at `layout.cache/buildah`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._options = (
            *("--root", str(layout.cache / "buildah")),
            *("--runroot", str(layout.cache / "buildah.run")),
            *("--storage-driver", "overlay"),
        )

    def _run(self, *arguments: str | Path, timeout_s: float = STORE_TIMEOUT_S) -> str:
        return run("buildah", *self._options, *arguments, timeout_s=timeout_s)

    def has(self, reference: str) -> bool:
        command = ("buildah", *self._options, "inspect", "--type", "image", reference)
        return succeeds(*command, timeout_s=STORE_TIMEOUT_S)

    def _trim(self) -> None:
        """Empties a store that many builds have filled: the next one starts from the base again."""
        if len(self._run("images", "--all", "--quiet").split()) > STORED_IMAGES_MAX:
            self._run("rmi", "--all", "--force")

    def ensure_base(self) -> None:
        """Puts the Debian base into the store under the name the Dockerfiles take it by."""
        if self.has(BASE_IMAGE):
            return
        rootfs = ensure_rootfs(self._layout)
        container = self._run("from", "scratch").strip()
        try:
            self._run("add", "--quiet", container, rootfs, "/")
            self._run("config", "--cmd", "/bin/bash", container)
            self._run("commit", "--quiet", container, BASE_IMAGE)
        finally:
            self._run("rm", container)

    def build(
        self,
        context: Path,
        reference: str,
        *,
        log: Path,
        dockerfile: Path | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        """`docker build`, layers kept; the host's CA bundle is there during the build, never in
        the image.
        """
        self._trim()
        self.ensure_base()
        file = ("--file", dockerfile) if dockerfile else ()
        trust = f"{CA_BUNDLE}:{CA_BUNDLE}:ro"
        run(
            *("buildah", *self._options, "build", "--isolation=chroot", "--network=host"),
            *("--layers", "--pull-never", "--format=docker"),
            *(("--volume", trust) if CA_BUNDLE.exists() else ()),
            *(f"--build-arg={name}={value}" for name, value in (arguments or {}).items()),
            *(*file, "--tag", reference, context),
            timeout_s=BUILD_TIMEOUT_S,
            log=log,
        )

    def export(self, reference: str, archive: Path) -> None:
        """Writes the image as a docker archive, in one piece.

        That one is never compressed: compressing takes longer than everything else, for a file
        that is read once, on this machine.
        """
        archive.parent.mkdir(parents=True, exist_ok=True)
        fresh = archive.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        self._run("push", "--quiet", reference, f"docker-archive:{fresh}:{reference}")
        fresh.replace(archive)

    def push(self, reference: str) -> None:
        """To the registry that the reference names."""
        self._run("push", "--quiet", reference, f"docker://{reference}", timeout_s=BUILD_TIMEOUT_S)
