"""User data streams: subscriptions on a socket of the WebSocket API, and listen keys, which name a
stream of their own.
"""

from tigerex_services.gateway.binance.calls import PublicCall, UserCall
from tigerex_services.gateway.binance.errors import refuse
from tigerex_services.gateway.binance.orders import Json


async def open_key(of: UserCall) -> Json:
    return {"listenKey": await of.parts.listen_keys.open(of.caller.user)}


async def renew_key(of: UserCall) -> Json:
    await of.parts.listen_keys.renew(of.caller.user, of.values["listenKey"])
    return {}


async def close_key(of: UserCall) -> Json:
    await of.parts.listen_keys.close(of.caller.user, of.values["listenKey"])
    return {}


async def subscribe(of: UserCall) -> Json:
    """For the user that the session logged on as."""
    return await _subscribe(of, of_session=True)


async def subscribe_signed(of: UserCall) -> Json:
    """For any user who signed the request."""
    return await _subscribe(of, of_session=False)


async def _subscribe(of: UserCall, *, of_session: bool) -> Json:
    account_id = await of.account_id()
    made = of.on_socket.new_subscription(of.caller.user, of.caller.key, of_session=of_session)
    try:
        await of.parts.user_feeds.attach(of.caller.user, account_id, made)
    except BaseException:
        of.on_socket.forget(made)
        raise
    # Nothing may be awaited from here until the answer is sent: events would overtake it.
    return {"subscriptionId": made.number}


async def unsubscribe(of: PublicCall) -> Json:
    """One subscription, or all; raises BinanceError for one that there is not."""
    found = of.on_socket.subscriptions
    number = of.values.get("subscriptionId")
    if number is not None and number not in found:
        raise refuse(-2036)
    for made in list(found.values()) if number is None else [found[number]]:
        of.parts.user_feeds.detach(made.user, made)
        of.on_socket.forget(made)
    return {}


async def subscriptions(of: PublicCall) -> list[Json]:
    return [{"subscriptionId": number} for number in of.on_socket.subscriptions]
