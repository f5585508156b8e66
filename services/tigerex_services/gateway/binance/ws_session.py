"""Methods of the WebSocket API about its session: one key for all requests that name none."""

from tigerex_services.gateway.binance.calls import PublicCall, UserCall
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.orders import Json, millis
from tigerex_services.gateway.binance.ws_state import Login


async def logon(of: UserCall) -> Json:
    """From now on the session speaks for the caller; Ed25519 keys only, as Binance does it."""
    api_key = await of.parts.signatures.known(of.caller.key)
    if not api_key.public_key:
        raise refuse(-4056)
    _end_own_subscriptions(of)
    of.on_socket.login = Login(of.caller.key, of.caller.user, millis(of.parts.clock.now_ns()))
    return await status(of)


async def status(of: PublicCall) -> Json:
    """Who the session speaks for, if anybody."""
    socket = of.on_socket
    return {
        "apiKey": socket.login.key if socket.login else None,
        "authorizedSince": socket.login.since_ms if socket.login else None,
        "connectedSince": socket.connected_ms,
        "returnRateLimits": socket.return_rate_limits,
        "serverTime": millis(of.parts.clock.now_ns()),
        "userDataStream": bool(socket.subscriptions),
    }


async def logout(of: PublicCall) -> Json:
    """The session speaks for nobody; subscriptions that were signed for go on."""
    _end_own_subscriptions(of)
    of.on_socket.login = None
    return await status(of)


def _end_own_subscriptions(of: PublicCall) -> None:
    for each in list(of.on_socket.subscriptions.values()):
        if each.of_session:
            of.parts.user_feeds.detach(each.user, each)
            of.on_socket.forget(each)
