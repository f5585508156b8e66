"""The state: which arrays there are, and which columns they have.

Rows are int64; row 0 of every table is unused, so 0 means "none" wherever a row is referred to.
Tables whose rows come and go (orders, standings, levels, nodes, transfers) chain their free rows
through a column. What a free row holds beside its link is zero.

"v1: ..." says what a column that kernel version 1 did not have must hold for a state made by it.
"""

from enum import IntEnum
from typing import NamedTuple

from tigerex_core.records import MARKET_LIMIT_MAX, NAME_WORDS, Rows

# Named limits.
ISSUED_MAX = (1 << 62) - 1  # units of one asset that all accounts together may be below zero
SCALE_MAX = 8
TIER_MAX = 15
FEE_PPM_MAX = 100_000
# Of one command and all that happens around it:
FILLS_MAX = 256  # trades and prevented ones; what remains of an order then and crosses expires
STEPS_MAX = 64  # orders that expire, and stops that fire
CANCELS_MAX = 256  # orders that a CANCEL_ALL cancels, and one more where it is the other of a list
TRAILING_MAX = 256  # trailing stops that wait in a market
ICEBERG_PARTS_MAX = 100
PERCENT_PPM_MAX = 1_000_000_000  # of a percent price limit
BREAKER_WINDOW_NS = 60_000_000_000  # at first
KEY_BITS = 62  # a price is below 2^62

# A fill may cancel the other order of the maker's list, and let an iceberg show its next part; a
# step has a stop triggered, the other of its list canceled, the market halted, the remainder ended.
_FILL_EVENTS = 3
_STEP_EVENTS = 4
_ANSWER_EVENTS = max(CANCELS_MAX + 2, 6)  # 6: a list is placed
COMMAND_EVENTS_MAX = _FILL_EVENTS * FILLS_MAX + _STEP_EVENTS * STEPS_MAX + _ANSWER_EVENTS


class Head(IntEnum):
    """The state's single values. v1: 0, but for the first free standing."""

    TIME_NS = 0
    ASSETS = 1  # counts
    MARKETS = 2
    USERS = 3
    ACCOUNTS = 4
    BALANCES = 5
    ORDERS = 6  # open: on a book, or waiting for a price
    LAST_ORDER_ID = 7
    FREE_ORDER = 8  # first of the chain of free rows
    FREE_LEVEL = 9
    FREE_NODE = 10
    FREE_TRANSFER = 11
    REMEMBERED = 12  # request ids ever put into the window
    FREE_STANDING = 13
    EXPIRING = 14  # open orders good till a date: the first so many of `Books.expiring`
    RUNNABLE = 15  # stops that have fired and wait to be run, in markets that are open
    FIRED = 16  # stops that ever fired
    DISCOUNT_ASSET = 17  # in which fees can be paid, 0: none
    DISCOUNT_PPM = 18  # let off then
    DISCOUNT_FEES = 19  # balance row of the fees account in that asset


HEAD_WIDTH = len(Head)


class Asset(IntEnum):
    SCALE = 0
    # units by which accounts are below zero: the sum over all accounts of max(0, -available)
    ISSUED = 1
    NAME = 2  # first of five


class Market(IntEnum):
    BASE = 0
    QUOTE = 1
    TICK = 2  # quote units per whole base
    LOT = 3  # base units
    UNIT = 4  # quote units of one lot at one tick
    PRICE_MAX = 5
    QUANTITY_MAX = 6
    STATE = 7
    LAST_TRADE_ID = 8
    FEE_BASE = 9  # balance rows of the fees account
    FEE_QUOTE = 10
    LAST_PRICE = 11  # of the last trade, 0: none yet (v1: 0)
    BREAKER_PRICE = 12  # the circuit breaker's reference, 0: none (v1: 0)
    BREAKER_TIME_NS = 13  # when its window began (v1: 0)
    TRAILING_FIRST = 14  # chain of waiting trailing stops, oldest first (v1: 0)
    TRAILING_LAST = 15
    TRAILING = 16  # how many wait, fired ones included
    FIRED_FIRST = 17  # chain of stops that have fired and wait to be run (v1: 0)
    FIRED_LAST = 18
    FIRED = 19  # how many they are
    DISCOUNT_MARKET = 20  # which prices the discount asset in this one's quote asset (v1: 0)
    # Column LIMIT + n is the MarketLimit n, which is 1 or more. v1: PRICE_MIN and QUANTITY_MIN 1,
    # NOTIONAL_MIN as it was, BREAKER_WINDOW_NS above, SELF_TRADE SelfTrade.NONE, all others 0
    LIMIT = 20
    NAME = 38


