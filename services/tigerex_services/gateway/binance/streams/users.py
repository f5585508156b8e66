"""Streams of users: named by a listen key, whoever knows it hears."""

import asyncio
import re
from collections.abc import Callable

from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.binance import user_events
from tigerex_services.gateway.binance.calls import ACCOUNT, Parts
from tigerex_services.gateway.binance.errors import BinanceError
from tigerex_services.gateway.binance.orders import millis

KEY_CHECK_S = 60.0
_LISTEN_KEY = re.compile(r"[0-9a-f]{64}")


def is_listen_key(name: str) -> bool:
    return _LISTEN_KEY.fullmatch(name) is not None


class UserStream:
    """One listen key on one socket, until the key ends; a `UserSink`. `tell` gets each event, `end`
    is called after the last one.
    """

    def __init__(
        self, parts: Parts, key: str, tell: Callable[[bytes], None], end: Callable[[], None]
    ) -> None:
        self._parts = parts
        self._key = key
        self._end = end
        self._user = ""
        self._check: asyncio.Task[None] | None = None
        self.offer = tell

    async def open(self) -> None:
        """Raises BinanceError for a key that is not valid, and TigerExError."""
        self._user = await self._parts.listen_keys.user_of(self._key)
        account_id = await self._parts.account_ids.find(self._user, ACCOUNT)
        await self._parts.user_feeds.attach(self._user, account_id, self)
        self._check = asyncio.create_task(self._watch())

    def terminated(self) -> None:
        self.close()
        self._end()

    def close(self) -> None:
        if self._check is not None:
            self._check.cancel()
        self._parts.user_feeds.detach(self._user, self)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(KEY_CHECK_S)
            try:
                await self._parts.listen_keys.user_of(self._key)
            except TigerExError:
                continue  # nobody knows: it goes on
            except BinanceError:
                now_ms = millis(self._parts.clock.now_ns())
                self.offer(user_events.encode(user_events.expired(self._key, now_ms)))
                self.terminated()
                return
