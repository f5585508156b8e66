"""Messages of the WebSocket API: requests as they are read, answers as they are written."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlencode

import orjson

from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.execution import Outcome
from tigerex_services.gateway.binance.limits import OrderCounts, RateLimit
from tigerex_services.gateway.binance.orders import Json
from tigerex_services.gateway.websocket.frames import text_frame

ID_PATTERN = r"^[a-zA-Z0-9-_]{1,36}$"
INT64 = range(-(2**63), 2**63)
MESSAGE_CHARS_MAX = 16 * 1024
METHOD_CHARS_MAX = 64
VERSION = "v3/"  # may be in front of a method's name

Id = int | str | None


class _Number(str):
    """A number as it is spelled: as such it was signed, and is exact."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A request; values of `params` are texts."""

    id: Id
    method: str
    params: dict[str, str]


def read_id(text: str) -> Id:
    """The id of whatever was sent, so that its sender knows the answer; None where it has none."""
    try:
        return _id(_load(text).get("id"))
    except Exception:  # noqa: BLE001 - it was refused already, for what is wrong with it
        return None


def read_message(text: str) -> Message:
    """Raises BinanceError."""
    body = _load(text)
    number = _id(body.get("id"))
    method = body.get("method")
    if not isinstance(method, str) or isinstance(method, _Number) or not method:
        raise refuse(-1102, "method")
    params = body.get("params") or {}
    if not isinstance(params, dict):
        raise refuse(-1135)
    if body.keys() - {"id", "method", "params"}:
        raise refuse(-1104, 3, len(body))
    values = {name: _text(name, value) for name, value in params.items() if value is not None}
    return Message(number, method[:METHOD_CHARS_MAX].removeprefix(VERSION), values)


def signed_texts(params: dict[str, str]) -> Sequence[str]:
    """What may have been signed: every parameter but the signature by name, as it is or
    percent-encoded."""
    pairs = sorted((name, value) for name, value in params.items() if name != "signature")
    plain = "&".join(f"{name}={value}" for name, value in pairs)
    encoded = urlencode(pairs)
    return (plain,) if plain == encoded else (plain, encoded)


def answer(number: Id, outcome: Outcome, limits: Sequence[Json] | None, now_ms: int) -> bytes:
    """The frame of an answer; without `limits` it says nothing of what was used."""
    told: Json = {"id": number, "status": 200 if outcome.error is None else outcome.error.status}
    if outcome.error is None:
        told["result"] = outcome.content
    else:
        error = outcome.error.told()
        if outcome.error.retry_after_s is not None:
            retry_ms = now_ms + round(outcome.error.retry_after_s * 1_000)
            error["data"] = {"serverTime": now_ms, "retryAfter": retry_ms}
        told["error"] = error
    if limits is not None:
        told["rateLimits"] = limits
    return text_frame(orjson.dumps(told))


def used(outcome: Outcome, weight: RateLimit, orders: OrderCounts) -> list[Json]:
    """What the request's caller used of each limit that it touched."""
    counts = zip(orders.limits, outcome.order_counts, strict=False)
    return [*(limit.told(count) for limit, count in counts), weight.told(outcome.weight)]


def _load(text: str) -> dict[str, Any]:
    if len(text) > MESSAGE_CHARS_MAX:
        raise refuse(-1135)
    try:
        orjson.loads(text)  # strict: no NaN, no half characters, no bottomless depth
        body = json.loads(
            text,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_no_constant,
            object_pairs_hook=_once,
        )
    except (ValueError, RecursionError) as error:
        raise refuse(-1135) from error
    if not isinstance(body, dict):
        raise refuse(-1135)
    return body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise refuse(-1101, name)
        found[name] = value
    return found


def _id(value: object) -> Id:
    if value is None:
        return None
    if isinstance(value, _Number):
        if re.fullmatch(r"-?[0-9]{1,19}", value) and int(value) in INT64:
            return int(value)
    elif isinstance(value, str) and re.fullmatch(ID_PATTERN[1:-1], value, re.ASCII):
        return value
    raise refuse(-1100, "id", ID_PATTERN)


def _text(name: str, value: object) -> str:
    """A parameter's value as a text, as its sender signed it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(type(each) is str for each in value):
        return orjson.dumps(value).decode()
    raise refuse(-1130, name)
