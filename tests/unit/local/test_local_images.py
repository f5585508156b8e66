"""Images are named by their content, and a program alone makes one."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tigerex_local import images
from tigerex_local.layout import Layout
from tigerex_local.oci import ProgramImage, write_archive

pytestmark = pytest.mark.unit


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "libs").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "libs" / "code.py").write_text("x = 1\n")
    (root / "notes.md").write_text("not part of it\n")
    return root


INPUTS = ("Dockerfile", "libs")


def test_what_is_not_copied_does_not_change_the_tag(checkout: Path) -> None:
    before = images.content_tag(checkout, INPUTS)
    (checkout / "notes.md").write_text("changed")
    (checkout / "libs" / "__pycache__").mkdir()
    (checkout / "libs" / "__pycache__" / "code.cpython-311.pyc").write_bytes(b"\0")
    assert images.content_tag(checkout, INPUTS) == before
    assert len(before) == images.TAG_LENGTH


@pytest.mark.parametrize("change", ["content", "name", "mode", "new"])
def test_every_change_of_an_input_changes_the_tag(checkout: Path, change: str) -> None:
    before = images.content_tag(checkout, INPUTS)
    code = checkout / "libs" / "code.py"
    if change == "content":
        code.write_text("x = 2\n")
    elif change == "name":
        code.rename(code.with_name("other.py"))
    elif change == "mode":
        code.chmod(0o755)
    else:
        (checkout / "libs" / "more.py").write_text("")
    assert images.content_tag(checkout, INPUTS) != before


def test_the_tag_does_not_depend_on_where_the_checkout_is(checkout: Path, tmp_path: Path) -> None:
    before = images.content_tag(checkout, INPUTS)
    moved = checkout.rename(tmp_path / "elsewhere")
    assert images.content_tag(moved, INPUTS) == before


class RecordingBuilder:
    """Writes an archive and remembers what it was asked for."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def has(self, reference: str) -> bool:
        return reference in self.built

    def build(self, context: Path, reference: str, *, log: Path) -> None:
        self.built.append(reference)

    def export(self, reference: str, archive: Path) -> None:
        archive.parent.mkdir(parents=True, exist_ok=True)
        archive.write_text(reference)

    def push(self, reference: str) -> None:
        raise AssertionError("nothing is pushed")


def test_an_unchanged_image_is_not_built_again_and_an_old_archive_goes(
    checkout: Path, tmp_path: Path
) -> None:
    layout = Layout(checkout, tmp_path / "cache", tmp_path / "state")
    source = images.ImageSource("thing", ".", INPUTS)
    builder = RecordingBuilder()
    first = images.reference(layout, source)
    old = images.ensure_image(layout, builder, source, first)
    images.ensure_image(layout, builder, source, first)
    assert builder.built == [first]
    (checkout / "libs" / "code.py").write_text("x = 3\n")
    second = images.reference(layout, source)
    new = images.ensure_image(layout, builder, source, second)
    assert builder.built == [first, second]
    assert new.exists()
    assert not old.exists()


def test_every_input_of_the_product_image_exists_and_is_let_into_the_build() -> None:
    root = Path(__file__).parents[3]
    ignore = (root / ".dockerignore").read_text().splitlines()
    for name in images.PRODUCT.inputs:
        assert (root / name).exists(), name
        if name not in ("Dockerfile", ".dockerignore"):
            assert f"!{name}" in ignore
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    assert let_in <= set(images.PRODUCT.inputs)


def test_a_program_becomes_an_image_that_is_the_same_every_time(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF" + bytes(14) + b"\x3e\x00" + b"rest")
    image = ProgramImage("pause", program)
    write_archive(image, tmp_path / "a.tar")
    write_archive(image, tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as archive:
        blobs = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
    entry = json.loads(blobs["index.json"])["manifests"][0]
    digest = hashlib.sha256(program.read_bytes()).hexdigest()[:12]
    name = entry["annotations"]["org.opencontainers.image.ref.name"]
    assert name == f"docker.io/local/pause:{digest}"
    manifest = blob(blobs, entry)
    config = blob(blobs, json.loads(manifest)["config"])
    assert json.loads(config)["config"]["User"] == "65532:65532"
    assert json.loads(config)["architecture"] == "amd64"


def blob(blobs: dict[str, bytes], descriptor: dict[str, object]) -> bytes:
    """The content of a descriptor, which has to be what it says."""
    digest = str(descriptor["digest"]).removeprefix("sha256:")
    content = blobs[f"blobs/sha256/{digest}"]
    assert hashlib.sha256(content).hexdigest() == digest
    assert len(content) == descriptor["size"]
    return content
