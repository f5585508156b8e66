"""The page's files, read once at the start of the process."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from tigerex_services.gateway.page.branding import Branding

MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
DOCUMENT = "index.html"
CHARTS_PACKAGE = "tigerex_charts"
CHARTS_FILE = "lightweight-charts.js"


@dataclass(frozen=True, slots=True)
class File:
    """What a path answers with. Equal contents have equal tags."""

    content: bytes
    media_type: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Page:
    """The document, and the files that it loads, by name."""

    document: File
    parts: Mapping[str, File]

    @classmethod
    def of(cls, branding: Branding) -> "Page":
        """Raises SettingError for a logo that cannot be decoded."""
        media_type, logo = branding.logo_file()
        return cls(
            document=File(_document(branding).encode(), "text/html; charset=utf-8"),
            parts={
                **dict(_static()),
                **dict(_charts()),
                "branding.css": File(branding.css().encode(), MEDIA_TYPES[".css"]),
                "logo": File(logo, media_type),
            },
        )


def _document(branding: Branding) -> str:
    template = (files(__package__) / "static" / DOCUMENT).read_text(encoding="utf-8")
    links = "".join(
        f'<a href="{escape(link.url)}" rel="noopener noreferrer">{escape(link.title)}</a>'
        for link in branding.links
    )
    return Template(template).substitute(name=escape(branding.name), links=links)


def _static() -> Iterator[tuple[str, File]]:
    for file in (files(__package__) / "static").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in MEDIA_TYPES:
            yield file.name, File(file.read_bytes(), MEDIA_TYPES[suffix])


def _charts() -> Iterator[tuple[str, File]]:
    """Nothing where the build could not fetch the library; the page says so."""
    try:
        content = (files(CHARTS_PACKAGE) / CHARTS_FILE).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        return
    yield CHARTS_FILE, File(content, MEDIA_TYPES[".js"])
