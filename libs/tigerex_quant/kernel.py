"""What every strategy kernel shares: the columns of its events, intents, configuration and state.

A kernel is `step(state, event, config, intents) -> int`: a pure function over int64 arrays in the
subset of Python that numba compiles. It changes `state`, writes what it wants done into the first
rows of `intents` and returns their number. It is called for one event at a time, in the order of
the exchange's journal, so the same events always give the same intents.

Units: prices in ticks, quantities in lots, money in the asset's smallest unit, times in nanoseconds
since the Unix epoch.
"""

# numpy types the items of an array as Any:
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from tigerex_quant.jit import compiled

Ints = npt.NDArray[np.int64]
Step = Callable[[Ints, Ints, Ints, Ints], int]

# Layout of states and meaning of intents: a checkpoint of another version cannot be resumed from.
KERNEL_VERSION: Final = 1

SIGNATURE: Final = "int64(int64[::1], int64[::1], int64[::1], int64[:, ::1])"
MAX_INTENTS: Final = 256  # of one step; as many as one SubmitBatch takes

# Events -------------------------------------------------------------------------------------------

E_KIND: Final = 0
E_SEQ: Final = 1  # journal seq of the batch the event is in
E_TIME_NS: Final = 2
E_EPOCH: Final = 3  # signals: the account's epoch from now on
E_REF: Final = 4  # accepted, rejected: which intent (see `ref_of`)
E_ORDER_ID: Final = 5
E_SIDE: Final = 6
E_PRICE: Final = 7
E_QUANTITY: Final = 8
E_REMAINING: Final = 9  # lots of the order that are still open, or that were taken off
E_NOTIONAL: Final = 10  # filled: quote units
E_FEE: Final = 11  # filled: units of the asset that E_FEE_IN tells
E_REASON: Final = 12  # rejected, canceled, expired: tigerex_core.records.Reason
E_FEE_IN: Final = 13
EVENT_WIDTH: Final = 14

TICK: Final = 1  # time passed
TRADE: Final = 2  # anybody's trade in the market: price, quantity
MARKET_OPEN: Final = 3
MARKET_HALTED: Final = 4  # any state in which no order is taken
# Control, in the order in which it was journaled
START: Final = 10
PAUSE: Final = 11
RESUME: Final = 12
STOP: Final = 13
TAKEOVER: Final = 14  # another runner goes on; only the epoch changes
# Own orders
ACCEPTED: Final = 20
FILLED: Final = 21
RESTED: Final = 22
CANCELED: Final = 23
EXPIRED: Final = 24
REJECTED: Final = 25
RESIZED: Final = 26  # nothing was traded, but E_REMAINING is another one: amended, or prevented

# What a fee was taken from; what is neither was not bought with the investment.
FEE_ELSEWHERE: Final = 0
FEE_IN_BASE: Final = 1
FEE_IN_QUOTE: Final = 2

# Intents ------------------------------------------------------------------------------------------

I_KIND: Final = 0
I_REF: Final = 1  # names the intent; the client order id of a placed order is made of it
I_EPOCH: Final = 2
I_SIDE: Final = 3
I_TYPE: Final = 4
I_TIME_IN_FORCE: Final = 5
I_PRICE: Final = 6
I_QUANTITY: Final = 7
I_TARGET: Final = 8  # cancel: the ref of the order to cancel
I_SELF_TRADE: Final = 9  # place: tigerex_core.records.SelfTrade; 0: the market's
INTENT_WIDTH: Final = 10

PLACE: Final = 1
CANCEL: Final = 2

REF_BITS: Final = 16  # intents of one bot caused by one journal entry: fewer than 65,536

# State: the first columns are the same for every kernel ------------------------------------------

H_STATUS: Final = 0
H_REASON: Final = 1
H_EPOCH: Final = 2
H_SEQ: Final = 3  # seq of the newest event that caused an intent …
H_COUNT: Final = 4  # … and how many it has caused
H_WAKE_NS: Final = 5  # ticks are delivered from this time on; 0: none
H_WATCH: Final = 6  # 1: the market's trades are delivered
H_PRICE: Final = 7  # the last trade's
H_HALTED: Final = 8
H_QUOTE: Final = 9  # quote units not bound in orders
H_BASE: Final = 10  # base units not bound in orders
H_TRADES: Final = 11  # own fills seen
H_STARTED: Final = 12  # 1: an order of this run has been accepted
H_WIDTH: Final = 13

IDLE: Final = 0  # never started
STARTING: Final = 1
RUNNING: Final = 2
PAUSED: Final = 3
STOPPED: Final = 4
COMPLETED: Final = 5
FAILED: Final = 6

# Why a kernel failed
NOTHING_WRONG: Final = 0
INVESTMENT_TOO_SMALL: Final = 1
AMOUNT_TOO_SMALL: Final = 2
TOO_MANY_INTENTS: Final = 3

# Configuration: the first columns are the same for every kernel ----------------------------------

C_INVESTMENT: Final = 0  # quote units the bot's account starts with
C_UNIT: Final = 1  # quote units of one lot at a price of one tick
C_LOT: Final = 2  # base units of one lot
C_MAX_PRICE: Final = 3
C_MAX_QUANTITY: Final = 4
C_MIN_NOTIONAL: Final = 5
C_WIDTH: Final = 6


@compiled
def ref_of(seq: int, count: int) -> int:
    """The name of the `count`-th intent (from 0) that the journal entry `seq` caused."""
    return (seq << REF_BITS) | count


@compiled
def is_active(state: Ints) -> bool:
    """Whether the strategy may place orders."""
    return state[H_STATUS] == STARTING or state[H_STATUS] == RUNNING


@compiled
def fail(state: Ints, reason: int) -> None:
    """End the run because it cannot go on."""
    state[H_STATUS] = FAILED
    state[H_REASON] = reason
    state[H_WAKE_NS] = 0
    state[H_WATCH] = 0


@compiled
def notional(price: int, lots: int, config: Ints) -> int:
    """Quote units of price times quantity; exact, by the rule that market creation checks."""
    return price * lots * config[C_UNIT]


@compiled
def worst_buy_price(price: int, config: Ints) -> int:
    """What a purchase "at the market" pays at most: one percent above the last price."""
    return min(price + price // 100 + 1, config[C_MAX_PRICE])


@compiled
def observe(state: Ints, event: Ints) -> None:
    """Take note of what concerns every strategy: the epoch, the last price, a halt."""
    kind = event[E_KIND]
    if kind == TRADE:
        state[H_PRICE] = event[E_PRICE]
    elif kind == MARKET_OPEN:
        state[H_HALTED] = 0
    elif kind == MARKET_HALTED:
        state[H_HALTED] = 1
    elif START <= kind <= TAKEOVER:
        state[H_EPOCH] = event[E_EPOCH]


@compiled
def next_intent(state: Ints, event: Ints, intents: Ints, count: int, kind: int) -> int:
    """Begin intent number `count` and return its ref; 0, and the run fails, when none is left."""
    if event[E_SEQ] != state[H_SEQ]:
        state[H_SEQ] = event[E_SEQ]
        state[H_COUNT] = 0
    if count >= MAX_INTENTS or state[H_COUNT] >= (1 << REF_BITS) - 1:
        fail(state, TOO_MANY_INTENTS)
        return 0
    ref = ref_of(state[H_SEQ], state[H_COUNT])
    state[H_COUNT] += 1
    intents[count, :] = 0
    intents[count, I_KIND] = kind
    intents[count, I_REF] = ref
    intents[count, I_EPOCH] = state[H_EPOCH]
    return ref
