"""The table of endpoints, and what every one of them does the same way: parameters, weight, who
calls, JSON."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tigerex_platform.errors import TigerExError
from tigerex_services.gateway.binance import (
    account,
    commission,
    history,
    lists,
    market,
    orders,
    parameters,
    trades,
)
from tigerex_services.gateway.binance.auth import KEY_HEADER
from tigerex_services.gateway.binance.calls import Parts, PublicCall, UserCall
from tigerex_services.gateway.binance.errors import MESSAGES, BinanceError, of
from tigerex_services.gateway.binance.filters import TRAILING_BPS
from tigerex_services.gateway.binance.parameters import Parameter, Values
from tigerex_services.gateway.context import gateway_of
from tigerex_services.gateway.signed import ACCOUNTS, HISTORY, TRADING
from tigerex_services.gateway.translate.market import INTERVAL_NUMBERS

_FORM = "application/x-www-form-urlencoded"
_LIMIT_MAX = 1_000

SYMBOL = Parameter("symbol", parameters.symbol, required=True)
ANY_SYMBOL = Parameter("symbol", parameters.symbol)
SYMBOLS = Parameter("symbols", parameters.symbols)
LIMIT = Parameter("limit", parameters.within(1, _LIMIT_MAX))
DETAIL = Parameter("type", parameters.one_of("FULL", "MINI"))
FROM_ID = Parameter("fromId", parameters.integer)
_TIME = parameters.within(0, 4_102_444_800_000)  # until the year 2100
SPAN = (Parameter("startTime", _TIME), Parameter("endTime", _TIME), LIMIT)
KLINES = (
    SYMBOL,
    Parameter("interval", parameters.one_of(*INTERVAL_NUMBERS, code=-1120), required=True),
    *SPAN,
)
ORDER_ID = Parameter("orderId", parameters.integer)
CLIENT_ID = Parameter("origClientOrderId", parameters.client_id)
NEW_ID = Parameter("newClientOrderId", parameters.client_id)
SIGNED = (
    Parameter("timestamp", parameters.integer, required=True),
    Parameter("recvWindow", parameters.integer),
    Parameter("signature", lambda _, text: text, required=True),
)
SIDE = Parameter("side", parameters.one_of(*orders.SIDES.values(), code=-1117), required=True)
ANSWER = Parameter("newOrderRespType", parameters.one_of("ACK", "RESULT", "FULL", code=-1139))
SELF_TRADE = Parameter(
    "selfTradePreventionMode", parameters.one_of(*orders.SELF_TRADE_MODES.values())
)
_TYPE = parameters.one_of(*orders.ORDER_TYPES, code=-1116)
_TIME_IN_FORCE = parameters.one_of(*orders.TIMES_IN_FORCE.values(), code=-1115)
_TRAILING = parameters.within(*TRAILING_BPS)
NEW_ORDER = (
    SYMBOL,
    SIDE,
    Parameter("type", _TYPE, required=True),
    Parameter("timeInForce", _TIME_IN_FORCE),
    Parameter("quantity", parameters.decimal),
    Parameter("quoteOrderQty", parameters.decimal),
    Parameter("price", parameters.decimal),
    NEW_ID,
    Parameter("stopPrice", parameters.decimal),
    Parameter("trailingDelta", _TRAILING),
    Parameter("icebergQty", parameters.decimal),
    ANSWER,
    SELF_TRADE,
)

LIST_ID = Parameter("orderListId", parameters.integer)
LIST_NAME = Parameter("listClientOrderId", parameters.client_id)


def _leg(side: str) -> tuple[Parameter, ...]:
    """What a list says of its order above or below."""
    return (
        Parameter(f"{side}Type", _TYPE, required=True),
        Parameter(f"{side}ClientOrderId", parameters.client_id),
        Parameter(f"{side}IcebergQty", parameters.decimal),
        Parameter(f"{side}Price", parameters.decimal),
        Parameter(f"{side}StopPrice", parameters.decimal),
        Parameter(f"{side}TrailingDelta", _TRAILING),
        Parameter(f"{side}TimeInForce", _TIME_IN_FORCE),
    )


NEW_LIST = (
    SYMBOL,
    LIST_NAME,
    SIDE,
    Parameter("quantity", parameters.decimal, required=True),
    *_leg("above"),
    *_leg("below"),
    ANSWER,
    SELF_TRADE,
)
Handler = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. `rpc` is the native method that it stands for: its permission is
    asked of a caller, who must sign; without it the endpoint is public."""

    method: str
    path: str
    handler: Handler
    weight: int
    parameters: tuple[Parameter, ...] = ()
    rpc: str = ""
    unknown_order: int = -2013
    known: Mapping[str, Parameter] = field(init=False)

    def __post_init__(self) -> None:
        every = self.parameters + (SIGNED if self.rpc else ())
        object.__setattr__(self, "known", {each.name: each for each in every})


