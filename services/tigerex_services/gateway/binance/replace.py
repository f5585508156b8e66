"""Cancels an order and places another one, each on its own: when one fails, the answer tells of
both.
"""

from collections.abc import Awaitable

from tigerex.exchange.v1 import types_pb2

from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.binance import account, orders
from tigerex_services.gateway.binance.calls import UserCall
from tigerex_services.gateway.binance.errors import MESSAGES, BinanceError, of, refuse
from tigerex_services.gateway.binance.orders import Json

STOP_ON_FAILURE = "STOP_ON_FAILURE"  # of the cancellation: then the new order is not placed
MODES = (STOP_ON_FAILURE, "ALLOW_FAILURE")
PARTIALLY_FAILED, FAILED = -2021, -2022


async def cancel_replace(call: UserCall) -> Json:
    """Both answers; raises BinanceError with both where one is an error."""
    orders.check_terms(call.values)
    if not call.values.keys() & {"cancelOrderId", "cancelOrigClientOrderId"}:
        raise refuse(-1102, "cancelOrderId")
    market = await call.parts.symbols.market(call.values["symbol"])
    canceled = await _attempt(_cancel(call, market), canceling=True)
    placed: Json | BinanceError | None = None
    is_canceled = not isinstance(canceled, BinanceError)
    if is_canceled or call.values["cancelReplaceMode"] != STOP_ON_FAILURE:
        new = account.place_order(call, market, call.request_id(1), begun=is_canceled)
        placed = await _attempt(new, canceling=False)
    both = {
        "cancelResult": _result(canceled),
        "newOrderResult": _result(placed),
        "cancelResponse": _told(canceled),
        "newOrderResponse": _told(placed),
    }
    succeeded = [isinstance(each, dict) for each in (canceled, placed)]
    if all(succeeded):
        return both
    code, status = (PARTIALLY_FAILED, 409) if any(succeeded) else (FAILED, 400)
    raise BinanceError(code, MESSAGES[code], status, data=both)


async def _cancel(call: UserCall, market: types_pb2.Market) -> Json:
    found = await account.find_order(call, market, "cancelOrderId", "cancelOrigClientOrderId")
    new_id = call.values.get("cancelNewClientOrderId", "")
    return await account.cancel_order(call, market, found, new_id)


async def _attempt(step: Awaitable[Json], *, canceling: bool) -> Json | BinanceError:
    try:
        return await step
    except BinanceError as error:
        return error
    except TigerExError as error:
        return of(error, canceling=canceling)


def _result(step: Json | BinanceError | None) -> str:
    if step is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(step, BinanceError) else "SUCCESS"


def _told(step: Json | BinanceError | None) -> Json | None:
    return step.told() if isinstance(step, BinanceError) else step
