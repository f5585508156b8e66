"""The core's command and event records: rows of int64, the same bytes in memory, in the journal and
on streams.

A row is one command or one event. Columns have one general name each; what a kind puts into a
column is said in the tables of `CommandKind` and `EventKind`. Columns that a kind does not mention
are zero.

Units: amounts in the asset's smallest unit; prices in ticks; quantities in lots; times in
nanoseconds since the Unix epoch; names and client order ids in five int64 (40 ASCII bytes, zero
padded).
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]

NAME_BYTES = 40
NAME_WORDS = NAME_BYTES // 8


class Command(IntEnum):
    """Columns of a command row."""

    KIND = 0
    TIME_NS = 1
    REQUEST_HI = 2  # 16-byte request id, big endian halves; zero: no deduplication
    REQUEST_LO = 3
    ACCOUNT = 4
    EPOCH = 5
    MARKET = 6
    ORDER_ID = 7
    SIDE = 8
    ORDER_TYPE = 9
    TIME_IN_FORCE = 10
    POST_ONLY = 11
    PRICE = 12
    QUANTITY = 13
    ASSET = 14
    AMOUNT = 15
    TO_ACCOUNT = 16
    VALUE = 17
    AUX = 18
    STOP_PRICE = 19  # ticks
    TRAILING = 20  # basis points
    DISPLAY = 21  # lots
    EXPIRE_NS = 22
    SELF_TRADE = 23
    NAME = 24  # first of five
    OTHER_NAME = 29  # first of five
    LIST_NAME = 34  # first of five


COMMAND_WIDTH = Command.LIST_NAME + NAME_WORDS


class Event(IntEnum):
    """Columns of an event row."""

    KIND = 0
    TIME_NS = 1
    COMMAND = 2  # index of the causing command in its batch
    REQUEST_HI = 3
    REQUEST_LO = 4
    ACCOUNT = 5
    MARKET = 6
    ORDER_ID = 7
    SIDE = 8
    PRICE = 9
    QUANTITY = 10
    REMAINING = 11
    ASSET = 12
    AMOUNT = 13
    FEE = 14
    OTHER_ACCOUNT = 15
    OTHER_ORDER = 16
    TRADE_ID = 17
    REASON = 18
    VALUE = 19
    AUX = 20
    OTHER_ASSET = 21
    VISIBLE = 22  # lots that the book shows more (below zero: fewer) at PRICE on SIDE
    NAME = 23  # first of five


EVENT_WIDTH = Event.NAME + NAME_WORDS


class CommandKind(IntEnum):
    """What a command asks for, and the columns it uses beside TIME_NS and the request id."""

    TICK = 1  # nothing but the time
    CREATE_ASSET = 2  # NAME code, VALUE scale (decimals, 0 to 8)
    # NAME symbol, ASSET base, AUX quote, VALUE tick (quote units per whole base), ORDER_ID lot
    # (base units), PRICE largest price, QUANTITY largest quantity, AMOUNT smallest notional (quote
    # units)
    CREATE_MARKET = 3
    SET_MARKET_STATE = 4  # MARKET, VALUE state
    # VALUE tier, AMOUNT maker fee, AUX taker fee (parts per million of the amount received)
    SET_FEE_TIER = 5
    CREATE_USER = 6  # NAME; also makes the user's account "main"
    CREATE_ACCOUNT = 7  # VALUE user, AUX account kind, NAME
    SET_ACCOUNT = 8  # ACCOUNT, VALUE fee tier, AUX 1 frozen, 0 active
    ADVANCE_EPOCH = 9  # ACCOUNT, EPOCH the new one, VALUE signal
    # ACCOUNT from, TO_ACCOUNT, ASSET, AMOUNT (a deposit comes from the account WORLD)
    TRANSFER = 10
    RESERVE_TRANSFER = 11  # as TRANSFER, VALUE and AUX: high and low half of the transfer id
    POST_TRANSFER = 12  # VALUE, AUX: transfer id
    VOID_TRANSFER = 13  # VALUE, AUX: transfer id
    # ACCOUNT, EPOCH, MARKET, SIDE, ORDER_TYPE, TIME_IN_FORCE, POST_ONLY, PRICE (0 for orders at
    # market), QUANTITY, or AMOUNT with QUANTITY 0 for a market order of so many quote units;
    # STOP_PRICE where the order waits for a price, TRAILING for a stop that follows the price
    # (STOP_PRICE is then where it begins to follow, 0: at once), DISPLAY for an iceberg (0: all is
    # shown), EXPIRE_NS with GTD, SELF_TRADE (0: the market's), NAME client order id (zero: none),
    # AUX seq at which the order was decided (0: unknown)
    PLACE_ORDER = 14
    CANCEL_ORDER = 15  # ACCOUNT, EPOCH, and ORDER_ID, or NAME client order id with ORDER_ID 0
    # ACCOUNT, EPOCH, MARKET: the oldest CANCELS_MAX open orders of the account in the market;
    # ACCOUNT 0: of everybody (a delisting)
    CANCEL_ALL = 16
    # as CANCEL_ORDER, QUANTITY the new one, what is filled included. A smaller one keeps the
    # order's place in the queue, a larger one loses it.
    AMEND_ORDER = 17
    # One cancels the other: a post-only limit order and a stop of the same SIDE and QUANTITY.
    # ACCOUNT, EPOCH, MARKET, SIDE, QUANTITY, SELF_TRADE, AUX as PLACE_ORDER; of the limit order
    # PRICE, DISPLAY, NAME; of the stop STOP_PRICE, TRAILING, AMOUNT its limit price (0: at market),
    # OTHER_NAME; LIST_NAME names the pair
    PLACE_OCO = 18
    SET_MARKET_LIMIT = 19  # MARKET, VALUE which (MarketLimit), AMOUNT the value
    # ASSET in which fees can be paid (0: none), AMOUNT parts per million that are then let off
    SET_FEE_DISCOUNT = 20
    SET_FEE_PAYMENT = 21  # ACCOUNT, VALUE 1 pays fees in the discount asset, 0 in what it receives


class EventKind(IntEnum):
    """What happened, and the columns used beside TIME_NS, COMMAND and the request id."""

    TICKED = 1
    ASSET_CREATED = 2  # ASSET new id, NAME, VALUE scale
    # MARKET new id, and NAME, ASSET, AUX, VALUE, ORDER_ID, PRICE, QUANTITY, AMOUNT as commanded
    MARKET_CREATED = 3
    # MARKET, VALUE state, REASON CIRCUIT_BREAKER where the market halted itself
    MARKET_STATE_SET = 4
    FEE_TIER_SET = 5  # VALUE tier, AMOUNT maker fee, AUX taker fee (ppm)
    USER_CREATED = 6  # VALUE new user id, ACCOUNT its main account, NAME
    # ACCOUNT new id, VALUE user, AUX kind, NAME (also sent for a new user's main account)
    ACCOUNT_CREATED = 7
    ACCOUNT_SET = 8  # ACCOUNT, VALUE fee tier, AUX frozen
    EPOCH_ADVANCED = 9  # ACCOUNT, VALUE epoch, AUX signal
    TRANSFERRED = 10  # ACCOUNT from, OTHER_ACCOUNT to, ASSET, AMOUNT
    TRANSFER_RESERVED = 11  # as TRANSFERRED, VALUE and AUX: transfer id
    TRANSFER_POSTED = 12  # as TRANSFER_RESERVED
    TRANSFER_VOIDED = 13  # as TRANSFER_RESERVED
    # ACCOUNT, MARKET, ORDER_ID, SIDE, PRICE, QUANTITY, REMAINING = QUANTITY, ASSET and AMOUNT held,
    # NAME client order id, AUX decided seq, VALUE = order type + 16 * time in force + 256 * post
    # only. ORDER_TERMS follows where there are any; then the fills, then ORDER_RESTED,
    # ORDER_EXPIRED, or nothing when it is filled or waits for its stop price.
    ORDER_ACCEPTED = 14
    # ACCOUNT and ORDER_ID of the taker, SIDE of the taker, OTHER_ACCOUNT and OTHER_ORDER of the
    # maker, MARKET, TRADE_ID, PRICE, QUANTITY, AMOUNT notional (quote units), FEE of the taker in
    # ASSET and VALUE fee of the maker in OTHER_ASSET, REMAINING of the maker's order (0: filled and
    # off the book), AUX of the taker's (of an order for an amount: quote units left). The book
    # shows QUANTITY less at PRICE on the maker's side.
    TRADED = 15
    # ACCOUNT, MARKET, ORDER_ID, SIDE, PRICE, QUANTITY, REMAINING: now at the end of its level's
    # queue, for the first time, or again with the next part of an iceberg; VISIBLE what is shown
    ORDER_RESTED = 16
    # as ORDER_RESTED, REMAINING the part that found no counterparty; its hold is released; VISIBLE
    # what the book shows less (0 or below); REASON why: NONE where nothing was there to trade with,
    # INSUFFICIENT_BALANCE, CAPACITY (after layout.FILLS_MAX trades of one command), NOT_FILLABLE,
    # SELF_TRADE, CIRCUIT_BREAKER, TIME
    ORDER_EXPIRED = 17
    # as ORDER_EXPIRED, NAME client order id; REASON NONE where somebody asked for it, OTHER_LEG
    # where the other order of its list trades
    ORDER_CANCELED = 18
    # ACCOUNT, MARKET, ORDER_ID, NAME as commanded; REASON; VALUE the causing column or limit
    REJECTED = 19
    DUPLICATE = 20  # the request id was seen with the same content: VALUE seq of the first answer
    # What else an order says, where it says it: ACCOUNT, MARKET, ORDER_ID, PRICE stop price,
    # REMAINING trailing (basis points), QUANTITY display (lots), AMOUNT quote units to trade, AUX
    # expiry (ns), VALUE self-trade mode, OTHER_ORDER the id of its list
    ORDER_TERMS = 21
    # as ORDER_RESTED, AUX the price that triggered it: from now on an order at its limit, or at
    # market. Its fills follow as those of ORDER_ACCEPTED.
    ORDER_TRIGGERED = 22
    # as ORDER_RESTED with the new QUANTITY and REMAINING; AMOUNT change of what is held; VALUE 1
    # where it kept its place; VISIBLE change of what is shown
    ORDER_AMENDED = 23
    # An order for an amount of quote units has traded it, but for less than one lot: as
    # ORDER_RESTED, AUX quote units left
    ORDER_FILLED = 24
    # as TRADED, but nothing was traded: both orders are of one user. VALUE mode; QUANTITY lots
    # that both lost (DECREMENT, else 0), which the book shows less at PRICE on the maker's side;
    # REMAINING of the maker's order, AUX of the taker's
    SELF_TRADE_PREVENTED = 25
    # ACCOUNT, MARKET, ORDER_ID the list's id and its limit order, OTHER_ORDER its stop, NAME of the
    # list. Both orders follow.
    LIST_PLACED = 26
    # After the ORDER_CANCELED of a CANCEL_ALL: ACCOUNT, MARKET, QUANTITY orders canceled, REMAINING
    # open orders left
    ORDERS_CANCELED = 27
    MARKET_LIMIT_SET = 28  # MARKET, VALUE which, AMOUNT
    FEE_DISCOUNT_SET = 29  # ASSET, AMOUNT ppm let off
    FEE_PAYMENT_SET = 30  # ACCOUNT, VALUE


class Reason(IntEnum):
    """Why a command was rejected. Names are the stable codes of the API."""

    NONE = 0
    UNKNOWN_COMMAND = 1
    UNKNOWN_ACCOUNT = 2
    UNKNOWN_ASSET = 3
    UNKNOWN_MARKET = 4
    UNKNOWN_ORDER = 5
    UNKNOWN_USER = 6
    UNKNOWN_TRANSFER = 7
    INVALID_NAME = 8
    NAME_TAKEN = 9
    INVALID_SCALE = 10
    INVALID_TICK_OR_LOT = 11
    INVALID_FEE = 12
    INVALID_TIER = 13
    INVALID_KIND = 14
    INVALID_STATE = 15
    INVALID_AMOUNT = 16
    INVALID_PRICE = 17
    INVALID_QUANTITY = 18
    INVALID_SIDE = 19
    INVALID_ORDER_TYPE = 20
    INVALID_TIME_IN_FORCE = 21
    MIN_NOTIONAL = 22
    OVERFLOW = 23
    INSUFFICIENT_BALANCE = 24
    STALE_EPOCH = 25
    ACCOUNT_FROZEN = 26
    MARKET_HALTED = 27
    WOULD_TAKE = 28  # post-only order that would match
    CLIENT_ORDER_ID_TAKEN = 29
    TRANSFER_EXISTS = 30
    REQUEST_ID_REUSED = 31  # same id, other content
    CAPACITY = 32  # a table of the state is full: VALUE tells which column's
    SAME_ACCOUNT = 33
    ACCOUNT_CANNOT_TRADE = 34
    INVALID_STOP_PRICE = 35
    INVALID_TRAILING = 36
    INVALID_DISPLAY = 37
    INVALID_EXPIRY = 38
    INVALID_SELF_TRADE = 39
    INVALID_LIMIT = 40
    WOULD_TRIGGER = 41  # a stop whose price is reached already
    NOT_FILLABLE = 42  # fill-or-kill that cannot be filled at once
    MAX_NOTIONAL = 43
    PERCENT_PRICE = 44  # too far from the last price
    MAX_ORDERS = 45
    MAX_STOPS = 46
    MAX_ICEBERGS = 47
    MAX_POSITION = 48
    NOT_AMENDABLE = 49  # an order of a list
    SELF_TRADE = 50
    CIRCUIT_BREAKER = 51
    OTHER_LEG = 52
    TIME = 53  # good till a date that has come


class Side(IntEnum):
    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """A stop waits for the last price: to rise to its STOP_PRICE for a STOP_LOSS that buys and a
    TAKE_PROFIT that sells, to fall to it for the other two. Then it is a market order, or with
    _LIMIT a limit order.
    """

    LIMIT = 1
    MARKET = 2
    STOP_LOSS = 3
    STOP_LOSS_LIMIT = 4
    TAKE_PROFIT = 5
    TAKE_PROFIT_LIMIT = 6


class TimeInForce(IntEnum):
    GTC = 1  # good till canceled
    IOC = 2  # immediate or cancel
    FOK = 3  # fill or kill
    GTD = 4  # good till date: EXPIRE_NS


class SelfTrade(IntEnum):
    """What happens instead of a trade between two orders of one user; the taker's mode counts."""

    NONE = 1  # they trade
    EXPIRE_TAKER = 2
    EXPIRE_MAKER = 3
    EXPIRE_BOTH = 4
    DECREMENT = 5  # both lose the smaller remainder; who has none left expires