assert Market.NAME == Market.LIMIT + MARKET_LIMIT_MAX + 1  # noqa: S101 - at import


class Tier(IntEnum):
    MAKER_PPM = 0
    TAKER_PPM = 1


class User(IntEnum):
    ZERO = 0  # the key of the index is an owner and a name: users have no owner
    NAME = 1
    MAIN_ACCOUNT = 6


class Account(IntEnum):
    USER = 0  # key: USER, NAME
    NAME = 1
    KIND = 6
    TIER = 7
    FROZEN = 8
    EPOCH = 9
    FEE_PAYMENT = 10  # 1: pays fees in the discount asset (v1: 0)


class Balance(IntEnum):
    ACCOUNT = 0  # key: ACCOUNT, ASSET
    ASSET = 1
    AVAILABLE = 2
    HELD = 3
    MAY_OWE = 4  # 1: may be below zero


class Place(IntEnum):
    """Where an order is."""

    NONE = 0  # nowhere: a free row, or a taker at work
    BOOK = 1  # in a queue of its side
    STOPS = 2  # waits for a price, in a queue of its market's stops that wait for a rise or a fall
    TRAILING = 3  # waits and follows the price, in its market's chain
    FIRED = 4  # its price has come: waits to be run, in its market's chain


class Order(IntEnum):
    ID = 0  # key: ID, ACCOUNT
    ACCOUNT = 1  # key: ACCOUNT, NAME
    NAME = 2
    MARKET = 7
    SIDE = 8
    PRICE = 9  # ticks; 0: at market, never on the book
    QUANTITY = 10
    REMAINING = 11
    LEVEL = 12  # of the book or of the stops, else 0
    NEXT = 13  # younger order of the level or of the market's chain; chains free rows
    PREVIOUS = 14
    PAYS = 15  # balance row that holds what it gives
    GETS = 16  # balance row that receives
    PLACE = 17  # Place (v1: BOOK)
    BOOK = 18  # row of `Books.sides` of its level, else 0 (v1: book_row of its market and side)
    VISIBLE = 19  # lots that the book shows (v1: REMAINING)
    HELD = 20  # units that it holds (v1: of REMAINING, at PRICE where it buys)
    EXECUTED = 21  # lots traded (v1: QUANTITY - REMAINING)
    TYPE = 22  # OrderType (v1: LIMIT)
    TIME_IN_FORCE = 23  # (v1: GTC)
    POST_ONLY = 24  # (v1: 0, which was not kept)
    STOP_PRICE = 25  # this and what follows: v1 0, where nothing else is said
    TRAILING = 26  # basis points
    DISPLAY = 27  # lots, 0: all is shown
    EXPIRE_NS = 28
    SELF_TRADE = 29  # as commanded
    AMOUNT = 30  # quote units left to trade, of an order for an amount
    EXTREME = 31  # of a trailing stop: the lowest or highest price seen, 0: does not follow yet
    FIRED = 32  # number of the firing, rising
    TRIGGER = 33  # price that fired it
    STANDING = 34  # row of the account's standing in the market, 0: not open (v1: build)
    OLDER = 35  # orders of that standing (v1: build, by ID)
    YOUNGER = 36
    HEAP = 37  # place in `Books.expiring`, 0: none
    OTHER_LEG = 38  # the other order of its list while both are open
    LIST_ID = 39  # also after the other has ended