def _trading(
    method: str, path: str, handler: Handler, weight: int, name: str, *asked: Parameter
) -> Endpoint:
    unknown = account.UNKNOWN_TO_CANCEL if method == "DELETE" else -2013
    return Endpoint(method, path, handler, weight, asked, f"/{TRADING}/{name}", unknown)


def _history(path: str, handler: Handler, weight: int, name: str, *asked: Parameter) -> Endpoint:
    return Endpoint("GET", path, handler, weight, (*asked, *SPAN), f"/{HISTORY}/{name}")


def _accounts(path: str, handler: Handler, weight: int, *asked: Parameter) -> Endpoint:
    return Endpoint("GET", path, handler, weight, asked, f"/{ACCOUNTS}/GetBalances")


V3 = "/api/v3"
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", f"{V3}/ping", market.ping, 1),
    Endpoint("GET", f"{V3}/time", market.time, 1),
    Endpoint("GET", f"{V3}/exchangeInfo", market.exchange_info, 20, (ANY_SYMBOL, SYMBOLS)),
    Endpoint(
        "GET",
        f"{V3}/depth",
        market.depth,
        5,
        (SYMBOL, Parameter("limit", parameters.within(1, 5_000))),
    ),
    Endpoint("GET", f"{V3}/trades", trades.trades, 25, (SYMBOL, LIMIT)),
    Endpoint(
        "GET",
        f"{V3}/historicalTrades",
        trades.trades,
        25,
        (SYMBOL, LIMIT, FROM_ID),
    ),
    Endpoint(
        "GET",
        f"{V3}/aggTrades",
        trades.aggregate_trades,
        4,
        (SYMBOL, FROM_ID, *SPAN),
    ),
    Endpoint("GET", f"{V3}/klines", market.klines, 2, KLINES),
    Endpoint("GET", f"{V3}/uiKlines", market.klines, 2, KLINES),
    Endpoint("GET", f"{V3}/avgPrice", market.average_price, 2, (SYMBOL,)),
    Endpoint("GET", f"{V3}/ticker/24hr", market.day_ticker, 40, (ANY_SYMBOL, SYMBOLS, DETAIL)),
    Endpoint(
        "GET",
        f"{V3}/ticker",
        market.window_ticker,
        4,
        (ANY_SYMBOL, SYMBOLS, DETAIL, Parameter("windowSize", parameters.window)),
    ),
    Endpoint("GET", f"{V3}/ticker/price", market.ticker_price, 4, (ANY_SYMBOL, SYMBOLS)),
    Endpoint("GET", f"{V3}/ticker/bookTicker", market.book_ticker, 4, (ANY_SYMBOL, SYMBOLS)),
    _trading("POST", f"{V3}/order", account.place, 1, "PlaceOrder", *NEW_ORDER),
    _trading("POST", f"{V3}/order/test", account.test_order, 1, "PlaceOrder", *NEW_ORDER),
    _trading("GET", f"{V3}/order", account.get_order, 4, "GetOrder", SYMBOL, ORDER_ID, CLIENT_ID),
    _trading(
        "DELETE",
        f"{V3}/order",
        account.cancel,
        1,
        "CancelOrder",
        SYMBOL,
        ORDER_ID,
        CLIENT_ID,
        NEW_ID,
    ),
    _trading("GET", f"{V3}/openOrders", account.open_orders, 6, "ListOpenOrders", ANY_SYMBOL),
    _trading("DELETE", f"{V3}/openOrders", account.cancel_open_orders, 1, "CancelAll", SYMBOL),
    _trading(
        "PUT",
        f"{V3}/order/amend/keepPriority",
        lists.amend,
        4,
        "AmendOrder",
        SYMBOL,
        ORDER_ID,
        CLIENT_ID,
        Parameter("newQty", parameters.decimal, required=True),
    ),
    _trading("POST", f"{V3}/orderList/oco", lists.place_oco, 1, "PlaceOco", *NEW_LIST),
    _trading("GET", f"{V3}/orderList", lists.get_list, 4, "GetOrderList", LIST_ID, CLIENT_ID),
    _trading("GET", f"{V3}/openOrderList", lists.open_lists, 6, "ListOpenOrders"),
    _trading(
        "DELETE",
        f"{V3}/orderList",
        lists.cancel_list,
        1,
        "CancelOrder",
        SYMBOL,
        LIST_ID,
        LIST_NAME,
    ),
    _history(f"{V3}/allOrders", history.all_orders, 20, "ListOrders", SYMBOL, ORDER_ID),
    _history(f"{V3}/myTrades", history.my_trades, 20, "ListFills", SYMBOL, ORDER_ID, FROM_ID),
    _history(f"{V3}/allOrderList", history.all_lists, 20, "ListOrderLists", FROM_ID),
    Endpoint(
        "GET",
        f"{V3}/account/commission",
        commission.commission,
        20,
        (SYMBOL,),
        f"/{ACCOUNTS}/GetFees",
    ),
    _accounts(f"{V3}/account", account.account, 20, Parameter("omitZeroBalances", parameters.flag)),
    _accounts("/sapi/v1/capital/config/getall", account.coins, 10),
    _accounts("/sapi/v1/margin/allPairs", account.margin_pairs, 1, ANY_SYMBOL),
    _accounts("/sapi/v1/margin/isolated/allPairs", account.margin_pairs, 10, ANY_SYMBOL),
)


