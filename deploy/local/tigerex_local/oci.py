"""Writes an OCI image that holds one static program: no container engine, no registry, no base
needed.
"""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UID: Final = 65532
EPOCH: Final = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class ProgramImage:
    """A program to wrap; the image's tag is the hash of the program."""

    name: str
    program: Path

    def reference(self) -> str:
        with self.program.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return f"docker.io/local/{self.name}:{digest[:12]}"


def write_archive(image: ProgramImage, archive: Path) -> None:
    """An `oci-archive` of `image`; the same program gives the same bytes."""
    layer = _layer(image.program)
    config = _json(
        {
            "created": EPOCH,
            "architecture": "amd64" if _is_amd64(image.program) else "arm64",
            "os": "linux",
            "config": {"User": f"{UID}:{UID}", "Entrypoint": [f"/{image.program.name}"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "history": [{"created": EPOCH, "created_by": f"tigerex_local: {image.program.name}"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [_descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
        }
    )
    entry = {
        **_descriptor(manifest, "application/vnd.oci.image.manifest.v1+json"),
        "annotations": {
            "io.containerd.image.name": image.reference(),
            "org.opencontainers.image.ref.name": image.reference(),
        },
    }
    archive.parent.mkdir(parents=True, exist_ok=True)
    fresh = archive.with_suffix(".new")
    with tarfile.open(fresh, "w") as out:
        for blob in (layer, config, manifest):
            _add(out, f"blobs/sha256/{_digest(blob).removeprefix('sha256:')}", blob)
        _add(out, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(out, "index.json", _json({"schemaVersion": 2, "manifests": [entry]}))
    fresh.replace(archive)


def _layer(program: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        _add(layer, program.name, program.read_bytes(), mode=0o755)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = mode
    archive.addfile(entry, io.BytesIO(content))


def _descriptor(blob: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _is_amd64(program: Path) -> bool:
    """The machine field of the ELF header: 0x3e is x86-64."""
    with program.open("rb") as file:
        return file.read(20)[18:20] == b"\x3e\x00"
