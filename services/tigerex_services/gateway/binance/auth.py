"""Who calls: the key in X-MBX-APIKEY, and HMAC-SHA256 over query string and body as they were sent.

Unlike the native signature, one may be sent twice: what it asks for has a request id that derives
from it, so the second is answered as the first.
"""

import hashlib
import hmac
import re

from tigerex_platform.auth import ApiKey, KeyStore, Table
from tigerex_platform.auth.permissions import authorize
from tigerex_platform.clock import Clock
from tigerex_platform.errors import PermissionDenied
from tigerex_services.gateway.auth import Caller
from tigerex_services.gateway.binance.errors import MESSAGES, BinanceError, refuse
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
    """Verifies keys and signatures against the exchange's keys."""

    def __init__(self, keys: KeyStore, table: Table, clock: Clock) -> None:
        self._keys = keys
        self._table = table
        self._clock = clock

    async def verify(self, key: str, query: str, body: str, values: Values, rpc: str) -> Caller:
        """The caller of a signed request, who may call the method `rpc`; raises BinanceError."""
        api_key = await self._known(key)
        self._check_time(values["timestamp"], values.get("recvWindow", RECV_WINDOW_MS))
        signature = values["signature"]
        text = signed_text(query, body).encode()
        expected = hmac.new(api_key.secret.encode(), text, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
            raise refuse(-1022)
        try:
            authorize(self._table, rpc, api_key.principal)
        except PermissionDenied as error:
            raise refuse(-2015) from error
        return Caller(api_key.user, key, signature.lower())

    async def _known(self, key: str) -> ApiKey:
        if not _KEY.fullmatch(key):
            raise refuse(-2014)
        api_key = await self._keys.lookup(key)
        if api_key is None:
            raise refuse(-2015)
        return api_key

    def _check_time(self, timestamp_ms: int, window_ms: int) -> None:
        if window_ms > RECV_WINDOW_MS_MAX:
            raise refuse(-1131)
        late_ms = self._clock.now_ns() // 1_000_000 - timestamp_ms
        if late_ms < -FUTURE_MS_MAX:
            raise BinanceError(-1021, MESSAGES[-1021] % "was 1000ms ahead of the server's time.")
        if late_ms > window_ms:
            raise BinanceError(-1021, MESSAGES[-1021] % "is outside of the recvWindow.")
