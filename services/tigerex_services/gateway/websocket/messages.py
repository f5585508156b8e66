"""What travels over a socket: requests with ids, answers, data, problems."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tigerex_platform.errors import InvalidField, TigerExError, to_problem
from tigerex_services.gateway.models.common import Answer, Body, Symbol
from tigerex_services.gateway.models.market import StreamInterval
from tigerex_services.gateway.problem import Refusal
from tigerex_services.gateway.validation import invalid_fields
from tigerex_services.gateway.websocket.frames import text_frame

ChannelName = Literal["trades", "book", "changes", "top", "candles", "bots"]
MessageId = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what JavaScript can hold


@dataclass(frozen=True, slots=True)
class Topic:
    """One stream of data. `name` is what subscriptions are called on the wire."""

    channel: ChannelName
    market: str = ""
    interval: StreamInterval | None = None

    @property
    def name(self) -> str:
        return ":".join(part for part in (self.channel, self.market, self.interval) if part)


BOTS_TOPIC = Topic("bots")


class _Addressed(Body):
    id: MessageId = 0
    channel: ChannelName
    market: Symbol | None = None
    interval: StreamInterval | None = None

    def topic(self) -> Topic:
        """Raises InvalidField for fields that do not belong together."""
        if self.channel == "bots":
            if self.market or self.interval:
                raise InvalidField("channel", self.channel, "bots without market and interval")
            return BOTS_TOPIC
        if self.market is None:
            raise InvalidField("market", None, "the symbol of a market")
        if self.channel == "candles":
            return Topic(self.channel, self.market, self.interval or "1m")
        if self.interval is not None:
            raise InvalidField("interval", self.interval, "an interval only for candles")
        return Topic(self.channel, self.market)


class Subscribe(_Addressed):
    op: Literal["subscribe"]


class Unsubscribe(_Addressed):
    op: Literal["unsubscribe"]


class Auth(Body):
    """Signed like the request `GET /api/v1/ws` with an empty body."""

    op: Literal["auth"]
    id: MessageId = 0
    key: Annotated[str, Field(max_length=128)]
    timestamp: Annotated[int, Field(ge=0, le=10**14)]
    signature: Annotated[str, Field(max_length=64)]
    recv_window: Annotated[int, Field(ge=1, le=60_000)] | None = None


class Ping(Body):
    op: Literal["ping"]
    id: MessageId = 0


Message = Subscribe | Unsubscribe | Auth | Ping
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="op")])


def parse(text: str) -> Message:
    """Raises InvalidField naming the first field at fault."""
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        # What pydantic tells is plain data; its types are narrower than what is read from it.
        details: list[Any] = list(error.errors(include_url=False))
        raise invalid_fields(details)[0] from None


def message_id(text: str) -> int | None:
    """The id of a message that may be wrong otherwise, so that its sender can tell which."""
    try:
        found = json.loads(text).get("id")
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


class Subscribed(Answer):
    type: Literal["subscribed"] = "subscribed"
    id: MessageId
    subscription: str


class Unsubscribed(Answer):
    type: Literal["unsubscribed"] = "unsubscribed"
    id: MessageId
    subscription: str


class Authenticated(Answer):
    type: Literal["authenticated"] = "authenticated"
    id: MessageId
    user: str


class Pong(Answer):
    type: Literal["pong"] = "pong"
    id: MessageId


class Error(Answer):
    type: Literal["error"] = "error"
    id: int | None = Field(description="Of the message at fault, where that could be read.")
    problem: Refusal


def answer(message: Subscribed | Unsubscribed | Authenticated | Pong) -> bytes:
    return text_frame(message.model_dump_json().encode())


def problem(error: TigerExError, request_id: int | None = None) -> bytes:
    """In the form of `Error`."""
    content = {"type": "error", "id": request_id, "problem": to_problem(error)}
    return text_frame(json.dumps(content).encode())


def data(topic: Topic, body: BaseModel) -> bytes:
    """Encoded once, sent to every subscriber."""
    text = f'{{"type":"data","subscription":"{topic.name}","data":{body.model_dump_json()}}}'
    return text_frame(text.encode())
