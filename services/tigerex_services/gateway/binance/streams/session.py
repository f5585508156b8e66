"""One socket of market streams: what it listens to, and the requests that it sends."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.binance.calls import Parts
from tigerex_services.gateway.binance.errors import BinanceError, of
from tigerex_services.gateway.binance.streams.events import Event
from tigerex_services.gateway.binance.streams.feeds import StreamFeeds
from tigerex_services.gateway.binance.streams.names import Stream, parse
from tigerex_services.gateway.binance.streams.users import UserStream, is_listen_key
from tigerex_services.gateway.websocket.frames import text_frame
from tigerex_services.gateway.websocket.outbox import Outbox
from tigerex_services.gateway.websocket.socket import GOING_AWAY, End

STREAMS_MAX = 1_024
ID_CHARS_MAX = 36
LIFE_S = 24 * 3_600.0
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")

_UNKNOWN_PROPERTY, _WRONG_VALUE, _INVALID_REQUEST, _INVALID_JSON = range(4)


class StreamSession:
    """Sends events of its streams, bare or (`combined`) with the names of their streams."""

    def __init__(self, feeds: StreamFeeds, parts: Parts, outbox: Outbox, *, combined: bool) -> None:
        self._feeds = feeds
        self._parts = parts
        self._users: dict[str, UserStream] = {}
        self._combined = combined
        self._streams: dict[str, Stream] = {}
        self.outbox = outbox

    def offer(self, event: Event) -> None:
        """Sends one event of a stream."""
        self.outbox.offer(event.combined if self._combined else event.raw)

    async def subscribe(self, names: Sequence[str]) -> None:
        """All of them or, with a BinanceError or TigerExError, none."""
        here = self._streams.keys() | self._users.keys()
        wanted = [name for name in dict.fromkeys(names) if name not in here]
        if len(here) + len(wanted) > STREAMS_MAX:
            raise _invalid(f"a socket has at most {STREAMS_MAX} streams")
        symbols = self._parts.symbols
        streams = [await parse(name, symbols) for name in wanted if not is_listen_key(name)]
        try:
            for name in wanted:
                if is_listen_key(name):
                    await self._open_user(name)
            for stream in streams:
                self._feeds.attach(stream, self)
                self._streams[stream.name] = stream
        except BaseException:
            for name in wanted:
                self._leave(name)
            raise

    async def _open_user(self, key: str) -> None:
        user = UserStream(self._parts, key, partial(self._tell, key), partial(self._leave, key))
        await user.open()
        self._users[key] = user  # at once: it may end while others are opened

    def _tell(self, key: str, event: bytes) -> None:
        self.offer(Event(key, orjson.Fragment(event)))

    async def handle(self, text: str) -> None:
        request_id: Any = None
        try:
            request = _request(text)
            request_id = _request_id(request)
            result = await self._answer(request)
        except TigerExError as error:
            self._refuse(of(error), request_id)
        except BinanceError as error:
            self._refuse(error, request_id)
        else:
            self._send({"result": result, "id": request_id})

    async def _answer(self, request: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        params = request.get("params", [])
        match request.get("method"):
            case "SUBSCRIBE":
                await self.subscribe(_names(params))
                return None
            case "UNSUBSCRIBE":
                for name in _names(params):
                    self._leave(name)
                return None
            case "LIST_SUBSCRIPTIONS":
                return [*self._streams, *self._users]
            case "SET_PROPERTY":
                self._set(params)
                return None
            case "GET_PROPERTY":
                _property(params, 1)
                return self._combined
            case other:
                raise _invalid(f"unknown variant {other!r}, expected one of {', '.join(METHODS)}")

    def _set(self, params: Any) -> None:  # noqa: ANN401 - JSON
        value = _property(params, 2)
        if not isinstance(value, bool):
            raise BinanceError(_WRONG_VALUE, "Invalid value type: expected Boolean")
        self._combined = value

    def _leave(self, name: str) -> None:
        stream = self._streams.pop(name, None)
        if stream is not None:
            self._feeds.detach(stream, self)
        user = self._users.pop(name, None)
        if user is not None:
            user.close()

    def handle_binary(self) -> None:
        self._refuse(_invalid("send text frames that hold JSON"), None)

    async def ending(self) -> End:
        await asyncio.sleep(LIFE_S)
        return End(GOING_AWAY, "a socket lives 24 hours; connect again")

    def close(self) -> None:
        for name in (*self._streams, *self._users):
            self._leave(name)

    def _refuse(self, error: BinanceError, request_id: Any) -> None:  # noqa: ANN401 - JSON
        self._send({"error": {"code": error.code, "msg": error.message}, "id": request_id})

    def _send(self, content: dict[str, Any]) -> None:
        self.outbox.offer(text_frame(orjson.dumps(content)))


def _invalid(why: str) -> BinanceError:
    return BinanceError(_INVALID_REQUEST, f"Invalid request: {why}")


def _request(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BinanceError(_INVALID_JSON, f"Invalid JSON: {error.msg} at {where}") from error
    if not isinstance(found, dict):
        raise _invalid("request must be an object")
    if unknown := found.keys() - {"method", "params", "id"}:
        raise _invalid(f"unknown field {min(unknown)!r}, expected method, params, id")
    return found


def _request_id(request: dict[str, Any]) -> int | str | None:
    found = request.get("id")
    if isinstance(found, bool) or not isinstance(found, int | str | None):
        raise _invalid("request ID must be an integer, a string or null")
    if isinstance(found, str) and len(found) > ID_CHARS_MAX:
        raise _invalid(f"request ID has more than {ID_CHARS_MAX} characters")
    return found


def _names(params: Any) -> list[str]:  # noqa: ANN401 - JSON
    if not isinstance(params, list) or not all(isinstance(each, str) for each in params):
        raise _invalid("params must be a list of stream names")
    if not 0 < len(params) <= STREAMS_MAX:
        raise _invalid(f"params must be 1 to {STREAMS_MAX} stream names")
    return params


def _property(params: Any, count: int) -> Any:  # noqa: ANN401 - JSON
    """The last of the parameters, after the name of the only property that there is."""
    if not isinstance(params, list) or len(params) != count:
        raise _invalid(f"params must be {count} values, the first one a property's name")
    if params[0] != "combined":
        raise BinanceError(_UNKNOWN_PROPERTY, "Unknown property")
    return params[-1]
