"""One socket from its opening to its end: what was asked, what comes, what has to be made whole."""

import asyncio
from collections.abc import Iterable
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tigerex_client.async_client import AsyncClient
from tigerex_client.errors import InvalidAnswer, MissingCredentials, Refused
from tigerex_client.flow import CLOCK_CODES, REPLAYED_CODE
from tigerex_client.stream import frames
from tigerex_client.stream.link import Link
from tigerex_client.stream.subscription import Subscription

OPEN_S = 10.0
CLOSE_S = 2.0
FRAME_BYTES_MAX = 4 * 1024 * 1024
# The exchange takes 50 messages a second of a socket.
BURST_MESSAGES = 40
BURST_S = 1.1


class Session:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._links: dict[str, Link] = {}
        self._asked: dict[int, Subscription[Any]] = {}
        self._ids = count(1)
        self._auth_id = 0
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self, subscriptions: Iterable[Subscription[Any]]) -> None:
        """Opens the socket, subscribes, and raises what ended it, in an ExceptionGroup when it was
        open: OSError, WebSocketException or TigerExError.
        """
        url = self._client.flow.url.replace("http", "ws", 1) + frames.PATH
        async with (
            connect(
                url, open_timeout=OPEN_S, close_timeout=CLOSE_S, max_size=FRAME_BYTES_MAX
            ) as socket,
            asyncio.TaskGroup() as self._tasks,
        ):
            for subscription in subscriptions:
                self.subscribe(subscription)
            self._tasks.create_task(self._write(socket))
            async for text in socket:
                await self._take(frames.frame(text))
            raise ConnectionError("the exchange closed the socket")

    def subscribe(self, subscription: Subscription[Any]) -> None:
        topic = subscription.topic
        if topic.is_private and not self._auth_id:
            try:
                fields = self._client.flow.socket_auth(frames.PATH)
            except MissingCredentials as error:
                subscription.fail(error)
                return
            self._auth_id = next(self._ids)
            self._outgoing.put_nowait(frames.auth(fields, self._auth_id))
        request_id = next(self._ids)
        self._asked[request_id] = subscription
        self._links[topic.name] = Link(subscription)
        self._outgoing.put_nowait(topic.request("subscribe", request_id))

    def unsubscribe(self, subscription: Subscription[Any]) -> None:
        if self._links.pop(subscription.topic.name, None) is not None:
            request = subscription.topic.request("unsubscribe", next(self._ids))
            self._outgoing.put_nowait(request)

    async def _write(self, socket: ClientConnection) -> None:
        while True:
            for _ in range(BURST_MESSAGES):
                await socket.send(await self._outgoing.get())
            await asyncio.sleep(BURST_S)

    async def _take(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Data(name, data) if name in self._links:
                self._receive(self._links[name], data)
            case frames.Acknowledged("subscribed", request_id) if request_id in self._asked:
                name = self._asked.pop(request_id).topic.name
                if name in self._links:
                    self._repair(self._links[name])
            case frames.Problem(request_id, error):
                await self._refused(request_id, error)

    def _receive(self, link: Link, data: object) -> None:
        try:
            whole = link.receive(data)
        except InvalidAnswer as error:
            link.subscription.fail(error)
            return
        if not whole:
            self._repair(link)

    def _repair(self, link: Link) -> None:
        async def repair() -> None:
            try:
                await link.repair(self._client.send)
            except Refused as error:
                if error.retryable:
                    raise
                link.subscription.fail(error)
            except InvalidAnswer as error:
                link.subscription.fail(error)

        if self._tasks is not None:
            self._tasks.create_task(repair())

    async def _refused(self, request_id: int | None, error: Refused) -> None:
        """What may go better on a new socket ends this one, other refusals the subscription."""
        asked = self._asked.pop(request_id, None) if request_id is not None else None
        if request_id == self._auth_id and error.code in CLOCK_CODES:
            await self._client.correct_clock()
            raise error
        if error.retryable or error.code == REPLAYED_CODE:
            raise error
        if request_id == self._auth_id:
            for link in [
                each for each in self._links.values() if each.subscription.topic.is_private
            ]:
                self._links.pop(link.subscription.topic.name)
                link.subscription.fail(error)
        elif asked is not None:
            self._links.pop(asked.topic.name, None)
            asked.fail(error)
