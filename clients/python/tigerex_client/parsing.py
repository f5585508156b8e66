"""JSON into frozen dataclasses: strict, by their type hints, without a float anywhere."""

import json
import re
import types
from calendar import timegm
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tigerex_client.errors import InvalidAnswer

UnixNs = NewType("UnixNs", int)
"""Nanoseconds since the Unix epoch. A field `time_ns` holds what the API tells as `time`."""

NS_PER_S = 1_000_000_000
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
DECIMAL_CHARS_MAX = 64

T = TypeVar("T")
Read = Callable[[Any, str], Any]


def load(text: str | bytes) -> object:
    """JSON with exact numbers. Raises InvalidAnswer."""
    try:
        return json.loads(text, parse_float=_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise InvalidAnswer("", text[:80], "JSON") from None


def parse(form: type[T], value: object) -> T:
    """The value as the dataclass `form`; fields it does not know are left out.

    Raises InvalidAnswer with the path of what is wrong.
    """
    return cast("T", _reader(cast("Any", form))(value, ""))


def parse_union(forms: object, value: object) -> Any:  # noqa: ANN401 - as the caller's hint says
    """As `parse`, for a union of dataclasses: the first whose required fields are there."""
    return _reader(forms)(value, "")


def _number(text: str) -> Decimal:
    if len(text) > DECIMAL_CHARS_MAX:
        raise ValueError(text)
    return Decimal(text)


def _no_number(text: str) -> object:
    raise ValueError(text)


@cache
def _reader(hint: Any) -> Read:  # noqa: ANN401 - type hints have no common type
    origin = get_origin(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_dataclass(hint):
        return _dataclass(hint)
    if origin is Literal:
        return _literal(get_args(hint))
    if origin is tuple:
        return _tuple(_reader(get_args(hint)[0]))
    if origin in (Union, types.UnionType):
        return _union(get_args(hint))
    raise TypeError(f"no reader for {hint!r}")


def _dataclass(form: Any) -> Read:  # noqa: ANN401
    hints = get_type_hints(form)
    rows = [
        (each.name, _wire_name(each.name, hints[each.name]), _reader(hints[each.name]),
         each.default is not MISSING)
        for each in fields(form)
    ]  # fmt: skip

    def read(value: Any, path: str) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            raise InvalidAnswer(path, value, "an object")
        found = {}
        for name, wire, reader, optional in rows:
            if wire in value:
                found[name] = reader(value[wire], f"{path}.{wire}" if path else wire)
            elif not optional:
                raise InvalidAnswer(f"{path}.{wire}" if path else wire, "missing", "a value")
        return form(**found)

    return read


def _wire_name(name: str, hint: Any) -> str:  # noqa: ANN401
    is_time = hint is UnixNs or UnixNs in get_args(hint)
    return name.removesuffix("_ns") if is_time else name


def _required(form: Any) -> frozenset[str]:  # noqa: ANN401
    hints = get_type_hints(form)
    return frozenset(
        _wire_name(each.name, hints[each.name]) for each in fields(form) if each.default is MISSING
    )


def _union(hints: tuple[Any, ...]) -> Read:
    nullable = types.NoneType in hints
    members = [hint for hint in hints if hint is not types.NoneType]
    if len(members) == 1:
        forms = None
        reader = _reader(members[0])
    else:
        forms = [(_required(form), _reader(form)) for form in members]

    def read(value: Any, path: str) -> Any:  # noqa: ANN401
        if value is None and nullable:
            return None
        if forms is None:
            return reader(value, path)
        names = value.keys() if isinstance(value, dict) else ()
        for required, member in forms:
            if required <= set(names):
                return member(value, path)
        raise InvalidAnswer(path, value, "one of " + ", ".join(m.__name__ for m in members))

    return read


def _tuple(item: Read) -> Read:
    def read(value: Any, path: str) -> Any:  # noqa: ANN401
        if not isinstance(value, list):
            raise InvalidAnswer(path, value, "a list")
        return tuple(item(each, f"{path}.{n}") for n, each in enumerate(value))

    return read


def _literal(allowed: tuple[object, ...]) -> Read:
    def read(value: Any, path: str) -> Any:  # noqa: ANN401
        if value not in allowed:
            raise InvalidAnswer(path, value, " or ".join(map(repr, allowed)))
        return value

    return read


def _exactly(kind: type) -> Read:
    def read(value: Any, path: str) -> Any:  # noqa: ANN401
        if type(value) is not kind:  # a bool is an int otherwise
            raise InvalidAnswer(path, value, kind.__name__)
        return value

    return read


def _decimal(value: Any, path: str) -> Decimal:  # noqa: ANN401
    if isinstance(value, Decimal):
        return value
    if type(value) is int:
        return Decimal(value)
    text = value if isinstance(value, str) and len(value) <= DECIMAL_CHARS_MAX else ""
    if not DECIMAL.fullmatch(text):
        raise InvalidAnswer(path, value, "a plain decimal")
    return Decimal(text)


def _time(value: Any, path: str) -> UnixNs:  # noqa: ANN401
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        seconds = timegm(datetime.fromisoformat(match[1]).timetuple())
    except ValueError:
        raise InvalidAnswer(path, value, "a time in UTC as of RFC 3339") from None
    return UnixNs(seconds * NS_PER_S + int((match[2] or "").ljust(9, "0")))


_PLAIN: dict[Any, Read] = {
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    Decimal: _decimal,
    UnixNs: _time,
}
