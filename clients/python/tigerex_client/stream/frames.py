"""What travels over the socket: requests out, frames in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tigerex_client.errors import InvalidAnswer, Refused, refused
from tigerex_client.models.bots import BotEvent
from tigerex_client.models.market import (
    Book,
    BookChanges,
    Candle,
    StreamInterval,
    TopOfBook,
    Trade,
)
from tigerex_client.parsing import load, parse, parse_union

T = TypeVar("T")

PATH = "/api/v1/ws"


@dataclass(frozen=True, slots=True)
class Topic(Generic[T]):
    """One stream of data, and how its data reads."""

    channel: str
    read: Callable[[object], T]
    market: str | None = None
    interval: StreamInterval | None = None

    @property
    def name(self) -> str:
        """As the exchange calls the subscription."""
        return ":".join(part for part in (self.channel, self.market, self.interval) if part)

    @property
    def is_private(self) -> bool:
        return self.market is None

    def request(self, op: str, request_id: int) -> str:
        fields = {"channel": self.channel, "market": self.market, "interval": self.interval}
        given = {name: value for name, value in fields.items() if value is not None}
        return json.dumps({"op": op, "id": request_id, **given})


def trades(market: str) -> Topic[Trade]:
    return Topic("trades", lambda value: parse(Trade, value), market)


def top(market: str) -> Topic[TopOfBook]:
    return Topic("top", lambda value: parse(TopOfBook, value), market)


def book(market: str) -> Topic[Book]:
    return Topic("book", lambda value: parse(Book, value), market)


def candles(market: str, interval: StreamInterval) -> Topic[Candle]:
    return Topic("candles", lambda value: parse(Candle, value), market, interval)


def changes(market: str) -> Topic[BookChanges]:
    return Topic("changes", lambda value: parse(BookChanges, value), market)


def _bot_event(value: object) -> BotEvent:
    event: BotEvent = parse_union(BotEvent, value)
    return event


def bots() -> Topic[BotEvent]:
    return Topic("bots", _bot_event)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """`kind`: subscribed, unsubscribed, authenticated or pong."""

    kind: str
    request_id: int


@dataclass(frozen=True, slots=True)
class Data:
    subscription: str
    data: object


@dataclass(frozen=True, slots=True)
class Problem:
    """`request_id` is None where the exchange could not tell which request it was."""

    request_id: int | None
    error: Refused


Frame = Acknowledged | Data | Problem
ACKNOWLEDGED = frozenset({"subscribed", "unsubscribed", "authenticated", "pong"})


def auth(fields: Mapping[str, object], request_id: int) -> str:
    return json.dumps({"op": "auth", "id": request_id, **fields})


def frame(text: str | bytes) -> Frame:
    """Raises InvalidAnswer."""
    message = load(text)
    if isinstance(message, dict):
        kind, request_id = message.get("type"), message.get("id")
        if kind == "data" and isinstance(message.get("subscription"), str):
            return Data(message["subscription"], message.get("data"))
        if kind == "error" and isinstance(message.get("problem"), dict):
            return Problem(request_id if type(request_id) is int else None, _error(message))
        if kind in ACKNOWLEDGED and type(request_id) is int:
            return Acknowledged(kind, request_id)
    raise InvalidAnswer("frame", message, "a message of the documented types")


def _error(message: dict[str, Any]) -> Refused:
    problem = message["problem"]
    status = problem.get("status")
    return refused(status if type(status) is int else 500, problem)