def _answer(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        parts = gateway_of(request).binance
        used = 0
        try:
            used = parts.weights.use(_caller_of(request), endpoint.weight)
            content = await _run(endpoint, parts, request)
        except TigerExError as error:
            return _refusal(of(error, endpoint.unknown_order), parts, used)
        except BinanceError as error:
            return _refusal(error, parts, used)
        return _json(content, 200, dict(parts.weights.headers(used)))

    return answer


async def _run(endpoint: Endpoint, parts: Parts, request: Request) -> Any:  # noqa: ANN401 - JSON
    query = request.scope["query_string"].decode("latin-1")
    body = await _form(request)
    values: Values = parameters.read(
        endpoint.known, parameters.pairs(query) + parameters.pairs(body)
    )
    if not endpoint.rpc:
        return await endpoint.handler(PublicCall(parts, values))
    key = request.headers.get(KEY_HEADER, "")
    caller = await parts.signatures.verify(key, query, body, values, endpoint.rpc)
    return await endpoint.handler(UserCall(parts, values, caller))


async def _form(request: Request) -> str:
    """The body of a request that has one; a body of another kind is none of ours."""
    body = await request.body()
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if kind != _FORM:
        return ""
    return body.decode("latin-1")


async def _unsupported(_: Request) -> Response:
    """A path of Binance's that is not in the table; its clients read numbers only."""
    return _json({"code": -1020, "msg": MESSAGES[-1020]}, 404, {})


def _caller_of(request: Request) -> str:
    """Whose weight counts: the address that the request came from."""
    return request.client.host if request.client else ""


def _refusal(error: BinanceError, parts: Parts, used: int) -> Response:
    headers = dict(parts.weights.headers(used)) if used else {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return _json({"code": error.code, "msg": error.message}, error.status, headers)


def _json(content: Any, status: int, headers: dict[str, str]) -> Response:  # noqa: ANN401
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


router = APIRouter()
for _endpoint in ENDPOINTS:
    router.add_api_route(
        _endpoint.path,
        _answer(_endpoint),
        methods=[_endpoint.method],
        include_in_schema=False,
        response_class=Response,
    )

for _path in (V3, "/sapi"):
    router.add_api_route(
        f"{_path}/{{path:path}}",
        _unsupported,
        methods=["GET", "POST", "PUT", "DELETE"],
        include_in_schema=False,
        response_class=Response,
    )
