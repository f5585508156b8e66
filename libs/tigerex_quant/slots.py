"""Slots: the places in a kernel's state that hold at most one order each, and the money in them.

A slot is idle, or its order is sent (wanted, no answer yet), or live (the exchange has accepted
it). It becomes idle again only by an event that ends its order, so a slot can never hold two, no
matter how late answers come. The first verdict on an order counts: the journal orders the events,
and a refusal that follows an acceptance concerns something else (a late cancel, a repetition).

What the strategy owns is kept to the unit: placing an order binds its money, fills exchange it,
the end of the order releases the rest, exactly as the exchange does.
"""

from typing import Final

from tigerex_core.records import OrderType, Reason, Side
from tigerex_quant.jit import compiled
from tigerex_quant.kernel import (
    ACCEPTED,
    C_LOT,
    CANCEL,
    CANCELED,
    E_FEE,
    E_FEE_IN,
    E_KIND,
    E_NOTIONAL,
    E_ORDER_ID,
    E_PRICE,
    E_QUANTITY,
    E_REASON,
    E_REF,
    E_REMAINING,
    E_TIME_NS,
    EXPIRED,
    FEE_IN_BASE,
    FEE_IN_QUOTE,
    FILLED,
    H_BASE,
    H_HALTED,
    H_QUOTE,
    H_STARTED,
    H_STATUS,
    H_TRADES,
    I_PRICE,
    I_QUANTITY,
    I_SELF_TRADE,
    I_SIDE,
    I_TARGET,
    I_TIME_IN_FORCE,
    I_TYPE,
    PLACE,
    REJECTED,
    RESIZED,
    RUNNING,
    STARTING,
    Ints,
    next_intent,
    notional,
)

S_STATUS: Final = 0
S_CANCELING: Final = 1  # a cancel of ours is on its way
S_REF: Final = 2
S_ORDER_ID: Final = 3
S_SIDE: Final = 4
S_PRICE: Final = 5
S_REMAINING: Final = 6  # lots of the order not filled
S_WANT: Final = 7  # the strategy's: side it is to trade next
S_TARGET: Final = 8  # the strategy's: lots it is to trade in all …
S_DONE: Final = 9  # … and has traded
S_RETRY_NS: Final = 10  # no order before this time
S_TRIES: Final = 11  # orders in a row that ended without a fill
S_WIDTH: Final = 12

SLOT_IDLE: Final = 0
SLOT_SENT: Final = 1
SLOT_LIVE: Final = 2

BUY: Final = int(Side.BUY)
SELL: Final = int(Side.SELL)
LIMIT: Final = int(OrderType.LIMIT)
REASON_HALTED: Final = int(Reason.MARKET_HALTED)
REASON_BREAKER: Final = int(Reason.CIRCUIT_BREAKER)
REASON_STALE_EPOCH: Final = int(Reason.STALE_EPOCH)
REASON_UNKNOWN_ORDER: Final = int(Reason.UNKNOWN_ORDER)

RETRY_FIRST_NS: Final = 2_000_000_000
RETRY_DOUBLINGS: Final = 7  # up to 256 s


@compiled
def postpone(state: Ints, slot: int, now_ns: int) -> None:
    """Keep a slot idle for a while, twice as long after each try in vain."""
    doublings = min(state[slot + S_TRIES], RETRY_DOUBLINGS)
    state[slot + S_RETRY_NS] = now_ns + (RETRY_FIRST_NS << doublings)
    state[slot + S_TRIES] += 1


@compiled
def place(
    state: Ints,
    event: Ints,
    config: Ints,
    intents: Ints,
    count: int,
    slot: int,
    side: int,
    price: int,
    lots: int,
    time_in_force: int,
    self_trade: int,
) -> int:
    """Send a limit order from an idle slot and bind its money; returns the number of intents."""
    ref = next_intent(state, event, intents, count, PLACE)
    if ref == 0:
        return count
    intents[count, I_SIDE] = side
    intents[count, I_TYPE] = LIMIT
    intents[count, I_TIME_IN_FORCE] = time_in_force
    intents[count, I_PRICE] = price
    intents[count, I_QUANTITY] = lots
    intents[count, I_SELF_TRADE] = self_trade
    state[slot + S_STATUS] = SLOT_SENT
    state[slot + S_CANCELING] = 0
    state[slot + S_REF] = ref
    state[slot + S_ORDER_ID] = 0
    state[slot + S_SIDE] = side
    state[slot + S_PRICE] = price
    state[slot + S_REMAINING] = lots
    _bind(state, config, slot, lots)
    return count + 1


