"""What pydantic found wrong, in the words of the API: the field, its value, what is allowed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tigerex_platform.errors import InvalidField
from tigerex_services.gateway.models.common import PATTERN_MEANINGS, UNKNOWN_FIELD, shown

ERRORS_SHOWN_MAX = 20
LOCATIONS = frozenset({"body", "query", "path", "header"})
# A body that has several forms is located with the name of the form in its path.
FORM_TAGS = frozenset({"spot-grid", "dca", "subscribe", "unsubscribe", "auth", "ping"})
FORMS = {
    "type": "'spot-grid' or 'dca'",
    "op": "'subscribe', 'unsubscribe', 'auth' or 'ping'",
}
JSON_OBJECT = "a JSON object, sent with Content-Type: application/json"
BODY_FORM_ERRORS = frozenset({"model_attributes_type", "model_type", "dict_type", "json_invalid"})


@dataclass(frozen=True, slots=True)
class Said:
    """A word about a value instead of the value, shown without quotes."""

    word: str

    def __str__(self) -> str:
        return self.word


MISSING = Said("missing")


def invalid_fields(errors: Sequence[Mapping[str, Any]]) -> list[InvalidField]:
    """At least one, at most twenty."""
    return [_invalid_field(error) for error in errors[:ERRORS_SHOWN_MAX]]


def _invalid_field(error: Mapping[str, Any]) -> InvalidField:
    kind = str(error["type"])
    context: Mapping[str, Any] = error.get("ctx") or {}
    path = _path(error["loc"])
    if kind == UNKNOWN_FIELD:
        return InvalidField(
            ".".join([*path, context["field"]]), Said(context["value"]), context["allowed"]
        )
    if kind == "json_invalid" or (kind in BODY_FORM_ERRORS and not path):
        return InvalidField("body", Said("not a JSON object"), JSON_OBJECT)
    if kind.startswith("union_tag"):
        name = str(context["discriminator"]).strip("'")
        value = Said(shown(context["tag"])) if "tag" in context else MISSING
        return InvalidField(".".join([*path, name]), value, FORMS[name])
    field = ".".join(path) or "body"
    if kind == "missing":
        return InvalidField(field, MISSING, "this field is required")
    return InvalidField(field, Said(shown(error.get("input"))), _allowed(error, context))


def _path(location: Sequence[str | int]) -> list[str]:
    """The names from the outside in, without where they were sent and which form was chosen."""
    names = [str(part) for part in location]
    if names and names[0] in LOCATIONS:
        names = names[1:]
    return names[1:] if names and names[0] in FORM_TAGS else names


def _allowed(error: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    meaning = PATTERN_MEANINGS.get(str(context.get("pattern", "")))
    if meaning is not None:
        return meaning
    if "expected" in context:
        return str(context["expected"])
    text = str(error["msg"])
    return text.removeprefix("Input should be ").removeprefix("Value error, ")
