"""Parameters of a request: which there are, what they may look like, and the numbers of what is
wrong with them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tigerex_services.gateway.binance.errors import BinanceError, refuse
from tigerex_services.gateway.translate.values import NANOS_PER_MILLI

DECIMALS_MAX = 8
INT64_MAX = 2**63 - 1
_SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
_INTEGER = r"^[0-9]{1,20}$"
_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
_PARAMETERS_MAX = 64

Values = dict[str, Any]
Parse = Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `parse` gets its name and text, and raises BinanceError."""

    name: str
    parse: Parse
    required: bool = False


def read(known: Mapping[str, Parameter], sent: list[tuple[str, str]]) -> Values:
    """The values of what was sent, by name. Raises BinanceError for the first thing wrong."""
    values: Values = {}
    unread = 0
    for name, text in sent:
        if name in values:
            raise refuse(-1101, name)
        if name not in known:
            unread += 1
        elif not text:
            raise refuse(-1102 if known[name].required else -1105, name)
        else:
            values[name] = known[name].parse(name, text)
    if unread:
        raise refuse(-1104, len(sent) - unread, len(sent))
    for parameter in known.values():
        if parameter.required and parameter.name not in values:
            raise refuse(-1102, parameter.name)
    return values


def pairs(text: str) -> list[tuple[str, str]]:
    """Names and values of a query string or a form, in order; raises BinanceError."""
    try:
        return parse_qsl(
            text, keep_blank_values=True, max_num_fields=_PARAMETERS_MAX, errors="strict"
        )
    except ValueError as error:
        raise BinanceError(-1100, "Illegal characters found in a parameter.") from error


def _matching(name: str, text: str, pattern: str) -> str:
    if not re.fullmatch(pattern[1:-1], text, re.ASCII):
        raise refuse(-1100, name, pattern)
    return text


def symbol(name: str, text: str) -> str:
    return _matching(name, text, _SYMBOL)


def integer(name: str, text: str) -> int:
    """A whole number of at most int64."""
    value = int(_matching(name, text, _INTEGER))
    if value > INT64_MAX:
        raise refuse(-1102, name)
    return value


def decimal(name: str, text: str) -> str:
    """A decimal as the native path takes it."""
    digits = _matching(name, text, _DECIMAL)
    if len(digits.partition(".")[2].rstrip("0")) > DECIMALS_MAX:
        raise refuse(-1111, name)
    return plain(Decimal(digits))


def plain(value: Decimal) -> str:
    """Without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def client_id(name: str, text: str) -> str:
    return _matching(name, text, _CLIENT_ID)


def flag(name: str, text: str) -> bool:
    """true or false, in any case."""
    if text.lower() not in {"true", "false"}:
        raise refuse(-1130, name)
    return text.lower() == "true"


def one_of(*names: str, code: int = -1130) -> Parse:
    """One of these; the number for anything else."""

    def parse(name: str, text: str) -> str:
        if text not in names:
            raise refuse(code, name) if code == -1130 else refuse(code)
        return text

    return parse


def symbols(name: str, text: str) -> list[str]:
    """A JSON list of symbols."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refuse(-1130, name) from error
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise refuse(-1130, name)
    return [symbol(name, each) for each in found]


def window(name: str, text: str) -> int:
    """Minutes of a rolling window: 1m to 59m, 1h to 23h, 1d to 7d."""
    found = re.fullmatch(r"([1-9][0-9]?)([mhd])", text, re.ASCII)
    most, minutes = {"m": (59, 1), "h": (23, 60), "d": (7, 1_440)}[found[2]] if found else (0, 0)
    if not found or int(found[1]) > most:
        raise refuse(-1130, name)
    return int(found[1]) * minutes


def within(low: int, high: int) -> Parse:
    """A whole number in a range."""

    def parse(name: str, text: str) -> int:
        value = integer(name, text)
        if not low <= value <= high:
            raise refuse(-1130, name)
        return value

    return parse


def span(values: Values) -> tuple[int, int]:
    """`startTime` and `endTime`, both inclusive, as nanoseconds [start, end); 0 where not sent."""
    start_ns = max(1, values["startTime"] * NANOS_PER_MILLI) if "startTime" in values else 0
    end_ns = (values["endTime"] + 1) * NANOS_PER_MILLI if "endTime" in values else 0
    return start_ns, end_ns
