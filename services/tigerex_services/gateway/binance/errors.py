"""Errors as Binance numbers and words them, and the one mapping from the platform's errors."""

from collections.abc import Mapping

from tigerex_platform.errors import (
    Conflict,
    DeadlineExceeded,
    InvalidField,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refused,
    TigerExError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

MESSAGES: Mapping[int, str] = {
    -1000: "An unknown error occurred while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1003: "Too much request weight used; current limit is %s request weight per 1 MINUTE.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution"
    " status unknown.",
    -1013: "Filter failure: %s",
    -1020: "This operation is not supported.",
    -1021: "Timestamp for this request %s",
    -1022: "Signature for this request is not valid.",
    -1100: "Illegal characters found in parameter '%s'; legal range is '%s'.",
    -1101: "Duplicate values for parameter '%s' detected.",
    -1102: "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
    -1104: "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'.",
    -1105: "Parameter '%s' was empty.",
    -1106: "Parameter '%s' sent when not required.",
    -1111: "Parameter '%s' has too much precision.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1127: "Lookup interval is too big. More than %s hours between startTime and endTime.",
    -1128: "Combination of optional parameters invalid.",
    -1130: "Data sent for parameter '%s' is not valid.",
    -1131: "recvWindow must be less than 60000",
    -1139: "Invalid newOrderRespType.",
    -2010: "%s",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2038: "Order amend (quantity increase) is not supported.",
    -2015: "Invalid API-key, IP, or permissions for action.",
}
UNAUTHORIZED = frozenset({-2014, -2015})

# What the exchange refuses an order for -> the filter that says so.
FILTERS: Mapping[str, str] = {
    "INVALID_PRICE": "PRICE_FILTER",
    "INVALID_STOP_PRICE": "PRICE_FILTER",
    "INVALID_QUANTITY": "LOT_SIZE",
    "INVALID_AMOUNT": "NOTIONAL",
    "INVALID_DISPLAY": "ICEBERG_PARTS",
    "INVALID_TRAILING": "TRAILING_DELTA",
    "MIN_NOTIONAL": "NOTIONAL",
    "MAX_NOTIONAL": "NOTIONAL",
    "PERCENT_PRICE": "PERCENT_PRICE_BY_SIDE",
    "MAX_ORDERS": "MAX_NUM_ORDERS",
    "MAX_STOPS": "MAX_NUM_ALGO_ORDERS",
    "MAX_ICEBERGS": "MAX_NUM_ICEBERG_ORDERS",
    "MAX_POSITION": "MAX_POSITION",
}
# Fields of the native request whose form was wrong -> the same.
FIELD_FILTERS: Mapping[str, str] = {
    "price": "PRICE_FILTER",
    "stop_price": "PRICE_FILTER",
    "quantity": "LOT_SIZE",
    "display_quantity": "ICEBERG_PARTS",
    "quote_amount": "NOTIONAL",
    "trailing_bps": "TRAILING_DELTA",
}
REJECTIONS: Mapping[str, str] = {
    "INSUFFICIENT_BALANCE": "Account has insufficient balance for requested action.",
    "WOULD_TAKE": "Order would immediately match and take.",
    "WOULD_TRIGGER": "Stop price would trigger immediately.",
    "MARKET_HALTED": "Market is closed.",
    "CLIENT_ORDER_ID_TAKEN": "Duplicate order sent.",
    "ACCOUNT_FROZEN": "This action is disabled on this account.",
    "ACCOUNT_CANNOT_TRADE": "This action is disabled on this account.",
    "STALE_EPOCH": "This action is disabled on this account.",
}


class BinanceError(Exception):
    """A refusal: Binance's number and words, and the HTTP status that they come with."""

    def __init__(
        self, code: int, message: str, status: int = 400, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s


def refuse(code: int, *values: object) -> BinanceError:
    """The error of a number, with the values that its words leave room for."""
    status = 401 if code in UNAUTHORIZED else 400
    return BinanceError(code, MESSAGES[code] % values if values else MESSAGES[code], status)


def of(error: TigerExError, unknown_order: int = -2013) -> BinanceError:
    """What Binance would say; `unknown_order`: its number for an order that is not there, which
    differs between asking (-2013) and canceling (-2011)."""
    if isinstance(error, NotFound):
        return _of_unknown(error, unknown_order)
    if error.code in FILTERS:
        return refuse(-1013, FILTERS[error.code])
    if isinstance(error, InvalidField):
        if error.field in FIELD_FILTERS:
            return refuse(-1013, FIELD_FILTERS[error.field])
        return refuse(-1130, error.field)
    if isinstance(error, Refused | Conflict):
        return refuse(-2010, REJECTIONS.get(error.code, error.message))
    if isinstance(error, Unauthenticated | PermissionDenied):
        return refuse(-2015)
    return _of_trouble(error)


def _of_unknown(error: NotFound, unknown_order: int) -> BinanceError:
    if "order" in error.kind:
        return refuse(unknown_order)
    if error.kind == "market":
        return refuse(-1121)
    return refuse(-1130, error.kind)


def _of_trouble(error: TigerExError) -> BinanceError:
    """What is not the request's fault, or passes by itself."""
    after_s: float | None = getattr(error, "retry_after_s", None)
    if isinstance(error, RateLimited):
        return BinanceError(-1003, f"Too many requests; {error.message}.", 429, after_s)
    if isinstance(error, Unavailable):
        return BinanceError(-1001, MESSAGES[-1001], 503, after_s)
    if isinstance(error, DeadlineExceeded):
        return BinanceError(-1007, MESSAGES[-1007], 504, after_s)
    if isinstance(error, TooLarge):
        return BinanceError(-1130, error.message, 413)
    return BinanceError(-1000, MESSAGES[-1000], 500)