class MarketState(IntEnum):
    OPEN = 1
    HALTED = 2  # no new orders, no trades; orders can be canceled and made smaller
    CANCEL_ONLY = 3  # as HALTED, but nothing is amended
    DELISTING = 4  # as CANCEL_ONLY, for ever


class MarketLimit(IntEnum):
    """What SET_MARKET_LIMIT sets; 0 is none, where nothing else is said. Each is the filter that
    Binance's rule page "Filters" has under the name in brackets."""

    PRICE_MIN = 1  # ticks, from 1 (PRICE_FILTER)
    QUANTITY_MIN = 2  # lots, from 1 (LOT_SIZE)
    NOTIONAL_MIN = 3  # quote units (NOTIONAL)
    NOTIONAL_MAX = 4  # quote units (NOTIONAL)
    NOTIONAL_OF_MARKET_ORDERS = 5  # 1: both apply to market orders, too, at the last price
    MARKET_QUANTITY_MAX = 6  # lots of a market order (MARKET_LOT_SIZE)
    ORDERS_MAX = 7  # open orders of an account in the market (MAX_NUM_ORDERS)
    STOPS_MAX = 8  # of them waiting for a price (MAX_NUM_ALGO_ORDERS)
    ICEBERGS_MAX = 9  # of them icebergs (MAX_NUM_ICEBERG_ORDERS)
    POSITION_MAX = 10  # lots that an account may own or be buying (MAX_POSITION)
    # Parts per million of the last price that a limit price may not be above or below: this is
    # PERCENT_PRICE_BY_SIDE
    BID_UP_PPM = 11
    BID_DOWN_PPM = 12
    ASK_UP_PPM = 13
    ASK_DOWN_PPM = 14
    # The market halts before a trade whose price is further from the reference than so many ppm
    # of it. The reference is the last price when the window began; a window begins with the first
    # trade after the last one ended.
    BREAKER_PPM = 15
    BREAKER_WINDOW_NS = 16  # from 1, at first a minute
    SELF_TRADE = 17  # mode of orders that name none: SelfTrade, at first NONE