@compiled
def cancel_all(state: Ints, event: Ints, intents: Ints, count: int, first: int, slots: int) -> int:
    """Cancel the order of every slot that has one; returns the new number of intents."""
    for number in range(slots):
        slot = first + number * S_WIDTH
        if state[slot + S_STATUS] == SLOT_IDLE or state[slot + S_CANCELING] == 1:
            continue
        ref = next_intent(state, event, intents, count, CANCEL)
        if ref == 0:
            return count
        intents[count, I_TARGET] = state[slot + S_REF]
        state[slot + S_CANCELING] = 1
        count += 1
    return count


@compiled
def slot_of(state: Ints, event: Ints, first: int, slots: int) -> int:
    """Where the slot of an own-order event is in the state; -1 when it is none of ours."""
    kind = event[E_KIND]
    for number in range(slots):
        slot = first + number * S_WIDTH
        status = state[slot + S_STATUS]
        if kind in (ACCEPTED, REJECTED):
            canceling = kind == REJECTED and state[slot + S_CANCELING] == 1
            if state[slot + S_REF] == event[E_REF] and (
                status == SLOT_SENT or (status == SLOT_LIVE and canceling)
            ):
                return slot
        elif status == SLOT_LIVE and state[slot + S_ORDER_ID] == event[E_ORDER_ID]:
            return slot
    return -1


@compiled
def apply_order_event(state: Ints, event: Ints, config: Ints, slot: int) -> None:
    """Follow the order of a slot: its status, its fills, its money."""
    kind = event[E_KIND]
    if kind == ACCEPTED:
        state[slot + S_STATUS] = SLOT_LIVE
        state[slot + S_ORDER_ID] = event[E_ORDER_ID]
        state[H_STARTED] = 1
        if state[H_STATUS] == STARTING:
            state[H_STATUS] = RUNNING
    elif kind == FILLED:
        _fill(state, event, config, slot)
        if event[E_REMAINING] == 0:
            _end(state, config, slot)
    elif kind == RESIZED:
        _bind(state, config, slot, event[E_REMAINING] - state[slot + S_REMAINING])
        state[slot + S_REMAINING] = event[E_REMAINING]
    elif kind in (CANCELED, EXPIRED):
        ours = state[slot + S_CANCELING] == 1
        _end(state, config, slot)
        if event[E_REASON] == REASON_BREAKER:
            state[H_HALTED] = 1  # as with a refusal below
        elif not ours:
            postpone(state, slot, event[E_TIME_NS])
    elif kind == REJECTED and state[slot + S_STATUS] == SLOT_LIVE:
        state[slot + S_CANCELING] = 0  # our cancel was refused: the order lives on
    elif kind == REJECTED and event[E_REASON] != REASON_UNKNOWN_ORDER:
        _end(state, config, slot)
        if event[E_REASON] == REASON_HALTED:
            state[H_HALTED] = 1  # the event that opens the market again comes later in the journal
        else:
            postpone(state, slot, event[E_TIME_NS])


@compiled
def _bind(state: Ints, config: Ints, slot: int, lots: int) -> None:
    """The order of the slot binds money for so many lots more; fewer where they are negative."""
    if state[slot + S_SIDE] == BUY:
        state[H_QUOTE] -= notional(state[slot + S_PRICE], lots, config)
    else:
        state[H_BASE] -= lots * config[C_LOT]


@compiled
def _fill(state: Ints, event: Ints, config: Ints, slot: int) -> None:
    lots = event[E_QUANTITY]
    if state[slot + S_SIDE] == BUY:
        # The order bound money at its own price; a better one releases the difference.
        better = state[slot + S_PRICE] - event[E_PRICE]
        state[H_QUOTE] += notional(better, lots, config)
        state[H_BASE] += lots * config[C_LOT]
    else:
        state[H_QUOTE] += event[E_NOTIONAL]
    if event[E_FEE_IN] == FEE_IN_BASE:
        state[H_BASE] -= event[E_FEE]
    elif event[E_FEE_IN] == FEE_IN_QUOTE:
        state[H_QUOTE] -= event[E_FEE]
    state[slot + S_REMAINING] -= lots
    state[slot + S_DONE] += lots
    state[slot + S_TRIES] = 0
    state[H_TRADES] += 1


@compiled
def _end(state: Ints, config: Ints, slot: int) -> None:
    """The order is over: release what it still bound."""
    _bind(state, config, slot, -state[slot + S_REMAINING])
    state[slot + S_STATUS] = SLOT_IDLE
    state[slot + S_CANCELING] = 0
    state[slot + S_REMAINING] = 0
    state[slot + S_RETRY_NS] = 0


@compiled
def earliest_retry(state: Ints, first: int, slots: int) -> int:
    """The earliest time that an idle slot waits for; 0 when none does."""
    wake = 0
    for number in range(slots):
        slot = first + number * S_WIDTH
        if state[slot + S_STATUS] == SLOT_IDLE:
            retry = state[slot + S_RETRY_NS]
            if retry > 0 and (wake == 0 or retry < wake):
                wake = retry
    return wake