ORDER_WIDTH = len(Order) + NAME_WORDS - 1


class Standing(IntEnum):
    """What an account has open in a market; a row while that is anything."""

    ACCOUNT = 0  # key: ACCOUNT, MARKET
    MARKET = 1
    ORDERS = 2  # counts: all of them
    STOPS = 3  # that wait for a price, or to be run
    ICEBERGS = 4
    BUY_LOTS = 5  # left of the orders that buy; of a list that of the limit order
    FIRST = 6  # oldest order; chains free rows
    LAST = 7
    BASE = 8  # the account's balance rows of the market's assets
    QUOTE = 9


STANDING_WIDTH = len(Standing)


class Level(IntEnum):
    KEY = 0  # ascending from best to worst: see `book.key_of`
    PRICE = 1
    LOTS = 2  # shown
    COUNT = 3
    FIRST = 4  # oldest order
    LAST = 5
    NEXT = 6  # next worse level; chains free rows
    PREVIOUS = 7
    PARENT = 8  # fork above it, 0: it is the root (v1: build)


LEVEL_WIDTH = len(Level)


class Node(IntEnum):
    """A fork of a side's price tree; children are nodes (above 0) or levels (below 0, negated)."""

    BIT = 0
    LEFT = 1  # where the bit of the key is 0; chains free rows
    RIGHT = 2
    PARENT = 3  # fork above it, 0: it is the root (v1: build)


NODE_WIDTH = len(Node)


class BookSide(IntEnum):
    """One side of one market, or its stops that wait for a fall or a rise: row `book_row`."""

    BEST = 0  # level
    ROOT = 1  # of the price tree: node, negated level, or 0
    LEVELS = 2


# Beside Side.BUY and Side.SELL; keys ascend in the even ones, as they do for SELL.
FALL = 3  # stops, the highest first
RISE = 4  # stops, the lowest first
SIDES = 4  # rows of `Books.sides` of a market


class Transfer(IntEnum):
    ID_HI = 0  # key: both halves
    ID_LO = 1
    ACCOUNT = 2
    TO_ACCOUNT = 3
    ASSET = 4
    AMOUNT = 5
    PAYS = 6  # balance row that holds the amount
    GETS = 7  # balance row that receives it when posted
    NEXT = 8  # chains free rows


TRANSFER_WIDTH = len(Transfer)


class Seen(IntEnum):
    """A remembered request."""

    ID_HI = 0  # key: both halves
    ID_LO = 1
    CONTENT = 2  # hash; 0: not known, any content counts as the same (v1: 0)
    SEQ = 3


class Registry(NamedTuple):
    """What is created by people and never deleted."""

    assets: Rows
    markets: Rows
    tiers: Rows
    users: Rows
    accounts: Rows
    user_index: Rows
    account_index: Rows


class Ledger(NamedTuple):
    """Who has what."""

    assets: Rows
    balances: Rows
    lookup: Rows


class Books(NamedTuple):
    """Open orders."""

    sides: Rows
    levels: Rows
    nodes: Rows
    orders: Rows
    id_index: Rows
    name_index: Rows
    standings: Rows
    standing_index: Rows
    expiring: Rows  # a heap of orders good till a date, by date and id, from place 1 on


class Transfers(NamedTuple):
    rows: Rows
    lookup: Rows


class Window(NamedTuple):
    """The newest request ids, in a ring."""

    ring: Rows
    lookup: Rows


class State(NamedTuple):
    """All of it. `Ledger.assets` is `Registry.assets`: who changes balances needs no registry."""

    head: Rows
    registry: Registry
    ledger: Ledger
    books: Books
    transfers: Transfers
    window: Window


def book_row(market: int, side: int) -> int:
    """The row in `Books.sides` of a market's side, or of its stops (FALL, RISE)."""
    return SIDES * market + side - 1
