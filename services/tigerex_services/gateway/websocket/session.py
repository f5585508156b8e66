"""One socket: what it is subscribed to, who it speaks for, and why it ends."""

import asyncio

from tigerex_platform.auth.hmac_signature import (
    KEY_HEADER,
    RECV_WINDOW_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
)
from tigerex_platform.errors import InvalidField, Refused, TigerExError, Unauthenticated
from tigerex_services.gateway.auth import Authenticator, Caller, Credentials
from tigerex_services.gateway.websocket import messages
from tigerex_services.gateway.websocket.bots import BotFeeds
from tigerex_services.gateway.websocket.hub import MarketHub
from tigerex_services.gateway.websocket.messages import BOTS_TOPIC, Topic
from tigerex_services.gateway.websocket.outbox import Outbox
from tigerex_services.gateway.websocket.socket import POLICY_VIOLATION, End

SUBSCRIPTIONS_MAX = 64
KEY_CHECK_S = 30.0
SIGNED_AS = "GET /api/v1/ws"
PRIVATE_RPC = "/tigerex.bots.v1.BotService/ListBots"


class Session:
    """Answers one socket's messages; whatever is refused becomes an error message, not an end."""

    def __init__(
        self,
        authenticator: Authenticator,
        market_hub: MarketHub,
        bot_feeds: BotFeeds,
        outbox: Outbox,
    ) -> None:
        self._authenticator = authenticator
        self._market_hub = market_hub
        self._bot_feeds = bot_feeds
        self._topics: set[Topic] = set()
        self.caller: Caller | None = None
        self.outbox = outbox

    async def handle(self, text: str) -> None:
        try:
            message = messages.parse(text)
        except TigerExError as error:
            self.outbox.offer(messages.problem(error, messages.message_id(text)))
            return
        try:
            await self._dispatch(message)
        except TigerExError as error:
            self.outbox.offer(messages.problem(error, message.id))

    async def _dispatch(self, message: messages.Message) -> None:
        match message:
            case messages.Ping():
                self.outbox.offer(messages.answer(messages.Pong(id=message.id)))
            case messages.Auth():
                await self._authenticate(message)
            case messages.Subscribe():
                await self._subscribe(message)
            case messages.Unsubscribe():
                self._unsubscribe(message)

    async def _authenticate(self, message: messages.Auth) -> None:
        if self.caller is not None:
            raise Refused("ALREADY_AUTHENTICATED", "this socket speaks for a user already")
        headers = {
            KEY_HEADER: message.key,
            TIMESTAMP_HEADER: str(message.timestamp),
            SIGNATURE_HEADER: message.signature,
        }
        if message.recv_window is not None:
            headers[RECV_WINDOW_HEADER] = str(message.recv_window)
        self.caller = await self._authenticator.authenticate(
            Credentials(headers),
            signed_method=SIGNED_AS,
            body=b"",
            rpc=PRIVATE_RPC,
            mutating=False,
        )
        self.outbox.offer(
            messages.answer(messages.Authenticated(id=message.id, user=self.caller.user))
        )

    async def _subscribe(self, message: messages.Subscribe) -> None:
        topic = message.topic()
        if topic in self._topics:
            raise Refused("ALREADY_SUBSCRIBED", f"{topic.name} is subscribed already")
        if len(self._topics) >= SUBSCRIPTIONS_MAX:
            raise Refused(
                "TOO_MANY_SUBSCRIPTIONS",
                f"a socket has at most {SUBSCRIPTIONS_MAX} subscriptions; open another one",
            )
        user = self._user() if topic == BOTS_TOPIC else ""
        if not user:
            await self._market_hub.check(topic)
        self.outbox.offer(
            messages.answer(messages.Subscribed(id=message.id, subscription=topic.name))
        )
        if user:
            self._bot_feeds.attach(user, self.outbox)
        else:
            self._market_hub.attach(topic, self.outbox)
        self._topics.add(topic)

    def _user(self) -> str:
        if self.caller is None:
            raise Unauthenticated("the channel bots is private: send an auth message first")
        return self.caller.user

    def _unsubscribe(self, message: messages.Unsubscribe) -> None:
        topic = message.topic()
        if topic not in self._topics:
            raise Refused("NOT_SUBSCRIBED", f"{topic.name} is not subscribed")
        self._leave(topic)
        self.outbox.offer(
            messages.answer(messages.Unsubscribed(id=message.id, subscription=topic.name))
        )

    def _leave(self, topic: Topic) -> None:
        self._topics.discard(topic)
        if topic == BOTS_TOPIC:
            self._bot_feeds.detach(self._user(), self.outbox)
        else:
            self._market_hub.detach(topic, self.outbox)

    def handle_binary(self) -> None:
        wrong = InvalidField("frame", "binary", "text frames that hold JSON")
        self.outbox.offer(messages.problem(wrong))

    async def ending(self) -> End:
        """A revoked key ends what it opened."""
        while True:
            await asyncio.sleep(KEY_CHECK_S)
            if self.caller and not await self._authenticator.still_known(self.caller):
                return End(POLICY_VIOLATION, "the API key was revoked")

    def close(self) -> None:
        """Leaves every topic."""
        for topic in list(self._topics):
            self._leave(topic)
