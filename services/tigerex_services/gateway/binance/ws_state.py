"""What one socket of the WebSocket API is: who logged on, and which user data it is told."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.websocket.frames import text_frame
from tigerex_services.gateway.websocket.outbox import Outbox, Sink

SUBSCRIPTIONS_MAX = 1_000  # at a time
SUBSCRIPTION_IDS_MAX = 65_535  # over a socket's life


@dataclass(frozen=True, slots=True)
class Login:
    """The key that a session logged on with, and when."""

    key: str
    user: str
    since_ms: int


@dataclass(eq=False, slots=True)
class Subscription:
    """One account's user data on one socket; a `UserSink`."""

    number: int
    user: str
    key: str
    of_session: bool  # ends with the session's logon
    outbox: Sink
    on_end: Callable[["Subscription"], None]

    def offer(self, event: bytes) -> None:
        self.outbox.offer(text_frame(b'{"subscriptionId":%d,"event":%b}' % (self.number, event)))

    def terminated(self) -> None:
        self.on_end(self)


@dataclass(slots=True)
class SocketState:
    """Changes with the messages of its socket only."""

    outbox: Outbox
    connected_ms: int
    return_rate_limits: bool
    login: Login | None = None
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    _next_number: int = 0
    _requests: int = 0
    _name: str = field(default_factory=lambda: secrets.token_hex(16))

    def new_request(self) -> str:
        """Names a request that has no signature of its own, never twice."""
        self._requests += 1
        return f"{self._name}:{self._requests}"

    def new_subscription(self, user: str, key: str, *, of_session: bool) -> Subscription:
        """Not told anything yet; raises BinanceError for one too many."""
        if any(each.user == user for each in self.subscriptions.values()):
            raise refuse(-2035)
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise refuse(-1191, SUBSCRIPTIONS_MAX)
        if self._next_number >= SUBSCRIPTION_IDS_MAX:
            raise refuse(-2042)
        made = Subscription(self._next_number, user, key, of_session, self.outbox, self.forget)
        self._next_number += 1
        self.subscriptions[made.number] = made
        return made

    def forget(self, subscription: Subscription) -> None:
        self.subscriptions.pop(subscription.number, None)
