"""The AsyncAPI document of the native WebSocket, made of the models that its messages are."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from tigerex_services.gateway.models import market
from tigerex_services.gateway.openapi import TITLE, VERSION
from tigerex_services.gateway.websocket import bots, messages

SPECIFICATION = "3.0.0"
DESCRIPTION = """
JSON, one message a text frame, at most 16 KiB of a client's. A socket has at most 64 subscriptions
and 50 messages a second. Money travels as plain decimal strings, exact.
""".strip()

CHANNEL = "socket"
ADDRESS = "/api/v1/ws"

# What a client sends, and what it may be answered with.
REQUESTS: Mapping[str, tuple[type[BaseModel], type[BaseModel], str]] = {
    "subscribe": (messages.Subscribe, messages.Subscribed, "Follow a channel"),
    "unsubscribe": (messages.Unsubscribe, messages.Unsubscribed, "Leave a channel"),
    "auth": (messages.Auth, messages.Authenticated, "Speak for the holder of an API key"),
    "ping": (messages.Ping, messages.Pong, "See that the socket lives"),
}
# What the data of a channel is; of several models, one at a time.
DATA: Mapping[messages.ChannelName, tuple[tuple[type[BaseModel], ...], str]] = {
    "trades": ((market.Trade,), "Every trade"),
    "top": ((market.TopOfBook,), "Best bid and ask, at once and when they change"),
    "book": ((market.Book,), "20 levels a side, at once and when they change"),
    "changes": ((market.BookChanges,), "Every change of a book"),
    "candles": ((market.Candle,), "The current candle as it changes"),
    "bots": (
        (bots.BotChanged, bots.BotTraded, bots.BotRemoved),
        "A user's own bots: all at once, then what changes",
    ),
}

Json = dict[str, Any]


@cache
def document() -> Json:
    """The whole document; not to be changed."""
    references, schemas = _schemas()
    payloads: dict[str, Json] = {}
    for name, (sent, answered, _) in REQUESTS.items():
        payloads[name] = references[sent]
        payloads[_kind(answered)] = references[answered]
    payloads["error"] = references[messages.Error]
    for channel, (models, _) in DATA.items():
        payloads[channel] = _data(channel, [references[model] for model in models])
    return {
        "asyncapi": SPECIFICATION,
        "info": {"title": TITLE, "version": VERSION, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            CHANNEL: {
                "address": ADDRESS,
                "messages": {name: _reference("messages", name) for name in payloads},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {**_requests(), **_streams()},
        "components": {
            "messages": {
                name: {"name": name, "payload": payload} for name, payload in payloads.items()
            },
            "schemas": schemas,
        },
    }


def _schemas() -> tuple[Mapping[object, Json], Json]:
    """References to the schemas by model, and the schemas."""
    sent = [each for each, _, _ in REQUESTS.values()]
    answered = [each for _, each, _ in REQUESTS.values()] + [messages.Error]
    told = [model for models, _ in DATA.values() for model in models]
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "validation") for model in sent),
        *((model, "serialization") for model in (*answered, *told)),
    ]
    found, definitions = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    return {model: schema for (model, _), schema in found.items()}, definitions["$defs"]


def _data(channel: str, bodies: list[Json]) -> Json:
    """The form of `messages.data`."""
    return {
        "type": "object",
        "properties": {
            "type": {"const": "data"},
            "subscription": {"type": "string", "pattern": f"^{channel}(:|$)"},
            "data": bodies[0] if len(bodies) == 1 else {"anyOf": bodies},
        },
        "required": ["type", "subscription", "data"],
    }


def _requests() -> Json:
    return {
        name: {
            "action": "receive",
            "summary": summary,
            "channel": _reference("channels", CHANNEL),
            "messages": [_message(name)],
            "reply": {
                "channel": _reference("channels", CHANNEL),
                "messages": [_message(_kind(answered)), _message("error")],
            },
        }
        for name, (_, answered, summary) in REQUESTS.items()
    }


def _streams() -> Json:
    return {
        f"{channel}-data": {
            "action": "send",
            "summary": summary,
            "channel": _reference("channels", CHANNEL),
            "messages": [_message(channel)],
        }
        for channel, (_, summary) in DATA.items()
    }


def _kind(answered: type[BaseModel]) -> str:
    """As the message calls itself."""
    return str(answered.model_fields["type"].default)


def _reference(group: str, name: str) -> Json:
    return {"$ref": f"#/{group if group == 'channels' else 'components/' + group}/{name}"}


def _message(name: str) -> Json:
    return {"$ref": f"#/channels/{CHANNEL}/messages/{name}"}
