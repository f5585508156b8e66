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
    NAME = 19  # first of five


COMMAND_WIDTH = Command.NAME + NAME_WORDS


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
    NAME = 21  # first of five


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
    # ACCOUNT, EPOCH, MARKET, SIDE, ORDER_TYPE, TIME_IN_FORCE, POST_ONLY, PRICE (0 for market
    # orders), QUANTITY, NAME client order id (zero: none), AUX seq at which the order was decided
    # (0: unknown)
    PLACE_ORDER = 14
    CANCEL_ORDER = 15  # ACCOUNT, EPOCH, and ORDER_ID, or NAME client order id with ORDER_ID 0


class EventKind(IntEnum):
    """What happened, and the columns used beside TIME_NS, COMMAND and the request id."""

    TICKED = 1
    ASSET_CREATED = 2  # ASSET new id, NAME, VALUE scale
    # MARKET new id, and NAME, ASSET, AUX, VALUE, ORDER_ID, PRICE, QUANTITY, AMOUNT as commanded
    MARKET_CREATED = 3
    MARKET_STATE_SET = 4  # MARKET, VALUE state
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
    # only. Its fills follow, then ORDER_RESTED, ORDER_EXPIRED, or nothing when it is filled.
    ORDER_ACCEPTED = 14
    # ACCOUNT and ORDER_ID of the taker, SIDE of the taker, OTHER_ACCOUNT and OTHER_ORDER of the
    # maker, MARKET, TRADE_ID, PRICE, QUANTITY, AMOUNT notional (quote units), FEE of the taker and
    # VALUE fee of the maker (each in the asset that side receives), REMAINING of the maker's order
    # (0: filled and off the book), AUX of the taker's
    TRADED = 15
    # ACCOUNT, MARKET, ORDER_ID, SIDE, PRICE, QUANTITY, REMAINING: now on the book
    ORDER_RESTED = 16
    # as ORDER_RESTED, REMAINING the part that found no counterparty; its hold is released; REASON
    # INSUFFICIENT_BALANCE where a market buy ran out of money, CAPACITY after the most trades of
    # one command (layout.FILLS_MAX), else NONE
    ORDER_EXPIRED = 17
    # as ORDER_RESTED, REMAINING the part taken off the book; NAME client order id
    ORDER_CANCELED = 18
    # ACCOUNT, MARKET, ORDER_ID, NAME as commanded; REASON; VALUE the causing column or limit
    REJECTED = 19
    DUPLICATE = 20  # the request id was seen with the same content: VALUE seq of the first answer


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


class Side(IntEnum):
    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    LIMIT = 1
    MARKET = 2


class TimeInForce(IntEnum):
    GTC = 1
    IOC = 2


class MarketState(IntEnum):
    OPEN = 1
    HALTED = 2


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

COMMAND_DTYPE = np.dtype(
    [(c.name.lower(), "<i8") for c in Command if c is not Command.NAME]
    + [("name", f"S{NAME_BYTES}")]
)
EVENT_DTYPE = np.dtype(
    [(c.name.lower(), "<i8") for c in Event if c is not Event.NAME] + [("name", f"S{NAME_BYTES}")]
)


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
