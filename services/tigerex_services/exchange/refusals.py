"""Why the core refused, in words: the one table from `Reason` to errors of the API.

The code of the error is the reason's name, so callers can rely on it; the message says what to do,
with the market's limit where the directory knows it.
"""

from collections.abc import Mapping, Sequence

from tigerex_core.records import Command, Event, EventKind, MarketLimit, Reason
from tigerex_platform.errors import Conflict, NotFound, Refused, TigerExError
from tigerex_services.directory import Directory
from tigerex_services.exchange.orders import EventRow, name_of
from tigerex_services.instruments import MarketInfo
from tigerex_services.market_limits import show_limit

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
    Reason.INVALID_STATE: (
        "state",
        "choose OPEN, HALTED, CANCEL_ONLY or DELISTING, which is for ever; everybody's orders are"
        " canceled only in a market that is not open",
    ),
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
    Reason.INVALID_ORDER_TYPE: (
        "type",
        "choose LIMIT, MARKET, STOP_LOSS, STOP_LOSS_LIMIT, TAKE_PROFIT or TAKE_PROFIT_LIMIT",
    ),
    Reason.INVALID_TIME_IN_FORCE: (
        "time_in_force",
        "choose GTC, IOC, FOK or GTD; market orders are IOC, stops at market GTC or GTD, post-only"
        " orders LIMIT with GTC or GTD",
    ),
    Reason.INVALID_STOP_PRICE: (
        "stop_price",
        "give a stop order a stop price from one tick to the market's largest, others none; of a"
        " list to sell it is below the limit order's price, of one to buy above it",
    ),
    Reason.INVALID_TRAILING: (
        "trailing_bps",
        "choose 1 to 9,999 basis points for a stop order, 0 for others",
    ),
    Reason.INVALID_DISPLAY: (
        "display_quantity",
        "choose less than the quantity and at least a hundredth of it, for an order with a limit"
        " price that is GTC or GTD",
    ),
    Reason.INVALID_EXPIRY: (
        "expire_ns",
        "give a GTD order a time to come in nanoseconds since 1970, others none",
    ),
    Reason.INVALID_SELF_TRADE: (
        "self_trade_mode",
        "choose NONE, EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH or DECREMENT, or leave it out",
    ),
    Reason.INVALID_LIMIT: ("limits", "choose a limit of a market, and a value in its range"),
    Reason.WOULD_TRIGGER: (
        "stop_price",
        "the last price has reached the stop price already: move it away, or trade at once",
    ),
    Reason.NOT_FILLABLE: (
        "time_in_force",
        "the book cannot fill the order as a whole: lower the quantity, or choose IOC",
    ),
    Reason.MIN_NOTIONAL: (
        "quantity",
        "raise price or quantity: their product is below the market's smallest notional",
    ),
    Reason.MAX_NOTIONAL: (
        "quantity",
        "lower price or quantity: their product is above the market's largest notional",
    ),
    Reason.PERCENT_PRICE: ("price", "move the price closer to the last price"),
    Reason.MAX_ORDERS: (
        "account_id",
        "the account has as many open orders as the market allows; cancel some first",
    ),
    Reason.MAX_STOPS: (
        "account_id",
        "the account has as many orders waiting for a price as the market allows; cancel some",
    ),
    Reason.MAX_ICEBERGS: (
        "account_id",
        "the account has as many icebergs as the market allows; cancel some, or show all",
    ),
    Reason.MAX_POSITION: (
        "quantity",
        "lower the quantity: the account would own or be buying more than the market allows",
    ),
    Reason.NOT_AMENDABLE: (
        "order_id",
        "an order of a list cannot be amended; cancel the list and place another",
    ),
    Reason.SELF_TRADE: ("self_trade_mode", "the order would trade with one of the same user"),
    Reason.CIRCUIT_BREAKER: ("market", "the price moved too far: wait until the market resumes"),
    Reason.OTHER_LEG: ("", "the other order of the list ended this one; nothing is left to do"),
    Reason.TIME: ("expire_ns", "the order's date has come; place another"),
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
    Reason.MARKET_HALTED: (
        "market",
        "the market is not open: cancels are possible, and while it is halted smaller quantities",
    ),
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


