"""Why the core refused, in words: the one table from `Reason` to errors of the API.

The code of the error is the reason's name, so callers can rely on it; the message says what to do.
"""

from collections.abc import Sequence

from tigerex_core.records import Command, Event, EventKind, Reason
from tigerex_platform.errors import Conflict, NotFound, Refused, TigerExError
from tigerex_services.exchange.orders import EventRow, name_of

# Reason -> (field of the request, what to do)
_REFUSED: dict[Reason, tuple[str, str]] = {
    Reason.UNKNOWN_COMMAND: ("", "the exchange does not know this command; update the client"),
    Reason.INVALID_NAME: ("name", "use another name: it is empty or has characters not allowed"),
    Reason.INVALID_SCALE: ("scale", "choose a scale of 0 to 8 decimals"),
    Reason.INVALID_TICK_OR_LOT: (
        "tick_size",
        "choose a tick and a lot whose decimals together do not exceed the quote asset's scale",
    ),
    Reason.INVALID_FEE: ("fee", "choose a fee from 0 to 0.1"),
    Reason.INVALID_TIER: ("tier", "choose a tier from 0 to 15"),
    Reason.INVALID_KIND: ("kind", "choose an account kind that can be created"),
    Reason.INVALID_STATE: ("state", "choose OPEN or HALTED"),
    Reason.INVALID_AMOUNT: ("amount", "choose an amount greater than zero"),
    Reason.INVALID_PRICE: (
        "price",
        "give a limit order a price from one tick to the market's largest, a market order none",
    ),
    Reason.INVALID_QUANTITY: (
        "quantity",
        "choose a quantity from one lot to the market's largest",
    ),
    Reason.INVALID_SIDE: ("side", "choose BUY or SELL"),
    Reason.INVALID_ORDER_TYPE: ("type", "choose LIMIT or MARKET"),
    Reason.INVALID_TIME_IN_FORCE: (
        "time_in_force",
        "choose GTC or IOC; market orders are IOC, post-only orders are GTC limit orders",
    ),
    Reason.MIN_NOTIONAL: (
        "quantity",
        "raise price or quantity: their product is below the market's smallest notional",
    ),
    Reason.OVERFLOW: ("amount", "choose a smaller amount: the balance would exceed its range"),
    Reason.INSUFFICIENT_BALANCE: (
        "account_id",
        "the available balance does not cover this; deposit, free held funds or ask for less",
    ),
    Reason.STALE_EPOCH: (
        "epoch",
        "the account has a newer epoch: another writer took over; stop, or read the account again",
    ),
    Reason.ACCOUNT_FROZEN: ("account_id", "the account is frozen; ask the exchange's operator"),
    Reason.MARKET_HALTED: ("market", "the market is halted; cancels are possible, orders are not"),
    Reason.WOULD_TAKE: ("post_only", "the order would match at once; move its price away"),
    Reason.CAPACITY: ("", "a table of the exchange is full; try again when orders have closed"),
    Reason.SAME_ACCOUNT: ("to_account_id", "choose two different accounts"),
    Reason.ACCOUNT_CANNOT_TRADE: ("account_id", "system accounts do not trade; use another"),
}

_UNKNOWN: dict[Reason, str] = {
    Reason.UNKNOWN_ACCOUNT: "account",
    Reason.UNKNOWN_ASSET: "asset",
    Reason.UNKNOWN_MARKET: "market",
    Reason.UNKNOWN_ORDER: "open order",
    Reason.UNKNOWN_USER: "user",
    Reason.UNKNOWN_TRANSFER: "pending transfer",
}

_TAKEN: dict[Reason, tuple[str, str]] = {
    Reason.NAME_TAKEN: ("name", "something else has this name; choose another"),
    Reason.CLIENT_ORDER_ID_TAKEN: (
        "client_order_id",
        "an open order of the account has this client order id; choose another",
    ),
    Reason.TRANSFER_EXISTS: ("transfer_id", "another transfer has this id; choose a new one"),
    Reason.REQUEST_ID_REUSED: (
        "request_id",
        "this request id was used with other content; choose a new one for a new request",
    ),
}


def find_refusal(events: Sequence[EventRow]) -> TigerExError | None:
    """The error when these events of one command say that it was rejected."""
    for row in events:
        if row[Event.KIND] == EventKind.REJECTED:
            return refusal(row)
    return None


def refusal(row: EventRow) -> TigerExError:
    """The error of a REJECTED event."""
    reason = Reason(row[Event.REASON])
    if reason in _UNKNOWN:
        unknown = NotFound(_UNKNOWN[reason], _named(reason, row))
        unknown.code = reason.name
        return unknown
    if reason in _TAKEN:
        field, advice = _TAKEN[reason]
        return Conflict(reason.name, advice, field=field)
    field, advice = _REFUSED[reason]
    return Refused(reason.name, advice, field=field)


def _named(reason: Reason, row: EventRow) -> str:
    """What the command called the thing that is not there."""
    if reason is Reason.UNKNOWN_ORDER:
        return str(row[Event.ORDER_ID] or name_of(row))
    if reason is Reason.UNKNOWN_MARKET:
        return str(row[Event.MARKET])
    if reason is Reason.UNKNOWN_ACCOUNT and row[Event.VALUE] != Command.TO_ACCOUNT:
        return str(row[Event.ACCOUNT])
    return "with the id given"
