"""Who calls: the key, and its signature over what was sent: HMAC-SHA256 in hexadecimal digits, or
Ed25519 in base64.

Unlike the native signature, one may be sent twice: what it asks for has a request id that derives
from it, so the second is answered as the first.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable

from tigerex_platform.auth import ApiKey, KeyStore, Table
from tigerex_platform.auth.ed25519_signature import is_signature
from tigerex_platform.auth.permissions import authorize
from tigerex_platform.clock import Clock
from tigerex_platform.errors import PermissionDenied, TigerExError
from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.binance.errors import OUTSIDE_WINDOW, refuse
from tigerex_services.gateway.binance.parameters import Values

KEY_HEADER = "x-mbx-apikey"
RECV_WINDOW_MS = 5_000
RECV_WINDOW_MS_MAX = 60_000
FUTURE_MS_MAX = 1_000
_KEY = re.compile(r"[!-~]{1,128}")
_SIGNATURE = re.compile(r"(?:^|&)signature=[^&]*")


def signed_text(query: str, body: str) -> str:
    """What a caller signed: all that was sent but the signature."""
    return _SIGNATURE.sub("", query) + _SIGNATURE.sub("", body)


class Signatures:
    """Verifies keys and signatures against the exchange's keys. All methods raise BinanceError and,
    where that cannot be known, Unavailable.
    """

    def __init__(self, keys: KeyStore, table: Table, clock: Clock) -> None:
        self._keys = keys
        self._table = table
        self._clock = clock

    async def verify(self, key: str, texts: Iterable[str], values: Values, rpc: str) -> Caller:
        """The caller who signed one of the texts, which are spellings of one request, and may call
        the method `rpc`, if one is named.
        """
        api_key = await self.known(key)
        until_ms = self._end_of_window(values)
        if "signature" not in values:
            raise refuse(-1102, "signature")
        signature = values["signature"] if api_key.public_key else values["signature"].lower()
        if not any(_is_signed(api_key, text.encode(), signature) for text in texts):
            raise refuse(-1022)
        return self._allowed(api_key, rpc, signature, until_ms)

    async def of_session(self, key: str, values: Values, rpc: str, request: str) -> Caller:
        """The caller who logged on with the key; `request` names what is asked for, once."""
        api_key = await self.known(key)
        return self._allowed(api_key, rpc, request, self._end_of_window(values))

    async def of_key(self, key: str, rpc: str) -> Caller:
        """The caller who showed the key, which is enough for things that only a signature can
        use.
        """
        return self._allowed(await self.known(key), rpc, "", 0)

    async def known(self, key: str) -> ApiKey:
        """The key as the exchange knows it."""
        if not _KEY.fullmatch(key):
            raise refuse(-2014)
        api_key = await self._keys.lookup(key)
        if api_key is None:
            raise refuse(-2015)
        return api_key

    async def still_known(self, key: str) -> bool:
        """False once the key was revoked; true while that cannot be known."""
        try:
            return await self._keys.lookup(key) is not None
        except TigerExError:
            return True

    def _allowed(self, api_key: ApiKey, rpc: str, signature: str, until_ms: int) -> Caller:
        if rpc:
            try:
                authorize(self._table, rpc, api_key.principal)
            except PermissionDenied as error:
                raise refuse(-2015) from error
        return Caller(api_key.user, api_key.key, signature, until_ms)

    def _end_of_window(self, values: Values) -> int:
        """Until when the request may be done, in milliseconds."""
        timestamp_ms, window_ms = values["timestamp"], values.get("recvWindow", RECV_WINDOW_MS)
        if window_ms > RECV_WINDOW_MS_MAX:
            raise refuse(-1131)
        late_ms = self._clock.now_ns() // 1_000_000 - timestamp_ms
        if late_ms < -FUTURE_MS_MAX:
            raise refuse(-1021, "was 1000ms ahead of the server's time.")
        if late_ms > window_ms:
            raise refuse(-1021, OUTSIDE_WINDOW)
        return int(timestamp_ms + window_ms)


def _is_signed(api_key: ApiKey, text: bytes, signature: str) -> bool:
    if api_key.public_key:
        return is_signature(api_key.public_key, text, signature)
    expected = hmac.new(api_key.secret.encode(), text, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())