MARKET_LIMIT_MAX = max(MarketLimit)


class AccountKind(IntEnum):
    MAIN = 1
    BOT = 2
    EARN = 3
    ESCROW = 4
    HOUSE = 5  # may go negative
    SYSTEM = 6  # may go negative, never trades


# System accounts, present in the empty state; user id 0.
WORLD_ACCOUNT = 1
FEES_ACCOUNT = 2
CLEARING_ACCOUNT = 3

_NAMES = ("NAME", "OTHER_NAME", "LIST_NAME")


def _dtype(columns: type[IntEnum]) -> np.dtype[np.void]:
    return np.dtype(
        [(c.name.lower(), f"S{NAME_BYTES}" if c.name in _NAMES else "<i8") for c in columns]
    )


COMMAND_DTYPE = _dtype(Command)
EVENT_DTYPE = _dtype(Event)


def pack_name(name: str) -> Rows:
    """Five int64 for a name of at most 40 ASCII characters.

    Raises ValueError for a longer or non-ASCII name.
    """
    raw = name.encode("ascii")
    if len(raw) > NAME_BYTES:
        raise ValueError(f"{name!r} has {len(raw)} characters; at most {NAME_BYTES} are allowed")
    return np.frombuffer(raw.ljust(NAME_BYTES, b"\0"), dtype="<i8")


def unpack_name(words: Rows) -> str:
    """The name that `pack_name` packed."""
    return words.astype("<i8").tobytes().rstrip(b"\0").decode("ascii")
