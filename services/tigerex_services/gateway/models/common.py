"""The forms shared by all models: strict bodies, exact decimals, names and times."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

# int64 has 19 digits and an asset at most 8 decimals: nothing longer can be meant.
DECIMAL_CHARS_MAX = 40
DECIMAL_PATTERN = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"
SYMBOL_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
ACCOUNT_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,39}$"
BOT_ID_PATTERN = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
CLIENT_ORDER_ID_PATTERN = r"^[!-~]{1,40}$"

PATTERN_MEANINGS: Mapping[str, str] = {
    DECIMAL_PATTERN: 'a plain decimal in a string, such as "0.001"',
    SYMBOL_PATTERN: "a market symbol: lower case letters, digits and '-', at most 32 characters",
    ACCOUNT_PATTERN: "lower case letters, digits, '.', '_' and '-', at most 40 characters",
    BOT_ID_PATTERN: "a UUID",
    CLIENT_ORDER_ID_PATTERN: "1 to 40 printable ASCII characters, no space",
}
UNKNOWN_FIELD = "unknown_field"


VALUE_CHARS_MAX = 120


def shown(value: object) -> str:
    """A refused value as it is told back: short, one line, and never the inside of a container."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    text = ascii(value[:VALUE_CHARS_MAX] if isinstance(value, str | bytes) else value)
    return text if len(text) <= VALUE_CHARS_MAX else text[: VALUE_CHARS_MAX - 3] + "..."


class _Known(BaseModel):
    """Says which fields there are when one is sent that is not."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if isinstance(data, dict):
            for name, value in data.items():
                if name not in cls.model_fields:
                    raise PydanticCustomError(
                        UNKNOWN_FIELD,
                        "unknown field {field}",
                        {
                            # Lone surrogates, which JSON can spell, have no place in a message.
                            "field": str(name)[:64].encode("ascii", "backslashreplace").decode(),
                            "value": shown(value),
                            "allowed": "only " + ", ".join(cls.model_fields),
                        },
                    )
        return data


class Body(_Known):
    """A request: fields that it does not know are refused, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(_Known):
    """A query string: unknown parameters are refused; numbers arrive as text and are parsed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """A response."""

    model_config = ConfigDict(frozen=True)


# What the contracts can carry: a larger number is refused here, whatever it stands for.
INT64_MAX = 2**63 - 1
Int32 = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
Id = Annotated[int, Field(ge=0, le=INT64_MAX)]
UnixMillis = Annotated[
    int,
    Field(ge=0, le=INT64_MAX // 1_000_000, description="Milliseconds since the Unix epoch."),
]

DecimalString = Annotated[
    str,
    StringConstraints(pattern=DECIMAL_PATTERN, max_length=DECIMAL_CHARS_MAX),
    Field(description="A plain decimal string, exact.", examples=["0.001"]),
]

Symbol = Annotated[
    str,
    StringConstraints(pattern=SYMBOL_PATTERN),
    Field(
        description="Market symbol: lower case letters, digits and '-', at most 32 characters.",
        examples=["btc-usdt"],
    ),
]

BotId = Annotated[
    str,
    StringConstraints(pattern=BOT_ID_PATTERN),
    Field(description="UUID of the bot.", examples=["5f0c7a52-33f0-4ab0-9c7b-5c2d9f0c8f11"]),
]

AccountName = Annotated[
    str,
    StringConstraints(pattern=ACCOUNT_PATTERN),
    Field(description="Name of one of the caller's accounts.", examples=["main"]),
]

Timestamp = Annotated[
    str,
    Field(
        description="UTC, RFC 3339, to the nanosecond where it comes from the exchange.",
        examples=["2026-11-21T07:00:00.123456789Z"],
    ),
]
