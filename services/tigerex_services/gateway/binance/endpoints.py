"""The table of endpoints: path and socket method, parameters, weight, what a caller proves."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tigerex_services.gateway.binance import (
    account,
    commission,
    history,
    lists,
    market,
    orders,
    parameters,
    replace,
    trades,
    user_data,
    ws_session,
)
from tigerex_services.gateway.binance.filters import TRAILING_BPS
from tigerex_services.gateway.binance.parameters import Parameter
from tigerex_services.gateway.signed import ACCOUNTS, HISTORY, TRADING
from tigerex_services.gateway.translate.market import INTERVAL_NUMBERS

_LIMIT_MAX = 1_000

SYMBOL = Parameter("symbol", parameters.symbol, required=True)
ANY_SYMBOL = Parameter("symbol", parameters.symbol)
SYMBOLS = Parameter("symbols", parameters.symbols)
LIMIT = Parameter("limit", parameters.within(1, _LIMIT_MAX))
DETAIL = Parameter("type", parameters.one_of("FULL", "MINI"))
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
RESTRICTIONS = Parameter("cancelRestrictions", parameters.one_of(*account.RESTRICTIONS, code=-1145))
SIGNED = (
    Parameter("timestamp", parameters.integer, required=True),
    Parameter("recvWindow", parameters.integer),
    Parameter("signature", parameters.text),
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
REPLACE = (
    Parameter("cancelReplaceMode", parameters.one_of(*replace.MODES), required=True),
    Parameter("cancelOrderId", parameters.integer),
    Parameter("cancelOrigClientOrderId", parameters.client_id),
    Parameter("cancelNewClientOrderId", parameters.client_id),
    RESTRICTIONS,
    # What Binance does by default; the new order counts before anything is done.
    Parameter("orderRateLimitExceededMode", parameters.one_of("DO_NOTHING")),
    *NEW_ORDER,
)

LISTEN_KEY = Parameter("listenKey", parameters.text, required=True)
SUBSCRIPTION = Parameter("subscriptionId", parameters.integer)
FROM_ID = Parameter("fromId", parameters.integer)
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


class Proof(Enum):
    """What a caller has to show."""

    NONE = "nothing"
    KEY = "an API key"
    SESSION = "a session that logged on"
    SIGNED = "a signature, or a session that logged on"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, and the socket method that is the same; either may be missing. `rpc`
    is the native method that it stands for, whose permission is asked of a caller; `orders` how
    many new ones it counts as.
    """

    method: str
    path: str
    ws: str
    handler: Handler
    weight: int
    parameters: tuple[Parameter, ...] = ()
    rpc: str = ""
    proof: Proof = Proof.NONE
    orders: int = 0
    known: Mapping[str, Parameter] = field(init=False)

    def __post_init__(self) -> None:
        every = self.parameters + (SIGNED if self.proof is Proof.SIGNED else ())
        object.__setattr__(self, "known", {each.name: each for each in every})

    @property
    def cancels(self) -> bool:
        """Whether an order that is not there could not be canceled."""
        return self.method == "DELETE"


def _market(path: str, ws: str, handler: Handler, weight: int, *asked: Parameter) -> Endpoint:
    return Endpoint("GET", f"{V3}/{path}", ws, handler, weight, asked)


def _trading(
    method: str,
    path: str,
    ws: str,
    handler: Handler,
    weight: int,
    name: str,
    *asked: Parameter,
    orders: int = 0,
) -> Endpoint:
    rpc = f"/{TRADING}/{name}"
    return Endpoint(method, f"{V3}/{path}", ws, handler, weight, asked, rpc, Proof.SIGNED, orders)


def _history(
    path: str, ws: str, handler: Handler, weight: int, name: str, *asked: Parameter
) -> Endpoint:
    rpc = f"/{HISTORY}/{name}"
    return Endpoint("GET", f"{V3}/{path}", ws, handler, weight, (*asked, *SPAN), rpc, Proof.SIGNED)


def _account(path: str, ws: str, handler: Handler, weight: int, *asked: Parameter) -> Endpoint:
    return Endpoint("GET", path, ws, handler, weight, asked, READS_BALANCES, Proof.SIGNED)


def _listen_key(method: str, ws: str, handler: Handler, *asked: Parameter) -> Endpoint:
    path = f"{V3}/userDataStream"
    return Endpoint(method, path, ws, handler, 2, asked, READS_ORDERS, Proof.KEY)


def _socket(ws: str, handler: Handler, proof: Proof, *asked: Parameter, rpc: str = "") -> Endpoint:
    return Endpoint("", "", ws, handler, 2, asked, rpc, proof)