# Reason -> (what the limit is called, which limits)
_LIMITS: Mapping[Reason, tuple[str, tuple[MarketLimit, ...]]] = {
    Reason.MIN_NOTIONAL: ("smallest notional", (MarketLimit.NOTIONAL_MIN,)),
    Reason.MAX_NOTIONAL: ("largest notional", (MarketLimit.NOTIONAL_MAX,)),
    Reason.MAX_ORDERS: ("most open orders", (MarketLimit.ORDERS_MAX,)),
    Reason.MAX_STOPS: ("most waiting orders", (MarketLimit.STOPS_MAX,)),
    Reason.MAX_ICEBERGS: ("most icebergs", (MarketLimit.ICEBERGS_MAX,)),
    Reason.MAX_POSITION: ("largest position", (MarketLimit.POSITION_MAX,)),
    Reason.INVALID_PRICE: ("smallest price", (MarketLimit.PRICE_MIN,)),
    Reason.INVALID_QUANTITY: (
        "smallest quantity, and largest at market (0: any)",
        (MarketLimit.QUANTITY_MIN, MarketLimit.MARKET_QUANTITY_MAX),
    ),
    Reason.PERCENT_PRICE: (
        "bounds as multiples of the last price (0: none), to buy up and down, to sell up and down",
        (
            MarketLimit.BID_UP_PPM,
            MarketLimit.BID_DOWN_PPM,
            MarketLimit.ASK_UP_PPM,
            MarketLimit.ASK_DOWN_PPM,
        ),
    ),
}

# Columns that are a field of their own where a list's orders say the same thing twice.
_FIELDS: Mapping[tuple[Reason, int], str] = {
    (Reason.INVALID_PRICE, Command.AMOUNT): "stop.limit_price",
    (Reason.CLIENT_ORDER_ID_TAKEN, Command.OTHER_NAME): "stop.client_order_id",
    (Reason.CLIENT_ORDER_ID_TAKEN, Command.LIST_NAME): "client_list_id",
    (Reason.INVALID_NAME, Command.OTHER_NAME): "stop.client_order_id",
    (Reason.INVALID_NAME, Command.LIST_NAME): "client_list_id",
    (Reason.INVALID_TIME_IN_FORCE, Command.POST_ONLY): "post_only",
    (Reason.INVALID_AMOUNT, Command.AMOUNT): "amount",
    (Reason.CAPACITY, Command.TRAILING): "trailing_bps",
}


def find_refusal(
    events: Sequence[EventRow], directory: Directory | None = None
) -> TigerExError | None:
    """The error when these events of one command say that it was rejected."""
    for row in events:
        if row[Event.KIND] == EventKind.REJECTED:
            return refusal(row, directory)
    return None


def refusal(row: EventRow, directory: Directory | None = None) -> TigerExError:
    """The error of a REJECTED event; with a directory it says the limits of the market."""
    reason = Reason(row[Event.REASON])
    if reason in _UNKNOWN:
        unknown = NotFound(_UNKNOWN[reason], _named(reason, row))
        unknown.code = reason.name
        return unknown
    table = _TAKEN if reason in _TAKEN else _REFUSED
    field, advice = table[reason]
    field = _FIELDS.get((reason, row[Event.VALUE]), field)
    if reason in _TAKEN:
        return Conflict(reason.name, advice, field=field)
    market = directory.find_market_by_id(row[Event.MARKET]) if directory else None
    return Refused(reason.name, advice + _limit_in_words(reason, market), field=field)


def _limit_in_words(reason: Reason, market: MarketInfo | None) -> str:
    """The values of the limits that refused, to follow the advice."""
    if market is None or reason not in _LIMITS:
        return ""
    name, limits = _LIMITS[reason]
    return f" ({name}: {', '.join(show_limit(market, limit) for limit in limits)})"


def _named(reason: Reason, row: EventRow) -> str:
    """What the command called the thing that is not there."""
    if reason is Reason.UNKNOWN_ORDER:
        return str(row[Event.ORDER_ID] or name_of(row))
    if reason is Reason.UNKNOWN_MARKET:
        return str(row[Event.MARKET])
    if reason is Reason.UNKNOWN_ACCOUNT and row[Event.VALUE] != Command.TO_ACCOUNT:
        return str(row[Event.ACCOUNT])
    return "with the id given"
