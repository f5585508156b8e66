"""`TIGEREX_BRANDING`: how the tenant wants its exchange to look, checked field by field."""

import base64
import binascii
from html import escape
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from tigerex_platform.settings import ENV_PREFIX, SettingError

VARIABLE = f"{ENV_PREFIX}BRANDING"
LOGO_CHARS_MAX = 32_768
LINKS_MAX = 8
# What text has to stand out from by WCAG 2: relative luminance above this takes dark text better.
LUMINANCE_OF_DARK_TEXT = 0.179

Url = Annotated[str, StringConstraints(pattern=r"^https://[!#-;=?-~]+$", max_length=256)]


class Model(BaseModel):
    """Names as in the resource; an unknown one is refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class Link(Model):
    """One link in the page's footer."""

    title: str = Field(min_length=1, max_length=32)
    url: Url


class Branding(Model):
    """The name that users read, a colour, a logo, links. Everything has a default."""

    name: str = Field("TigerEx", min_length=1, max_length=64)
    primary_color: str = Field("#F58220", pattern=r"^#[0-9A-Fa-f]{6}$")
    logo: Annotated[
        str | None,
        StringConstraints(
            pattern=r"^data:image/(png|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$",
            max_length=LOGO_CHARS_MAX,
        ),
    ] = None
    """A data URI of a PNG or SVG; a tile with the name's first letter when absent."""
    links: tuple[Link, ...] = Field((), max_length=LINKS_MAX)

    @property
    def text_color(self) -> str:
        """Black or white: what can be read on the primary colour."""
        return "#111111" if _luminance(self.primary_color) > LUMINANCE_OF_DARK_TEXT else "#ffffff"

    def css(self) -> str:
        """The colours as custom properties."""
        return f":root {{\n  --brand: {self.primary_color};\n  --on-brand: {self.text_color};\n}}\n"

    def logo_file(self) -> tuple[str, bytes]:
        """Media type and content of the logo. Raises SettingError where it is no base64."""
        if self.logo is None:
            return "image/svg+xml", self._tile().encode()
        media_type, _, content = self.logo.removeprefix("data:").partition(";base64,")
        try:
            return media_type, base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise SettingError(f"{VARIABLE}: logo: {error}; allowed: base64") from error

    def _tile(self) -> str:
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
            f'<rect width="32" height="32" rx="7" fill="{self.primary_color}"/>'
            f'<text x="16" y="22.5" text-anchor="middle" font-family="system-ui,sans-serif"'
            f' font-size="19" font-weight="700" fill="{self.text_color}">'
            f"{escape(self.name[0].upper())}</text></svg>"
        )


def parse_branding(text: str) -> Branding:
    """From the setting; empty: the defaults. Raises SettingError naming the first wrong field."""
    try:
        return Branding.model_validate_json(text or "{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise SettingError(f"{VARIABLE}: {field}: {first['msg']}") from error


def _luminance(color: str) -> float:
    """Relative luminance of "#RRGGBB" by WCAG 2, 0 to 1."""
    red, green, blue = (_linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