V3 = "/api/v3"
READS_ORDERS = f"/{TRADING}/GetOrder"
READS_BALANCES = f"/{ACCOUNTS}/GetBalances"
ENDPOINTS: tuple[Endpoint, ...] = (
    _market("ping", "ping", market.ping, 1),
    _market("time", "time", market.time, 1),
    _market("exchangeInfo", "exchangeInfo", market.exchange_info, 20, ANY_SYMBOL, SYMBOLS),
    _market(
        "depth",
        "depth",
        market.depth,
        5,
        SYMBOL,
        Parameter("limit", parameters.within(1, 5_000)),
    ),
    _market("trades", "trades.recent", trades.trades, 25, SYMBOL, LIMIT),
    _market("historicalTrades", "trades.historical", trades.trades, 25, SYMBOL, LIMIT, FROM_ID),
    _market("aggTrades", "trades.aggregate", trades.aggregate_trades, 4, SYMBOL, FROM_ID, *SPAN),
    _market("klines", "klines", market.klines, 2, *KLINES),
    _market("uiKlines", "uiKlines", market.klines, 2, *KLINES),
    _market("avgPrice", "avgPrice", market.average_price, 2, SYMBOL),
    _market("ticker/24hr", "ticker.24hr", market.day_ticker, 40, ANY_SYMBOL, SYMBOLS, DETAIL),
    _market(
        "ticker",
        "ticker",
        market.window_ticker,
        4,
        ANY_SYMBOL,
        SYMBOLS,
        DETAIL,
        Parameter("windowSize", parameters.window),
    ),
    _market("ticker/price", "ticker.price", market.ticker_price, 4, ANY_SYMBOL, SYMBOLS),
    _market("ticker/bookTicker", "ticker.book", market.book_ticker, 4, ANY_SYMBOL, SYMBOLS),
    _trading("POST", "order", "order.place", account.place, 1, "PlaceOrder", *NEW_ORDER, orders=1),
    _trading("POST", "order/test", "order.test", account.test_order, 1, "PlaceOrder", *NEW_ORDER),
    _trading(
        "GET",
        "order",
        "order.status",
        account.get_order,
        4,
        "GetOrder",
        SYMBOL,
        ORDER_ID,
        CLIENT_ID,
    ),
    _trading(
        "DELETE",
        "order",
        "order.cancel",
        account.cancel,
        1,
        "CancelOrder",
        SYMBOL,
        ORDER_ID,
        CLIENT_ID,
        NEW_ID,
        RESTRICTIONS,
    ),
    _trading(
        "POST",
        "order/cancelReplace",
        "order.cancelReplace",
        replace.cancel_replace,
        1,
        "PlaceOrder",
        *REPLACE,
        orders=1,
    ),
    _trading(
        "PUT",
        "order/amend/keepPriority",
        "order.amend.keepPriority",
        lists.amend,
        4,
        "AmendOrder",
        SYMBOL,
        ORDER_ID,
        CLIENT_ID,
        Parameter("newQty", parameters.decimal, required=True),
    ),
    _trading(
        "GET",
        "openOrders",
        "openOrders.status",
        account.open_orders,
        6,
        "ListOpenOrders",
        ANY_SYMBOL,
    ),
    _trading(
        "DELETE",
        "openOrders",
        "openOrders.cancelAll",
        account.cancel_open_orders,
        1,
        "CancelAll",
        SYMBOL,
    ),
    _trading(
        "POST",
        "orderList/oco",
        "orderList.place.oco",
        lists.place_oco,
        1,
        "PlaceOco",
        *NEW_LIST,
        orders=2,
    ),
    _trading(
        "GET",
        "orderList",
        "orderList.status",
        lists.get_list,
        4,
        "GetOrderList",
        LIST_ID,
        CLIENT_ID,
    ),
    _trading(
        "GET", "openOrderList", "openOrderLists.status", lists.open_lists, 6, "ListOpenOrders"
    ),
    _trading(
        "DELETE",
        "orderList",
        "orderList.cancel",
        lists.cancel_list,
        1,
        "CancelOrder",
        SYMBOL,
        LIST_ID,
        LIST_NAME,
    ),
    _history("allOrders", "allOrders", history.all_orders, 20, "ListOrders", SYMBOL, ORDER_ID),
    _history("myTrades", "myTrades", history.my_trades, 20, "ListFills", SYMBOL, ORDER_ID, FROM_ID),
    _history("allOrderList", "allOrderLists", history.all_lists, 20, "ListOrderLists", FROM_ID),
    Endpoint(
        "GET",
        f"{V3}/account/commission",
        "account.commission",
        commission.commission,
        20,
        (SYMBOL,),
        f"/{ACCOUNTS}/GetFees",
        Proof.SIGNED,
    ),
    _account(
        f"{V3}/account",
        "account.status",
        account.account,
        20,
        Parameter("omitZeroBalances", parameters.flag),
    ),
    _account(f"{V3}/rateLimit/order", "account.rateLimits.orders", account.order_counts, 40),
    _account("/sapi/v1/capital/config/getall", "", account.coins, 10),
    _account("/sapi/v1/margin/allPairs", "", account.margin_pairs, 1, ANY_SYMBOL),
    _account("/sapi/v1/margin/isolated/allPairs", "", account.margin_pairs, 10, ANY_SYMBOL),
    _listen_key("POST", "userDataStream.start", user_data.open_key),
    _listen_key("PUT", "userDataStream.ping", user_data.renew_key, LISTEN_KEY),
    _listen_key("DELETE", "userDataStream.stop", user_data.close_key, LISTEN_KEY),
    _socket("userDataStream.subscribe", user_data.subscribe, Proof.SESSION, rpc=READS_ORDERS),
    _socket(
        "userDataStream.subscribe.signature",
        user_data.subscribe_signed,
        Proof.SIGNED,
        rpc=READS_ORDERS,
    ),
    _socket("userDataStream.unsubscribe", user_data.unsubscribe, Proof.NONE, SUBSCRIPTION),
    _socket("session.subscriptions", user_data.subscriptions, Proof.NONE),
    _socket("session.logon", ws_session.logon, Proof.SIGNED),
    _socket("session.status", ws_session.status, Proof.NONE),
    _socket("session.logout", ws_session.logout, Proof.NONE),
)
